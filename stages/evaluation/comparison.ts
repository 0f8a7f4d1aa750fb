/**
 * Two models on the same problems, or one model against a number: the value, its 95 % interval and a p-value against a
 * threshold.
 */
import {
  bootstrap,
  bootstrapP,
  clusterMean,
  percentileInterval,
  wilson,
  type Clusters,
  type Interval,
} from './intervals.js';
import {groupsOf, isRate, valuesByProblem, type Metric} from './metrics.js';
import type {Sample} from './sample.js';

/** left − right, left / right, or left alone. */
export type Statistic = 'difference' | 'ratio' | 'level';

/** A statistic of one or two models, with its interval. */
export interface Comparison extends Interval {
  /** Of all samples, not of the bootstrap. */
  readonly value: number;
  /** Two-sided p-value of "the value is the threshold". */
  readonly p: number;
  /** Problems that all models of the comparison were measured on. */
  readonly problems: number;
  /** The mean of the right model; undefined for a level. */
  readonly right?: number;
}

/**
 * The statistic over the problems on which all of the models have a value, with a bootstrap interval, or Wilson's where
 * no draw could differ.
 *
 * @param options.threshold what the p-value is against: 0 for a difference that should not be there, 1 for a ratio
 * @param options.seed of the bootstrap
 * @returns `undefined` when there is no such problem
 * @throws {Error} for a difference or ratio of one model
 */
export function compare(options: {
  readonly metric: Metric;
  readonly statistic: Statistic;
  readonly left: readonly Sample[];
  readonly right?: readonly Sample[];
  readonly threshold: number;
  readonly seed: number;
}): Comparison | undefined {
  const {metric, statistic, threshold, seed} = options;
  const models = [options.left, ...(statistic === 'level' || options.right === undefined ? [] : [options.right])].map(
    (samples) => valuesByProblem(metric, samples),
  );
  if (models.length !== (statistic === 'level' ? 1 : 2)) throw new Error(`Internal error: a ${statistic} of one model`);
  const keys = [...models[0]!.keys()].filter((key) => models.every((values) => values.has(key)));
  if (keys.length === 0) return undefined;
  const clusters = models.map((values): Clusters => keys.map((key) => values.get(key)!));
  const means = clusters.map(clusterMean);
  const value = STATISTICS[statistic](means);
  const groups = groupsOf(keys, options.left);
  const trials = groups?.length ?? keys.length;
  const exact = isRate(metric) ? withoutSpread(statistic, {clusters, trials, value, threshold}) : undefined;
  const draws = exact === undefined ? bootstrap(clusters, STATISTICS[statistic], {seed, groups}) : undefined;
  const measured = exact ?? {...percentileInterval(draws!), p: bootstrapP(draws!, threshold)};
  return {value, ...measured, problems: keys.length, ...(statistic === 'level' ? {} : {right: means[1]!})};
}

const STATISTICS: Readonly<Record<Statistic, (means: readonly number[]) => number>> = {
  difference: ([left, right]) => left! - right!,
  ratio: ([left, right]) => left! / right!,
  level: ([left]) => left!,
};

/**
 * Where every problem says the same, drawing problems says nothing about those not seen: a rate of 0 or 1, or two models
 * that agree on every problem without fail. Then Wilson's bound over problems is the interval, and the p-value is the
 * chance, doubled, that n problems show no exception when a share as large as the threshold allows would be one.
 */
function withoutSpread(
  statistic: Statistic,
  {
    clusters,
    trials: n,
    value,
    threshold,
  }: {
    readonly clusters: readonly Clusters[];
    /** Problems, or clusters of them, that are independent of each other. */
    readonly trials: number;
    readonly value: number;
    readonly threshold: number;
  },
): (Interval & {p: number}) | undefined {
  const [left, right] = clusters as [Clusters, Clusters?];
  const chance = (share: number): number => Math.min(1, 2 * (1 - Math.min(1, Math.abs(share))) ** n);
  if (statistic === 'level') {
    return value === 0 || value === 1 ? {...wilson(value, n), p: chance(value - threshold)} : undefined;
  }
  const first = left[0]![0]!;
  const same = [...left, ...(right ?? [])].every((values) => values.every((one) => one === first));
  if (statistic !== 'difference' || !same || (first !== 0 && first !== 1)) return undefined;
  const reach = wilson(0, n).high;
  return {low: -reach, high: reach, p: chance(threshold)};
}
