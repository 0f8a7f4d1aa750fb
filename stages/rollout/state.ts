/** The state of GRPO between steps: what lies in its checkpoints beside what the training loop keeps. */
import {NOTHING_SEEN, checkPatience, lookAt, type Seen} from './check-graders.js';
import {isUniform, summarise, type Minibatch, type SampledGroup} from './minibatches.js';
import type {Cursor} from './questions.js';
import {scoredRow} from './records.js';

/** What is remembered of the rollouts so far, whoever trains on them. */
export interface Observed {
  /** Rollouts made so far. */
  readonly rollouts: number;
  /** Rows of the `rollouts` output. */
  readonly samples: readonly object[];
  /** Rollouts in a row in which no group had rewards that differ. */
  readonly uniformRollouts: number;
  /** Rollouts in a row of which more than nine in ten completions were cut off. */
  readonly truncatedRollouts: number;
  /** Of the first groups, until they were judged. */
  readonly seen?: Seen | undefined;
}

/** What GRPO remembers from step to step, beside what the training loop keeps. */
export interface State extends Observed {
  readonly cursor: Cursor;
  /** Minibatches of the current rollout that are still to be trained on. */
  readonly pending: readonly Minibatch[];
}

/** Before the first rollout. */
export const NOTHING_OBSERVED: Observed = {
  rollouts: 0,
  samples: [],
  uniformRollouts: 0,
  truncatedRollouts: 0,
  seen: NOTHING_SEEN,
};

/** Before the first rollout. */
export const START: State = {...NOTHING_OBSERVED, cursor: {reasoning: 0, general: 0}, pending: []};

/**
 * Adds a rollout to what was observed.
 *
 * @param options.isSpreadDue whether rewards that do not differ are a fault already: a policy that solves all its problems learns nothing
 * more from them, but general prompts may still be to come
 * @throws {StageFailure} where nothing can be learned from the groups seen so far: `lookAt`, `checkPatience`
 */
export function observe(
  {rollouts, samples, uniformRollouts, truncatedRollouts, seen}: Observed,
  groups: readonly SampledGroup[],
  options: {
    readonly step: number;
    readonly isSpreadDue: boolean;
    readonly checkGroups: number;
    readonly patience: number;
    readonly maxNewTokens: number;
  },
): Observed {
  const {step, isSpreadDue, checkGroups, patience, maxNewTokens} = options;
  const traces = groups.flatMap((one) => one.traces);
  const uniform = traces.every(({groupSpread}) => isUniform(groupSpread));
  const truncated = traces.filter(({finished}) => !finished).length / traces.length > 0.9;
  const now: Observed = {
    rollouts: rollouts + 1,
    samples: [...samples, ...groups[0]!.members.map((one) => scoredRow(one, step))],
    uniformRollouts: uniform && isSpreadDue ? uniformRollouts + 1 : 0,
    truncatedRollouts: truncated ? truncatedRollouts + 1 : 0,
    seen: seen && lookAt(seen, groups, {enough: checkGroups, isSpreadDue, maxNewTokens}),
  };
  checkPatience(now, {patience, meanReward: summarise(traces)['reward']!, maxNewTokens});
  return now;
}
