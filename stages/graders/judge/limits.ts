/** How long an endpoint is waited for; what a request may take is a param. */
import type {ClientLimits} from '../../endpoint/limits.js';

/** Times in ms. */
export interface JudgeLimits extends ClientLimits {
  /** After the first failure of a request, it is repeated for this long. */
  readonly patience: number;
  /** So many requests in a row without a judgement end the stage. */
  readonly troubles: number;
  /** Verdicts that are kept in mind. */
  readonly known: number;
}

/** A server that is started anew with a large model is back within five minutes. */
export const JUDGE_LIMITS: JudgeLimits = {
  firstWait: 500,
  longestWait: 30_000,
  patience: 300_000,
  longestPause: 120_000,
  troubles: 16,
  longestAnswer: 4 << 20,
  known: 200_000,
};

/** The first request of all: whoever started the stage is still there, and can be told at once. */
export const TRIAL_PATIENCE = 2_000;
