/** What the two sides of the thread that judges say to each other: scorer.ts and scorer-thread.ts. */
import type {Extraction} from '../tasks/asking.js';
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import type {JudgeRefs} from './load-judges.js';
import type {RewardWeights} from './names.js';
import type {ScoredByRules} from './registry.js';

/** A completion to judge. */
export interface ScorerItem {
  readonly prompt: Prompt;
  readonly completion: Completion;
  /** As `RewardContext` has them. */
  readonly tokens?: number;
  readonly maxTokens?: number;
}

/** What the thread is given when it starts. `progress` is shared memory: where the thread is, at these places. */
export interface ScorerData {
  /** URL of the module whose `scoreCompletion` judges. */
  readonly module: string;
  readonly weights: RewardWeights;
  readonly refs: JudgeRefs;
  /** Where answers are looked for, and what thinking without a word is worth; as `GradingSettings` has them. */
  readonly extraction?: Extraction | undefined;
  readonly noWords?: number | undefined;
  readonly progress: Int32Array;
}

/** What came of the item with this number. */
export type Judged =
  | {readonly index: number; readonly scored: ScoredByRules}
  /** A sentence about a reward or task of one's own. */
  | {readonly index: number; readonly fault: string; readonly file?: string | undefined}
  | {readonly index: number; readonly error: string};

/** Places in `progress`: the number of the item being judged, and that of the reward which is judging it. */
export const ITEM = 0;
export const REWARD = 1;
/** While the thread loads: the number of the definition whose module is loading, the rewards first. */
export const LOADING = 2;
export const PLACES = 3;

/** The item of a thread that judges nothing. */
export const IDLE = -1;
/** The reward where none is at work: the answer is read, to be counted as a vote. */
export const NO_REWARD = -1;
