/**
 * What a task of one's own brings to a recipe: documents for pre-training, prompt sets whose problems are on one side of the
 * split, and the words of a tokenizer. Everything follows from `problems` and a seed.
 */
import {StageFailure} from '../../pipeline/stage.js';
import {random, type Random} from '../random.js';
import {readCompletion} from '../text/completion.js';
import {plainPrompt} from '../text/templates.js';
import {SPECIAL_TOKENS, TAGS} from '../text/word-tokenizer.js';
import type {Problem, TaskDefinition} from './define-task.js';
import {fault} from './faults.js';
import {writeResponse} from './general.js';
import type {Prompt} from './prompt.js';
import {watchPurity} from './purity.js';
import {exactQuestionHash, questionHash, splitOf, type Split} from './splits.js';
import {weighted} from './weighted.js';

/** How documents answer unless the task says so itself: shares that leave reinforcement learning something to do. */
const DIRECT = 0.3;
const WRONG = 0.15;

/** Draws in a row that bring nothing new before the problems count as used up. */
const PATIENCE = 2_000;

/** A document of the corpus, as `CorpusDocument` is one. */
export interface TaskDocument {
  readonly id: string;
  readonly from: readonly string[];
  readonly task: string;
  readonly key: string;
  readonly source: 'zero' | 'chat';
  readonly prompt: string;
  readonly response: string;
}

/** Documents number 0 … count − 1, the tasks in turn. Each depends on the seed, its number and its task alone. */
export function* taskDocuments(
  tasks: readonly TaskDefinition[],
  {seed, count, shares}: {seed: number; count: number; shares: {readonly zero: number; readonly chat: number}},
): Generator<TaskDocument> {
  const stillPure = watchPurity(tasks);
  for (let index = 0; index < count; index++) {
    const task = tasks[index % tasks.length]!;
    const draws = random(seed, `task:${task.name}:corpus`, index);
    const {problem, key} = drawOn(task, 'train', draws);
    const source = weighted(draws, {zero: shares.zero, chat: shares.chat});
    const response = task.respond?.(problem, draws) ?? respond(task, problem, draws);
    const prompt = plainPrompt(source === 'zero' ? 'tiny-zero' : 'chat', problem.question);
    yield {id: `corpus:${index}`, from: [], task: task.name, key, source, prompt, response};
  }
  stillPure();
}

/** A training problem with the response that its task writes for it or, where it writes none, its solution and its answer. */
export interface WorkedProblem {
  readonly task: string;
  readonly key: string;
  readonly problem: Problem;
  readonly response: string;
}

/**
 * Problems number 0 … count − 1, the tasks in turn. Each depends on the seed, its number and its task alone.
 *
 * @throws {StageFailure} for a problem without solution or answer, of a task without `respond`
 */
export function* workedProblems(
  tasks: readonly TaskDefinition[],
  {seed, count}: {readonly seed: number; readonly count: number},
): Generator<WorkedProblem> {
  const stillPure = watchPurity(tasks);
  for (let index = 0; index < count; index++) {
    const task = tasks[index % tasks.length]!;
    const draws = random(seed, `task:${task.name}:worked`, index);
    const {problem, key} = drawOn(task, 'train', draws);
    yield {task: task.name, key, problem, response: task.respond?.(problem, draws) ?? workedOut(task, problem)};
  }
  stillPure();
}

/** Right, and with its working, where a document may be neither. */
function workedOut(task: TaskDefinition, {question, answer, solution}: Problem): string {
  if (answer !== undefined && solution !== undefined) return writeResponse({thinking: solution, answer});
  const lacks = answer === undefined ? 'answer' : 'solution';
  throw fault(
    task,
    `the problem “${question}” has no ${lacks}, and worked problems are made of both; let problems have a “solution”, or the task a “respond”`,
  );
}

function respond(task: TaskDefinition, {answer, solution = ''}: Problem, draws: Random): string {
  const direct = draws.uniform() < DIRECT;
  const wrong = draws.uniform() < WRONG;
  const said = (wrong ? drawOn(task, 'train', draws).problem.answer : answer) ?? '';
  return direct ? `<answer> ${said} </answer>` : writeResponse({thinking: solution, answer: said});
}

/** The next problem on a side of the split. */
function drawOn(task: TaskDefinition, side: Split, draws: Random): {problem: Problem; key: string} {
  const seen = new Set<string>();
  for (let tried = 0; tried < PATIENCE; tried++) {
    const problem = task.problems(draws);
    const key = keyOf(task, problem);
    if ((task.split?.(problem) ?? splitOf(key)) === side) return {problem, key};
    seen.add(key);
  }
  const questions = seen.size === 1 ? 'all of them ask the same question' : `they ask ${seen.size} different questions`;
  throw fault(task, `none of ${PATIENCE} problems in a row is on the ${side} side of the split; ${questions}`);
}

/** The same for two problems whose questions are one in another spelling; the side follows from it. */
const keyOf = ({name}: TaskDefinition, {question}: Problem): string => `${name}:${questionHash(question)}`;

