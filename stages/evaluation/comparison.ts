/**
 * Two models on the same problems, or one model against a number: the value, its 95 % interval and a p-value against a
 * threshold.
 */
import {clusterMean, type Clusters, type Interval} from './intervals.js';
import {groupsOf, isRate, valuesByProblem, type Metric} from './metrics.js';
import {differenceOver, levelOver, ratioOver} from './over-problems.js';
import type {Sample} from './sample.js';

/** left − right, left / right, or left alone. */
export type Statistic = 'difference' | 'ratio' | 'level';

/** A statistic of one or two models, with its interval. */
export interface Comparison extends Interval {
  readonly value: number;
  /** Two-sided p-value of "the value is the threshold". */
  readonly p: number;
  /** Problems that all models of the comparison were measured on. */
  readonly problems: number;
  /** The mean of the right model; undefined for a level. */
  readonly right?: number;
}

/**
 * The statistic over the problems on which all of the models have a value, with its interval: see over-problems.ts.
 *
 * @param options.threshold what the p-value is against: 0 for a difference that should not be there, 1 for a ratio
 * @returns `undefined` when there is no such problem, or nothing to divide by
 * @throws {Error} for a difference or ratio of one model
 */
export function compare(options: {
  readonly metric: Metric;
  readonly statistic: Statistic;
  readonly left: readonly Sample[];
  readonly right?: readonly Sample[];
  readonly threshold: number;
}): Comparison | undefined {
  const {metric, statistic, threshold} = options;
  const models = [options.left, ...(statistic === 'level' || options.right === undefined ? [] : [options.right])].map(
    (samples) => valuesByProblem(metric, samples),
  );
  if (models.length !== (statistic === 'level' ? 1 : 2)) throw new Error(`Internal error: a ${statistic} of one model`);
  const keys = [...models[0]!.keys()].filter((key) => models.every((values) => values.has(key)));
  if (keys.length === 0) return undefined;
  const [left, right] = models.map((values): Clusters => keys.map((key) => values.get(key)!)) as [Clusters, Clusters?];
  const asked = {groups: groupsOf(keys, options.left), isRate: isRate(metric), threshold};
  if (right === undefined) return {...levelOver(left, asked), problems: keys.length};
  const measured = statistic === 'ratio' ? ratioOver(left, right, asked) : differenceOver(left, right, asked);
  return measured && {...measured, problems: keys.length, right: clusterMean(right)};
}
