/**
 * From the scored groups of a rollout to the minibatches that the policy is updated on: advantages are taken within each group, and
 * whole groups are dealt out. Everything that the updates need afterwards is in a minibatch, so it can lie in a checkpoint.
 */
import {errorOf} from '../data/standard-errors.js';
import {random} from '../random.js';
import type {Rollout} from './sample-groups.js';
import type {Verdict} from '../rewards/index.js';
import {importanceWeights} from '../train/importance.js';
import {groupAdvantages, overlongPenalty, spread} from '../train/advantages.js';

/** A completion with what it earned. */
export interface ScoredRollout {
  readonly rollout: Rollout;
  /** Weighted sum of the rewards below, before any shuffling or length penalty. */
  readonly reward: number;
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** From a reward model, in [0, 1]; absent where none applies. */
  readonly preference?: {readonly helpful?: number; readonly safe?: number};
}

/** Prompt and completion as one row, the completion's tokens marked in `mask`. */
export interface SampledRow {
  readonly tokens: readonly number[];
  readonly mask: readonly number[];
  readonly advantage: number;
  /** log p of each token under the sampler, 0 for those of the prompt; never π_old: it computes in another order than training. */
  readonly samplerLogProbs?: readonly number[];
}

/** One training row of the policy update, as the engine takes it. */
export interface UpdateRow extends SampledRow {
  /** Under the policy before the update, for rows whose update needs to be told; the others keep the sampler's. */
  readonly oldLogProbs?: readonly number[];
  readonly referenceLogProbs?: readonly number[];
  readonly importance?: readonly number[];
}

/** What is remembered of a completion for the history of its step. */
export interface Trace {
  readonly id: string;
  readonly reward: number;
  readonly accuracy: number | null;
  readonly format: number | null;
  readonly language: number | null;
  /** Whether the thinking had no word, where its language was judged; absent from checkpoints of older versions. */
  readonly wordless?: boolean | null;
  readonly helpful: number | null;
  readonly safe: number | null;
  readonly tokens: number;
  /** So many of them are thinking; absent from checkpoints of older versions. */
  readonly thinking?: number;
  readonly finished: boolean;
  readonly unparsable: boolean;
  /** Set where a reward did not judge it in time. */
  readonly timedOut?: true;
  readonly reflective: number;
  /** Spread of the rewards in the group that it belongs to. */
  readonly groupSpread: number;
  /** Rewards beside those above, by name. */
  readonly others?: Readonly<Record<string, number | null>>;
}

/** A group that was scored; members, rows and traces lie in the same order. */
export interface SampledGroup {
  readonly members: readonly ScoredRollout[];
  readonly rows: readonly SampledRow[];
  readonly traces: readonly Trace[];
}

export interface Minibatch {
  readonly rows: readonly UpdateRow[];
  readonly traces: readonly Trace[];
}

export interface AdvantageOptions {
  readonly divideByStd: boolean;
  readonly stdFloor: number;
  /** Rewards are dealt out anew within each group: the control that carries no information. */
  readonly shuffleRewards: boolean;
  /** Completions that the length limit cut off do not count in the loss (DAPO's overlong filtering). */
  readonly maskTruncated: boolean;
  /** Tokens below the limit from which on length costs reward (DAPO's soft punishment); 0 turns it off. */
  readonly overlongMargin: number;
  readonly maxNewTokens: number;
}

/** What the completions of a group earned by themselves, and what they are given for it, in the order of the group. */
export function groupRewards(
  group: readonly ScoredRollout[],
  {shuffleRewards, overlongMargin, maxNewTokens}: Omit<AdvantageOptions, 'divideByStd' | 'stdFloor' | 'maskTruncated'>,
  key: {readonly seed: number; readonly step: number; readonly group: number},
): {readonly earned: number[]; readonly rewards: number[]} {
  const earned = group.map(
    ({reward, rollout}) =>
      reward + (overlongMargin > 0 ? overlongPenalty(rollout.tokens.length, maxNewTokens, overlongMargin) : 0),
  );
  const rewards = shuffleRewards
    ? random(key.seed, 'grpo/shuffled-rewards', key.step, key.group).shuffle(earned)
    : earned;
  return {earned, rewards};
}

/** The rows of one group with their advantages; rows that do not count have an empty mask. */
export function groupRows(
  group: readonly ScoredRollout[],
  options: AdvantageOptions,
  key: {readonly seed: number; readonly step: number; readonly group: number},
): {rows: SampledRow[]; groupSpread: number} {
  const {earned, rewards} = groupRewards(group, options, key);
  const advantages = groupAdvantages(rewards, options);
  const rows = group.map(({rollout}, index): SampledRow => {
    const counts = rollout.finished || !options.maskTruncated ? 1 : 0;
    return {
      tokens: [...rollout.promptTokens, ...rollout.tokens],
      mask: [...rollout.promptTokens.map(() => 0), ...rollout.tokens.map(() => counts)],
      advantage: advantages[index]!,
      ...(rollout.logProbs === undefined
        ? {}
        : {samplerLogProbs: [...rollout.promptTokens.map(() => 0), ...rollout.logProbs]}),
    };
  });
  return {rows, groupSpread: spread(earned)};
}