/** The same for two problems whose questions differ in case or the number of spaces alone: “1 23” and “12 3” are two problems. */
const idOf = ({name}: TaskDefinition, {question}: Problem): string => `${name}:${exactQuestionHash(question)}`;

export interface TaskPrompts {
  readonly train: readonly Prompt[];
  readonly validation: readonly Prompt[];
  readonly heldOut: readonly Prompt[];
  /** What a person should know: sets that are smaller than asked for. */
  readonly notes: readonly string[];
}

/** Prompt sets of distinct problems, the tasks in turn. Training problems depend on the seed, the fixed sets do not. */
export function taskPrompts(
  tasks: readonly TaskDefinition[],
  {seed, train}: {readonly seed: number; readonly train: number},
): TaskPrompts {
  const notes: string[] = [];
  const set = (name: string, side: Split, from: number, wanted: (task: TaskDefinition) => number): Prompt[] => {
    const each = tasks.map((task) => {
      const prompts = distinct(task, side, random(from, `task:${task.name}:${name}`), wanted(task));
      if (prompts.length < wanted(task))
        notes.push(
          `${name}: task “${task.name}” has only ${prompts.length} problems there, ${wanted(task)} were wanted${side === 'train' ? '' : `; its “sets” say how many are`}`,
        );
      return prompts;
    });
    return inTurn(each);
  };
  const share = Math.ceil(train / tasks.length);
  const stillPure = watchPurity(tasks);
  const sets = {
    train: set('train', 'train', seed, () => share),
    validation: set('validation', 'validation', 0, ({sets}) => sets.validation),
    heldOut: set('held-out', 'held-out', 0, ({sets}) => sets.heldOut),
  };
  for (const task of tasks) tryMend(task, sets.train);
  stillPure();
  return {...sets, notes};
}

/** Cold-start data are made hours after this, so what is wrong with a `mend` is found here, on a right response to a prompt. */
function tryMend(task: TaskDefinition, train: readonly Prompt[]): void {
  const prompt = train.find((one) => one.task === task.name && one.answer !== undefined);
  if (prompt?.answer === undefined) return;
  const right = writeResponse({thinking: prompt.solution ?? prompt.question, answer: prompt.answer});
  // Whether it finds fault with this one is its own affair: a guarded task looks at the form of what it gives.
  task.mend?.(prompt, readCompletion(right, true), {maxWords: 1_000});
}

function distinct(task: TaskDefinition, side: Split, draws: Random, count: number): Prompt[] {
  const prompts = new Map<string, Prompt>();
  for (let idle = 0; prompts.size < count && idle < PATIENCE; idle++) {
    const {problem, key} = drawOn(task, side, draws);
    const id = idOf(task, problem);
    if (prompts.has(id)) continue;
    const {question, answer, solution, language, steps, cluster} = problem;
    prompts.set(id, {
      id,
      from: [],
      task: task.name,
      key,
      ...(cluster === undefined ? {} : {cluster}),
      ...(language === undefined ? {} : {language}),
      question,
      ...(answer === undefined ? {} : {answer}),
      ...(solution === undefined ? {} : {solution}),
      ...(steps === undefined ? {} : {steps}),
    });
    idle = -1;
  }
  return [...prompts.values()];
}

function inTurn<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(...lists.map(({length}) => length));
  return Array.from({length: longest}, (_, place) => lists.flatMap((list) => list.slice(place, place + 1))).flat();
}

/** More words than this are no vocabulary of a word tokenizer. */
const MOST_WORDS = 20_000;

/** The words that occur in documents and templates, and those that tasks add, lower case, in a fixed order. */
export function wordsIn(documents: Iterable<TaskDocument>, tasks: readonly TaskDefinition[]): string[] {
  const words = new Set<string>();
  const taken = [...Object.values(SPECIAL_TOKENS), ...TAGS];
  const add = (text: string): void => {
    const plain = taken.reduce((left, token) => left.replaceAll(token, ' '), text.toLowerCase());
    for (const word of plain.split(/\s+/)) if (word !== '') words.add(word);
  };
  for (const template of ['tiny-zero', 'chat'] as const) add(plainPrompt(template, ''));
  for (const {words: more} of tasks) more.forEach(add);
  for (const {prompt, response} of documents) {
    add(prompt);
    add(response);
  }
  if (words.size > MOST_WORDS)
    throw new StageFailure(
      `the documents hold ${words.size} different words, and a word tokenizer takes ${MOST_WORDS}: ` +
        'put spaces between the parts of long words, such as the digits of numbers',
    );
  return [...words].sort();
}

/** What the documents turned out to hold, for the data card. */
export function documentsCard(documents: readonly TaskDocument[], words: readonly string[]): object {
  const count = (of: (document: TaskDocument) => string): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const document of documents) counts[of(document)] = (counts[of(document)] ?? 0) + 1;
    return counts;
  };
  return {
    documents: documents.length,
    problems: new Set(documents.map(({key}) => key)).size,
    vocabulary: words.length,
    sources: count(({source}) => source),
    tasks: count(({task}) => task),
  };
}
