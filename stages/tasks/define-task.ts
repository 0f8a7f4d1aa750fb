/**
 * A task of one's own, from a module beside the recipe. Problems are drawn by a function; corpus, prompt sets, the border
 * between training and held-out problems and the tokenizer's words follow from them (own-data.ts).
 */
import type {Definition} from '../../pipeline/definition.js';
import type {Random} from '../random.js';
import type {Language} from '../text/language.js';
import {exact} from './answers/exact.js';
import {integer} from './answers/integer.js';
import {checkFields, fieldError, fieldsOf, type Helper} from './check-fields.js';
import {valueText} from './faults.js';
import type {Split} from './splits.js';
import {ANSWER_NAMES, type AnswerKind, type AnswerName, type Task} from './task.js';

/** A problem and, where there is one, its worked solution. A space stands between two tokens. */
export interface Problem {
  readonly question: string;
  /** The reference answer, where the task has answers. */
  readonly answer?: string;
  /** The reasoning that leads to the answer, without tags. Without it, documents answer at once. */
  readonly solution?: string;
  /** Of the question; without it the language reward is left out. */
  readonly language?: Language;
  /** Steps of the solution, for scores by difficulty. */
  readonly steps?: number;
  /** Problems that are alike, such as one form with other numbers: what intervals draw. By default each is by itself. */
  readonly cluster?: string;
}

/** A task of one's own, as a module exports it: `TaskSpec` with the defaults filled in. */
export interface TaskDefinition extends Task, Definition<'task'> {
  problems(random: Random): Problem;
  respond?(problem: Problem, random: Random): string;
  split?(problem: Problem): Split;
  readonly words: readonly string[];
  readonly sets: {readonly validation: number; readonly heldOut: number};
}

/** What `defineTask` takes. All functions in it are pure: the same arguments, the same draws, the same result. */
export interface TaskSpec {
  /** `import.meta.url` of the module that exports the task. */
  readonly module: string;
  /** By which prompts and rows call the task. */
  readonly name: string;
  /** Draws a problem. The same draws give the same problem; problems with the same question are one problem. */
  problems(random: Random): Problem;
  /** Whether an empty thinking part counts against a completion. Default true. */
  readonly reasoning?: boolean;
  /**
   * How answers are read and compared: 'exact' (the default) as text, case and spacing aside; 'integer' as whole numbers, however they
   * are written; or by functions of one's own. `null` where there is nothing to check.
   */
  readonly answer?: AnswerKind | AnswerName | null;
  /**
   * How a document of the corpus answers a problem, tags included: what a base model learns, well done and badly done. By
   * default most think and answer, some answer at once, and some end with another problem's answer.
   */
  respond?(problem: Problem, random: Random): string;
  /** The side of a problem. By default a tenth is held out and a tenth is for validation, by a hash of the question. */
  split?(problem: Problem): Split;
  /** Words of the tokenizer beside those that occur in the corpus. */
  readonly words?: readonly string[];
  /** Number of problems in the fixed sets; 120 and 420 unless given. */
  readonly sets?: {readonly validation?: number; readonly heldOut?: number};
  /** See `Task.mend`. */
  mend?: NonNullable<Task['mend']>;
}

/**
 * Declares a task. It is wired beside the params, to every stage that makes or judges its prompts:
 *
 *     export const sorting = defineTask({
 *       module: import.meta.url, name: 'sorting',
 *       problems(random) { … return {question, answer, solution}; },
 *     });
 *     add('prompts', prompts, {}, {}, {tasks: [sorting]});
 *
 * @throws {TypeError} where a recipe that no compiler has seen leaves out what is needed, or has a field that there is not
 */
export function defineTask(spec: TaskSpec): TaskDefinition {
  checkFields(HELPER, spec);
  const given = fieldsOf(HELPER, spec);
  const mistake = mistakeIn(given);
  if (mistake !== undefined) throw fieldError(HELPER, given, mistake);
  const {reasoning = true, answer = 'exact', words = [], sets: {validation = 120, heldOut = 420} = {}, ...rest} = given;
  return {
    ...rest,
    kind: 'task',
    reasoning,
    words,
    sets: {validation, heldOut},
    ...(answer === null ? {} : {answer: typeof answer === 'string' ? NAMED[answer] : answer}),
  };
}

const NAMED: Readonly<Record<AnswerName, AnswerKind>> = {exact, integer};

/** What no compiler has seen may be of any type. */
function mistakeIn(spec: {readonly [field in keyof TaskSpec]?: unknown}): string | undefined {
  const {problems, reasoning, answer, words, sets} = spec;
  if (typeof problems !== 'function') return '“problems” must be a function';
  const strange = (['respond', 'split', 'mend'] as const).find((field) => !isFunctionOrAbsent(spec[field]));
  if (strange !== undefined) return `“${strange}” must be a function, not ${valueText(spec[strange])}`;
  if (reasoning !== undefined && typeof reasoning !== 'boolean')
    return `“reasoning” must be true or false, not ${valueText(reasoning)}`;
  if (typeof answer === 'string' && !ANSWER_NAMES.some((name) => name === answer))
    return `“answer” must be functions or one of ${ANSWER_NAMES.join(', ')}, not ${valueText(answer)}`;
  if (answer !== undefined && answer !== null && typeof answer !== 'string') {
    const {read, reference, grade} = answer as Partial<Record<keyof AnswerKind, unknown>>;
    if (typeof read !== 'function' || typeof reference !== 'function')
      return '“answer” must have the functions “read” and “reference”';
    if (!isFunctionOrAbsent(grade)) return `“answer.grade” must be a function, not ${valueText(grade)}`;
  }
  if (words !== undefined && !(Array.isArray(words) && words.every((word) => typeof word === 'string')))
    return `“words” must be a list of texts, not ${valueText(words)}`;
  if (sets !== undefined && (typeof sets !== 'object' || sets === null))
    return `“sets” must be {validation, heldOut}, not ${valueText(sets)}`;
  for (const [set, count] of Object.entries(sets ?? {}) as [string, unknown][])
    if (count !== undefined && !(Number.isSafeInteger(count) && (count as number) >= 0))
      return `“sets.${set}” must be a number of problems, 0 or more, not ${valueText(count)}`;
  return undefined;
}

const isFunctionOrAbsent = (value: unknown): boolean => value === undefined || typeof value === 'function';

const FIELDS: Readonly<Record<keyof TaskSpec, true>> = {
  module: true,
  name: true,
  problems: true,
  reasoning: true,
  answer: true,
  respond: true,
  split: true,
  words: true,
  sets: true,
  mend: true,
};

const HELPER: Helper = {
  define: defineTask,
  kind: 'task',
  fields: Object.keys(FIELDS),
  inner: {answer: ['read', 'reference', 'grade'], sets: ['validation', 'heldOut']},
};
