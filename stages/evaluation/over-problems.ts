/**
 * Intervals and p-values of means over problems, in closed form. The problem, or the cluster of problems that are alike, is the unit
 * that was drawn; all responses to it go together, since how they scatter within it is in the scatter of its mean already. So a
 * standard error is that of problem means, clusters together (Miller, arXiv 2411.00640, §2.2 and §3; Cochran, Sampling
 * Techniques, §6.3), with as many degrees of freedom as there are clusters, less one, or fewer where some are far larger than others.
 *
 * - A rate: Wilson's score interval, of as many trials as would scatter like the problems do (Franco, Little, Louis & Slud 2019,
 *   https://doi.org/10.1093/jssam/smy019).
 * - Any other mean, and a difference that is paired on problems: Student's t.
 * - A ratio: Fieller's interval (Fieller 1954, https://doi.org/10.1111/j.2517-6161.1954.tb00159.x).
 *
 * Each p-value is that of the test whose inversion is the interval. How often the intervals hold the truth is in the table of
 * test/stages/evaluation/coverage.test.ts.
 */
import {clusterMean, wilson, type Clusters, type Groups, type Interval} from './intervals.js';
import {tQuantile, tTail} from './t-interval.js';

/** A value with its interval at 95 %, and the two-sided p-value of "the value is the threshold". */
export interface Measured extends Interval {
  readonly value: number;
  readonly p: number;
}

/** Below so many clusters on one side of a rate, what scatter they show says little: see `shareOver`. */
const FEW = 5;

/** What drawing problems says of a mean: the clusters that are drawn, and how far the mean goes without each. */
interface Scatter {
  /** By how much the mean would be another without each cluster (the jackknife). */
  readonly without: readonly number[];
  /**
   * Degrees of freedom: the clusters less one where they are of one size, and fewer where some are far larger (the effective number
   * of clusters: Carter, Schnepel & Steigerwald 2017, https://doi.org/10.1162/REST_a_00639). At least 1.
   */
  readonly freedom: number;
}

/**
 * @param values of each problem, its share of the mean taken off
 * @param weights of each problem; those of no weight are not drawn
 */
function scatterOf(values: readonly number[], weights: readonly number[], groups: Groups | undefined): Scatter {
  const sum = (list: readonly number[], places: readonly number[]): number =>
    places.reduce((total, place) => total + list[place]!, 0);
  const clusters = (groups ?? values.map((_, place) => [place]))
    .map((places) => ({off: sum(values, places), weight: sum(weights, places)}))
    .filter(({weight}) => weight > 0);
  const total = clusters.reduce((all, {weight}) => all + weight, 0);
  const squares = clusters.reduce((all, {weight}) => all + weight ** 2, 0);
  return {
    without: clusters.map(({off, weight}) => (clusters.length === 1 ? 0 : off / (total - weight))),
    freedom: Math.max(clusters.length === 1 ? 0 : 1, total ** 2 / squares - 1),
  };
}

/**
 * The covariance of two means over the same problems. The jackknife counts a cluster that holds much of the mean for what it
 * does to it, where squares of residuals forget it (CR3: MacKinnon, Nielsen & Webb 2023, https://doi.org/10.1016/j.jeconom.2022.04.001).
 */
const covariance = ({without: one}: Scatter, {without: other}: Scatter): number =>
  ((one.length - 1) / one.length) * one.reduce((sum, off, place) => sum + off * other[place]!, 0);

const standardError = (scatter: Scatter): number => Math.sqrt(covariance(scatter, scatter));

const ones = (values: readonly unknown[]): number[] => new Array<number>(values.length).fill(1);

/** The problems' own means less the mean of all, as they scatter. */
const scatterAround = (means: readonly number[], mean: number, groups: Groups | undefined): Scatter =>
  scatterOf(
    means.map((value) => value - mean),
    ones(means),
    groups,
  );

/** What an interval is computed from, of one model. */
interface Asked {
  /** Problems that are alike; without them each problem is by itself. */
  readonly groups?: Groups | undefined;
  /** Values end at 0 and 1. */
  readonly isRate: boolean;
  /** What the p-value is against. */
  readonly threshold: number;
}

/** The mean of one model. */
export function levelOver(clusters: Clusters, {groups, isRate, threshold}: Asked): Measured {
  const means = clusters.map((samples) => clusterMean([samples]));
  if (isRate) return shareOver(means, ones(means), {groups, threshold});
  const value = clusterMean(clusters);
  return studentised(value, scatterAround(means, value, groups), threshold);
}

/**
 * A share of something that problems have more or less of, in [0, 1]: what is right of what was attempted. With a whole of 1
 * each it is the mean of a rate.
 *
 * With fewer than five clusters on one side, each counts as one trial at the most: a handful of them may by chance scatter
 * less than they would if there were more.
 *
 * @param part of each problem, between 0 and its `whole`; problems without a whole say nothing
 */
export function shareOver(
  part: readonly number[],
  whole: readonly number[],
  {groups, threshold = 0}: {readonly groups?: Groups | undefined; readonly threshold?: number} = {},
): Measured {
  const total = whole.reduce((sum, one) => sum + one, 0);
  const value = part.reduce((sum, one) => sum + one, 0) / total;
  const scatter = scatterOf(
    part.map((one, place) => one - value * whole[place]!),
    whole,
    groups,
  );
  const trials = scatter.without.length;
  const error = standardError(scatter);
  if (trials === 1 || error < FLAT) return withoutScatter(value, {trials, from: 0, to: 1, threshold});
  const isFew = Math.min(value, 1 - value) * trials < FEW;
  const worth = (value * (1 - value)) / error ** 2;
  const effective = isFew ? Math.min(worth, trials) : worth;
  const spread = Math.sqrt((threshold * (1 - threshold)) / effective);
  return {
    value,
    ...wilson(value, effective, tQuantile(0.975, scatter.freedom)),
    p: pOf(value - threshold, spread, scatter.freedom),
  };
}