/** Whether all completions of a group earned the same, so that it teaches nothing. */
export const isUniform = (groupSpread: number): boolean => groupSpread < 1e-6;

/**
 * Deals the groups of a rollout into minibatches.
 *
 * @param logProbs of every row, all groups in order, each array aligned with the row's tokens: under the policy that sampled, unless
 * the update finds them itself (none of a row that nothing is learned from), and, where there is a KL term, under the reference
 * @param importance how rows are weighted by what the sampler makes of their tokens; not at all unless given
 */
export function dealMinibatches(
  groups: readonly SampledGroup[],
  logProbs: {
    readonly old?: readonly (Float32Array | undefined)[] | undefined;
    readonly reference?: readonly Float32Array[] | undefined;
  },
  count: number,
  key: {readonly seed: number; readonly step: number},
  importance?: {readonly cap: number; readonly ratio: 'token' | 'sequence'},
): Minibatch[] {
  let at = 0;
  const complete = groups.map(({rows, traces}): Minibatch => ({
    rows: rows.map(({samplerLogProbs: sampler, ...row}) => {
      const index = at++;
      const reference = logProbs.reference?.[index];
      const trainer = logProbs.old?.[index];
      return {
        ...row,
        ...(logProbs.old === undefined && sampler !== undefined && {samplerLogProbs: sampler}),
        ...(trainer !== undefined && {oldLogProbs: [...trainer]}),
        ...(importance !== undefined &&
          trainer !== undefined &&
          sampler !== undefined && {importance: importanceWeights({mask: row.mask, trainer, sampler}, importance)}),
        ...(reference === undefined ? {} : {referenceLogProbs: [...reference]}),
      };
    }),
    traces,
  }));
  return dealGroups(complete, count, key).map((dealt) => ({
    rows: dealt.flatMap(({rows}) => rows),
    traces: dealt.flatMap(({traces}) => traces),
  }));
}

/** Deals groups, in random order, into `count` minibatches of equal size; every group stays whole. */
export function dealGroups<T>(
  groups: readonly T[],
  count: number,
  key: {readonly seed: number; readonly step: number},
): T[][] {
  const size = Math.ceil(groups.length / count);
  const order = random(key.seed, 'grpo/minibatches', key.step).shuffle(groups);
  return Array.from({length: Math.ceil(order.length / size)}, (_, i) => order.slice(i * size, (i + 1) * size));
}

const meanOf = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
};

/**
 * The standard error of a mean over the completions, from the scatter of the questions' means: completions to one question are no
 * independent draws. `null` of fewer than two questions.
 */
function errorOver(traces: readonly Trace[], of: (trace: Trace) => number | null): number | null {
  const questions = new Map<string, (number | null)[]>();
  for (const trace of traces) {
    const question = trace.id.slice(0, trace.id.lastIndexOf('#'));
    const values = questions.get(question);
    if (values === undefined) questions.set(question, [of(trace)]);
    else values.push(of(trace));
  }
  const means = [...questions.values()].map(meanOf).filter((value) => value !== null);
  const {length} = means;
  if (length < 2) return null;
  const middle = meanOf(means)!;
  const squares = means.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (length - 1) / length);
}

/** Measures whose standard errors the history has, too: those that figures draw with a band. */
const WITH_ERROR: Readonly<Record<string, (trace: Trace) => number | null>> = {
  accuracy: ({accuracy}) => accuracy,
  length: ({tokens}) => tokens,
  'length/thinking': ({thinking}) => thinking ?? null,
  'length/answer': ({tokens, thinking}) => (thinking === undefined ? null : tokens - thinking),
};

/** Means over a minibatch, for the history: `null` where nothing applied. */
export function summarise(traces: readonly Trace[]): Record<string, number | null> {
  const mean = (of: (trace: Trace) => number | null): number | null => meanOf(traces.map(of));
  const others = Object.keys(traces[0]?.others ?? {});
  return {
    reward: mean(({reward}) => reward),
    accuracy: mean(({accuracy}) => accuracy),
    format: mean(({format}) => format),
    language: mean(({language}) => language),
    wordless: mean(({wordless}) => (typeof wordless === 'boolean' ? Number(wordless) : null)),
    helpful: mean(({helpful}) => helpful),
    safe: mean(({safe}) => safe),
    length: mean(({tokens}) => tokens),
    'length/thinking': mean(WITH_ERROR['length/thinking']!),
    'length/answer': mean(WITH_ERROR['length/answer']!),
    truncated: mean(({finished}) => (finished ? 0 : 1)),
    unparsable: mean(({unparsable}) => (unparsable ? 1 : 0)),
    reflective: mean(({reflective}) => reflective),
    groupsWithoutSpread: mean(({groupSpread}) => (isUniform(groupSpread) ? 1 : 0)),
    // Where there is none, the row is as if nobody had counted.
    ...(traces.some(({timedOut}) => timedOut) ? {timedOut: mean(({timedOut}) => (timedOut ? 1 : 0))} : {}),
    ...Object.fromEntries(Object.entries(WITH_ERROR).map(([name, of]) => [errorOf(name), errorOver(traces, of)])),
    ...Object.fromEntries(others.map((name) => [`reward/${name}`, mean((trace) => trace.others?.[name] ?? null)])),
  };
}
