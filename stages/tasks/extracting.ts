/** Tasks whose answers are looked for elsewhere than they do it themselves: the param `extraction` of the stages that grade. */
import {StageFailure} from '../../pipeline/stage.js';
import type {Completion} from '../text/completion.js';
import type {Extraction} from './asking.js';
import {LONGEST_ANSWER} from './answers/answer.js';
import {numberForm} from './answers/fraction.js';
import {lastNumber, numberedPart} from './answers/last-number.js';
import {builtInTasks} from './built-in.js';
import type {Prompt} from './prompt.js';
import {taskOf, type AnswerKind, type Task, type Tasks} from './task.js';

/** Tasks that each extraction makes sense for, and what the others lack. */
const TAKES: {
  readonly [extraction in Exclude<Extraction, 'task'>]: {readonly tasks?: readonly string[]; readonly why: string};
} = {
  tag: {why: 'has no answer to look for'},
  box: {tasks: ['integer', 'exact', 'math', 'choice', 'f1', 'drop'], why: 'has answers that do not stand in a box'},
  'last-number': {tasks: ['integer', 'exact', 'math'], why: 'has answers that are no numbers'},
  'math-verify': {tasks: ['math'], why: 'has answers that Math-Verify does not compare'},
};

/** The built-in task whose answers a task has; `undefined` where it reads them by functions of its own. */
function kindOf({name, answer}: Task): string | undefined {
  if (builtInTasks.has(name)) return name;
  return [...builtInTasks.values()].find((task) => task.answer === answer)?.name;
}

/** Why the answers of a task cannot be looked for so, as the end of a sentence; `undefined` where they can. */
export function extractionFault(task: Task, extraction: Extraction): string | undefined {
  if (extraction === 'task' || task.answer === undefined) return undefined; // Nothing is looked for.
  const kind = kindOf(task);
  if (kind === undefined)
    return "finds its answers by functions of its own (answer.read); answer: 'integer' reads whole numbers";
  const {tasks, why} = TAKES[extraction];
  return tasks === undefined || tasks.includes(kind) ? undefined : why;
}

/** The same task, looking for answers as `extraction` says; as it is where it cannot. */
function extracting(task: Task, extraction: Extraction): Task {
  const {answer} = task;
  if (answer === undefined || extraction === 'task' || extractionFault(task, extraction) !== undefined) return task;
  switch (extraction) {
    case 'tag':
      return {...task, answer: {...answer, read: (completion) => readTags(answer, completion)}};
    case 'box':
      return {...task, answer: {...answer, read: (completion) => answer.read(withoutTags(completion))}};
    case 'last-number':
      return {...task, answer: numbered(kindOf(task), answer)};
    case 'math-verify':
      return {...task, answer: {...answer, read: wholeReply}};
  }
}

/** All tasks, those that can looking for answers as `extraction` says. `checkExtraction` tells of the others. */
export const tasksExtracting = (tasks: Tasks, extraction: Extraction): Tasks =>
  new Map([...tasks].map(([name, task]) => [name, extracting(task, extraction)]));

const readTags = (answer: AnswerKind, completion: Completion): string | undefined =>
  completion.answers.length === 0 ? undefined : answer.read({...completion, reply: completion.answers.join('\n')});

const withoutTags = ({answer: _, ...completion}: Completion): Completion => ({...completion, answers: []});

/** For a grader that finds the answer in it. */
const wholeReply = ({reply}: Completion): string | undefined =>
  reply === '' || reply.length > LONGEST_ANSWER ? undefined : reply;

/** What a completion marks as its answer, as its task reads it; else the number that it ends with. */
function numbered(name: string | undefined, answer: AnswerKind): AnswerKind {
  const isFormula = answer.external !== undefined;
  const form = (text: string): string => (name === 'exact' ? numberForm(text) : text);
  return {
    ...answer,
    read(completion) {
      const marked = answer.read(completion);
      if (marked !== undefined) return form(marked);
      const found = lastNumber(numberedPart(completion));
      return found === undefined || !isFormula || !found.isPercent ? found?.value : `${found.value}\\%`;
    },
    reference(text) {
      const reference = answer.reference(text);
      return reference === undefined ? undefined : form(reference);
    },
  };
}

const NUMBER = /^-?\d[\d./]*$/;

/** Whether a number could be the right answer to a prompt. */
function hasNumber(prompt: Prompt, tasks: Tasks): boolean {
  const kind = taskOf(tasks, prompt).answer;
  const reference = kind?.reference(prompt.answer ?? '');
  // What a formula is worth is known to its grader alone.
  return kind?.external !== undefined || (reference !== undefined && NUMBER.test(numberForm(reference)));
}

/**
 * Looks over prompts whose answers are going to be looked for as `extraction` says.
 *
 * @param tasks those of the prompts
 * @param note told how many prompts have references that are no numbers, where numbers are looked for
 * @throws {StageFailure} where a task cannot look for them so, or no reference is a number
 */
export function checkExtraction(
  prompts: readonly Prompt[],
  extraction: Extraction,
  {tasks, note}: {readonly tasks: Tasks; readonly note: (text: string) => void},
): void {
  if (extraction === 'task') return;
  for (const name of new Set(prompts.map(({task}) => task))) {
    const first = prompts.find(({task}) => task === name)!;
    const fault = extractionFault(taskOf(tasks, first), extraction);
    if (fault === undefined) continue;
    const {id} = first;
    throw new StageFailure(
      `extraction “${extraction}” is not for the task “${name}”, of which prompt ${id} is: it ${fault}; leave it at “task”`,
    );
  }
  if (extraction !== 'last-number') return;
  const asked = prompts.filter((prompt) => taskOf(tasks, prompt).answer !== undefined);
  const others = asked.filter((prompt) => !hasNumber(prompt, tasks));
  const [first] = others;
  if (first === undefined) return;
  const text =
    `${others.length} of ${asked.length} references are no numbers, such as “${(first.answer ?? '').slice(0, 60)}” of prompt ${first.id}, ` +
    'and extraction “last-number” finds numbers alone unless a response marks its answer';
  if (others.length === asked.length) throw new StageFailure(`${text}; leave extraction at “task”`);
  note(text);
}