/** The mean of one model less that of another, on the same problems in the same order. */
export function differenceOver(left: Clusters, right: Clusters, {groups, isRate, threshold}: Asked): Measured {
  const means = left.map((samples, place) => clusterMean([samples]) - clusterMean([right[place]!]));
  const value = means.reduce((sum, mean) => sum + mean, 0) / means.length;
  const scatter = scatterAround(means, value, groups);
  const trials = scatter.without.length;
  if (!isRate) return studentised(value, scatter, threshold);
  if (trials === 1 || standardError(scatter) < FLAT) return withoutScatter(value, {trials, from: -1, to: 1, threshold});
  const {low, high, p} = studentised(value, scatter, threshold);
  return {value, low: Math.max(-1, low), high: Math.min(1, high), p};
}

/**
 * The mean of one model divided by that of another, on the same problems in the same order; unbounded where that may be 0.
 *
 * @returns `undefined` where what divides is 0
 */
export function ratioOver(
  left: Clusters,
  right: Clusters,
  {groups, threshold}: Pick<Asked, 'groups' | 'threshold'>,
): Measured | undefined {
  const [above, below] = [left, right].map((clusters) => clusters.map((samples) => clusterMean([samples]))) as [
    number[],
    number[],
  ];
  const [a, b] = [clusterMean(left), clusterMean(right)];
  if (b === 0) return undefined;
  const value = a / b;
  const [ofLeft, ofRight] = [scatterAround(above, a, groups), scatterAround(below, b, groups)];
  const {freedom, without} = ofLeft;
  const [saa, sab, sbb] = [covariance(ofLeft, ofLeft), covariance(ofLeft, ofRight), covariance(ofRight, ofRight)];
  const errorAt = (r: number): number => Math.sqrt(Math.max(0, saa - 2 * r * sab + r ** 2 * sbb));
  // Of one problem, or where all have the same ratio.
  if (freedom === 0 || errorAt(value) < FLAT * Math.abs(b)) return ofSigns(value, without.length, threshold);
  const p = pOf(a - threshold * b, errorAt(threshold), freedom);
  const t = tQuantile(0.975, freedom) ** 2;
  // The thresholds r with (a − r·b)² ≤ t²·(saa − 2·r·sab + r²·sbb).
  const square = b ** 2 - t * sbb;
  if (!(square > 0)) return {value, low: -Infinity, high: Infinity, p};
  const middle = a * b - t * sab;
  const root = Math.sqrt(Math.max(0, middle ** 2 - square * (a ** 2 - t * saa)));
  return {value, low: (middle - root) / square, high: (middle + root) / square, p};
}

/** Rounding leaves this much of a standard error where there is none. */
const FLAT = 1e-12;

/** The probability on each side of an interval. */
const TAIL = 0.025;

/**
 * A mean of what lies between two ends, of problems that all say the same or of a single one. They say nothing of those not seen but
 * that there are not too many: n draws have no exception with the chance (1 − q)ⁿ, where a share q of all are exceptions and,
 * at worst, at an end. Of a rate of 0 or 1 this is the interval of Clopper & Pearson (1934, https://doi.org/10.1093/biomet/26.4.404).
 */
function withoutScatter(
  value: number,
  {
    trials,
    from,
    to,
    threshold,
  }: {readonly trials: number; readonly from: number; readonly to: number; readonly threshold: number},
): Measured {
  const most = 1 - TAIL ** (1 / trials);
  const room = threshold < value ? value - from : to - value;
  const share = threshold === value ? 0 : Math.min(1, Math.abs(value - threshold) / room);
  return {
    value,
    low: value - most * (value - from),
    high: value + most * (to - value),
    p: Math.min(1, 2 * (1 - share) ** trials),
  };
}

/**
 * What has no ends, of problems that all say the same: where they might as well lie on either side of the truth, n of them lie on one
 * with the chance 2^(1 − n) (the sign test). Fewer than six tell nothing.
 */
function ofSigns(value: number, trials: number, threshold: number): Measured {
  const p = Math.abs(value - threshold) < FLAT ? 1 : 2 ** (1 - trials);
  return 2 ** (1 - trials) > 2 * TAIL
    ? {value, low: -Infinity, high: Infinity, p}
    : {value, low: value, high: value, p};
}

function studentised(value: number, scatter: Scatter, threshold: number): Measured {
  const error = standardError(scatter);
  const {freedom, without} = scatter;
  if (freedom === 0 || error < FLAT) return ofSigns(value, without.length, threshold);
  const reach = tQuantile(1 - TAIL, freedom) * error;
  return {value, low: value - reach, high: value + reach, p: tTail((value - threshold) / error, freedom)};
}

/** Two-sided, of so much off with such a standard error. */
function pOf(off: number, error: number, freedom: number): number {
  if (error < FLAT) return Math.abs(off) < FLAT ? 1 : 0;
  return tTail(off / error, freedom);
}
