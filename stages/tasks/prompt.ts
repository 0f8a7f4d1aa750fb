/**
 * One question that a model is asked, as it lies in a `prompts` artifact: bare, without any template. Which task it belongs
 * to decides how an answer is checked; task.ts says what a task is.
 */
import type {Language} from '../text/language.js';
import type {CodeTests} from './code-tests.js';
import type {Scenario} from './scenario.js';

/** A row of a `prompts` artifact. */
export interface Prompt {
  /** Unique in its set: the key, the language and, where there are several, the phrasing. */
  readonly id: string;
  /** Ids of the rows that this one was made of; built-in prompts are made of nothing. */
  readonly from: readonly string[];
  /** The name of its task. */
  readonly task: string;
  /** The same for all languages and phrasings of a problem. The split is a function of it. */
  readonly key: string;
  /** The same for problems that are alike, such as one form with other numbers: intervals draw clusters whole. */
  readonly cluster?: string;
  /** Absent where nobody said: the language reward is then left out. */
  readonly language?: Language;
  readonly question: string;
  /** The reference answer. General scenarios have none; of a program it is one that solves the problem, or '', and a judge may do without: ''. */
  readonly answer?: string;
  /** Other answers that are as good (f1, drop). */
  readonly references?: readonly string[];
  /** What a program has to pass (code). */
  readonly tests?: CodeTests;
  /** What may be chosen, as `question` shows it by letters, and the question without them (choice). */
  readonly choices?: readonly string[];
  readonly stem?: string;
  /** What a good answer is, where the prompt says it itself (judge). */
  readonly rubric?: string;
  /** The reasoning that leads to the answer, where the task works it out: never asked or judged, for whoever rewrites what a model wrote. */
  readonly solution?: string;
  /** Steps that a worked solution takes (dials). */
  readonly steps?: number;
  /** What is wanted, for the rubric (general). */
  readonly scenario?: Scenario;
}
