/**
 * What sampler and trainer, which compute in other orders or precisions, make of the same tokens, and what is done about it.
 *
 * Truncated importance sampling (Yao et al., “Your efficient RL framework secretly brings you off-policy RL training”, 2025,
 * https://fengyao.notion.site/off-policy-rl): a sampler that computes in another precision than the trainer draws from another
 * policy. Each sampled token weighs min(π_train / π_sampler, cap) in the gain of the policy. π_train is the policy as the
 * training graph has it before the update, so a weight is a number and no gradient goes through it; the ratio of the new to the old
 * policy stays what it is.
 */

/** Log-probabilities of one row, aligned with its tokens; what is not sampled is not read. */
export interface SampledLogProbs {
  /** Marks the sampled tokens. */
  readonly mask: ArrayLike<number>;
  /** log π_train of each token. */
  readonly trainer: ArrayLike<number>;
  /** log π_sampler of each. */
  readonly sampler: ArrayLike<number>;
}

/**
 * The weight of each token of a row; 1 where nothing was sampled. Where the ratio of the objective is that of the whole response, so
 * is the weight, of each of its tokens.
 */
export function importanceWeights(
  {mask, trainer, sampler}: SampledLogProbs,
  {cap, ratio}: {readonly cap: number; readonly ratio: 'token' | 'sequence'},
): number[] {
  const logs = Array.from(mask, (mark, at) => (mark ? trainer[at]! - sampler[at]! : 0));
  const truncated = (log: number): number => Math.min(Math.exp(log), cap);
  if (ratio === 'token') return logs.map((log, at) => (mask[at] ? truncated(log) : 1));
  const ofResponse = truncated(logs.reduce((sum, log) => sum + log, 0));
  return logs.map((_, at) => (mask[at] ? ofResponse : 1));
}

/**
 * How far the sampler is from the policy that is trained, before the update: |log π_train − log π_sampler| of the sampled tokens, its
 * mean and its 99th percentile (the least value that no more than one in a hundred exceeds).
 *
 * @param trainer log π_train of each row, aligned with its tokens; of rows that were not computed nothing, and they are left out
 * @returns nothing where no token is left
 */
export function samplerMismatch(
  rows: readonly {readonly mask: ArrayLike<number>; readonly samplerLogProbs?: ArrayLike<number>}[],
  trainer: readonly (ArrayLike<number> | undefined)[],
): {samplerMismatch?: number; samplerMismatchP99?: number} {
  const gaps = rows.flatMap(({mask, samplerLogProbs: sampler}, row) => {
    const own = trainer[row];
    if (own === undefined || sampler === undefined) return [];
    return Array.from(mask).flatMap((mark, at) => (mark ? [Math.abs(own[at]! - sampler[at]!)] : []));
  });
  if (gaps.length === 0) return {};
  gaps.sort((a, b) => a - b);
  return {
    samplerMismatch: gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length,
    samplerMismatchP99: gaps[Math.ceil(0.99 * gaps.length) - 1]!,
  };
}

/** Of the sampled tokens of some rows: their mean weight, and the share of those that were capped. */
export function importanceMeasures(
  rows: readonly {readonly mask: ArrayLike<number>; readonly importance?: ArrayLike<number> | undefined}[],
  cap: number,
): {importanceMean: number; importanceCapped: number} {
  const weights = rows.flatMap(({mask, importance}) =>
    importance === undefined ? [] : Array.from(importance).filter((_, at) => mask[at]),
  );
  const count = Math.max(1, weights.length);
  return {
    importanceMean: weights.reduce((sum, weight) => sum + weight, 0) / count,
    importanceCapped: weights.filter((weight) => weight >= cap).length / count,
  };
}
