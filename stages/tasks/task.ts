/**
 * What a kind of question is: whether it asks for reasoning, how its answers are read and compared, and who judges where there
 * is no answer. The built-in tasks and those of one's own are the same thing; a prompt names its task, and nobody asks for
 * a task by its name to decide what to do.
 */
import type {Completion} from '../text/completion.js';
import type {Language} from '../text/language.js';
import type {Prompt} from './prompt.js';

/**
 * Graders that are no pure functions, since they need another process: mathematics by Python's Math-Verify, programs in a
 * sandbox, a judge behind HTTP. `stages/graders/` has them.
 */
export type External = 'math' | 'code' | 'judge';

/** How the answers of one kind of task are read and compared. All of it is a pure function. */
export interface AnswerKind {
  /** Which grader says what an answer is worth; `grade` is then absent. Without it the functions below say all. */
  readonly external?: External;
  /** Whether grading takes the detector of languages: see `loadDetector`. */
  readonly detects?: boolean;
  /** The answer that a completion gives, in a normal form that votes can be counted by; `undefined`: none to be read. */
  read(completion: Completion): string | undefined;
  /** The reference answer in the same form. `undefined`: the prompt's reference is no answer of this kind. */
  reference(text: string): string | undefined;
  /**
   * What an answer is worth, in [0, 1], both in normal form; 1 is right. Without it the right answer is the same text.
   *
   * @param prompt where it may have more references; absent from what a task of one's own is asked
   */
  grade?(given: string, reference: string, prompt?: Prompt): number;
}

/** What a task makes of a right completion: text to learn from, or the reason why there is none, in a few words. */
export type Mended = {readonly ok: true; readonly value: string} | {readonly ok: false; readonly error: string};

/** Built-in tasks whose answers a task of one's own may have. */
export const ANSWER_NAMES = ['integer', 'exact'] as const;
export type AnswerName = (typeof ANSWER_NAMES)[number];

export interface Task {
  readonly name: string;
  /**
   * Whether the task asks for reasoning: an empty thinking part then counts against a completion, and its prompts count for
   * the metrics of reasoning.
   */
  readonly reasoning: boolean;
  /** Absent where there is no answer to check. */
  readonly answer?: AnswerKind;
  /**
   * Writes down anew what is right, for cold-start data, as people did in the paper: the reasoning in the language of the question, or
   * as a worked solution. Without it a completion stays as it is, and one that mixes languages is dropped.
   *
   * @param limits.maxWords words of reasoning beyond which nobody would want to read it
   */
  mend?(prompt: Prompt, completion: Completion, limits: {readonly maxWords: number}): Mended;
  /**
   * The lines of a thinking text, each with its end and the space behind it, so that all of them in a row are the text again. Without
   * it a line ends at a line break.
   */
  lines?(thinking: string): readonly string[];
  /**
   * Share of the words of a text that are of a language, in [0, 1], where the task knows its words; `undefined` where there are
   * none. Without it they are told by script and by a detector: see `consistencyIn` of text/language.ts.
   */
  consistency?(text: string, language: Language): number | undefined;
  /** What scores say of a response beside its answer; `undefined` where they say nothing about the prompt. */
  readonly rubric?: {
    helpful(prompt: Prompt, text: string): boolean | undefined;
    safe(prompt: Prompt, text: string): boolean | undefined;
  };
  /** Which reward model speaks on a prompt of this task. Without it, none does. */
  preference?(prompt: Prompt): 'helpful' | 'safe';
}

/** Tasks by name. */
export type Tasks = ReadonlyMap<string, Task>;

/** @throws where a prompt's task is not among those that are known, which reading the prompts has ruled out */
export function taskOf(tasks: Tasks, {id, task: name}: Pick<Prompt, 'id' | 'task'>): Task {
  const task = tasks.get(name);
  if (task === undefined)
    throw new Error(`Internal error: prompt ${id} is of the task “${name}”, which nobody has defined`);
  return task;
}

/** Whether there is a reference, and what says whether an answer is right by it. @throws as `taskOf` */
export const isCheckable = (tasks: Tasks, prompt: Prompt): boolean =>
  prompt.answer !== undefined && taskOf(tasks, prompt).answer !== undefined;
