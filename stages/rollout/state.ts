/** The state of GRPO between steps: what lies in its checkpoints beside what the training loop keeps. */
import {NOTHING_SEEN, type Seen} from './check-graders.js';
import type {Minibatch} from './minibatches.js';
import type {Cursor} from './questions.js';

/** What GRPO remembers from step to step, beside what the training loop keeps. */
export interface State {
  readonly cursor: Cursor;
  /** Rollouts made so far. */
  readonly rollouts: number;
  /** Minibatches of the current rollout that are still to be trained on. */
  readonly pending: readonly Minibatch[];
  /** Rows of the `rollouts` output. */
  readonly samples: readonly object[];
  /** Rollouts in a row in which no group had rewards that differ. */
  readonly uniformRollouts: number;
  /** Rollouts in a row of which more than nine in ten completions were cut off. */
  readonly truncatedRollouts: number;
  /** Of the first groups, until they were judged. */
  readonly seen?: Seen | undefined;
}

/** Before the first rollout. */
export const START: State = {
  cursor: {reasoning: 0, general: 0},
  rollouts: 0,
  pending: [],
  samples: [],
  uniformRollouts: 0,
  truncatedRollouts: 0,
  seen: NOTHING_SEEN,
};
