/** A grader: it says what answers are worth, where that takes another process. The rules of rewards are pure functions instead. */
import type {External} from '../tasks/task.js';
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import type {GradingSettings} from './settings.js';
import type {Verdict} from './verdict.js';

/** An answer to grade. */
export interface GradeRequest {
  readonly prompt: Prompt;
  readonly completion: Completion;
  /** What the task reads from the completion. */
  readonly given: string;
  /** The prompt's reference, as the task reads it. */
  readonly reference: string;
}

/**
 * What an answer is worth, with a few words where there are some. Rows keep it, so it is a function of the request: no times, no
 * paths, no process ids.
 */
export interface Graded extends Verdict {
  /** The answer that the grader found in what it was given, where finding it is its business; null where it found none. */
  readonly read?: string | null;
}

/** Grades answers for as long as it is open. */
export interface Grader {
  /**
   * Verdicts in the order of the requests. One batch at a time.
   *
   * @param signal aborted when nobody waits for the batch any more: it is given up within a second, whatever a request is doing
   * @throws {StageFailure} where the grader cannot work; what is wrong with one answer is its verdict. {Stopped} where it was
   * given up
   */
  grade(requests: readonly GradeRequest[], signal?: AbortSignal): Promise<readonly Graded[]>;
  /** Ends its processes within a second, also in the middle of a batch. */
  close(): Promise<void>;
}

/** What a grader may use. */
export interface GraderOptions extends GradingSettings {
  /** Cores to keep busy; they change how long it takes and nothing else. */
  readonly cores: number;
  /** Told what a person should see, one line each. */
  readonly note: (text: string) => void;
}

/** Opens the grader of a kind, ready to grade. */
export type OpenGrader = (kind: External, options: GraderOptions) => Promise<Grader>;
