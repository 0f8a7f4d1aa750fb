/**
 * Intervals: bootstrap over problems and samples, Wilson where a rate is 0 or 1, Student's t over seeds; and Holm's
 * correction. All are two-sided at 95 %.
 */
import {random} from '../random.js';

/** Bounds at 95 %. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** NaN of no values. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Values of one model: a list per problem, one value a sample. All lists have at least one. */
export type Clusters = readonly (readonly number[])[];

/** Places of problems that are alike, a list for each kind; each problem is in one of them. */
export type Groups = readonly (readonly number[])[];

/** The mean over problems of the mean over their samples: problems weigh alike, however many samples they have. */
export const clusterMean = (clusters: Clusters): number => mean(clusters.map(mean));

/** How often a bootstrap draws anew. */
export const DRAWS = 2000;

/**
 * The bootstrap distribution of a statistic of one or more models measured on the same problems: problems are drawn
 * with replacement, the same for all models, then each drawn problem's samples with replacement, for each model on its
 * own (Davison & Hinkley, Bootstrap Methods, §3.8).
 *
 * @param models one list of clusters each, in the same order of problems
 * @param statistic of the models' means
 * @param options.groups places of problems that are alike and drawn together (the cluster bootstrap: Davison & Hinkley, §3.8;
 * Miller, arXiv 2411.00640, §2.2); without them each problem is drawn by itself
 * @returns `draws` values, sorted; the same for the same seed
 */
export function bootstrap(
  models: readonly Clusters[],
  statistic: (means: readonly number[]) => number,
  {seed, draws = DRAWS, groups}: {readonly seed: number; readonly draws?: number; readonly groups?: Groups | undefined},
): Float64Array {
  const problems = models[0]?.length ?? 0;
  const drawn = groups ?? Array.from({length: problems}, (_, problem) => [problem]);
  const next = fastUniform(seed);
  // A problem whose samples all have the same value has the same mean however they are drawn.
  const flat = models.map((clusters) =>
    clusters.map((values) => (values.every((value) => value === values[0]) ? values[0]! : undefined)),
  );
  const results = new Float64Array(draws);
  const means = new Array<number>(models.length).fill(0);
  for (let draw = 0; draw < draws; draw++) {
    means.fill(0);
    let count = 0;
    for (let n = 0; n < drawn.length; n++) {
      const group = drawn[Math.floor(next() * drawn.length)]!;
      count += group.length;
      for (const problem of group) {
        for (let model = 0; model < models.length; model++) {
          means[model]! += flat[model]![problem] ?? resampledMean(models[model]![problem]!, next);
        }
      }
    }
    results[draw] = statistic(means.map((sum) => sum / count));
  }
  return results.sort();
}

function resampledMean(values: readonly number[], next: () => number): number {
  let sum = 0;
  for (let n = 0; n < values.length; n++) sum += values[Math.floor(next() * values.length)]!;
  return sum / values.length;
}

/** sfc32 (Chris Doty-Humphrey, PractRand), started from the counter-based generator: a bootstrap draws millions of times. */
function fastUniform(seed: number): () => number {
  const start = random(seed, 'bootstrap');
  let [a, b, c, d] = [0, 0, 0, 1].map((low) => start.int(2 ** 32) | low) as [number, number, number, number];
  return () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
}

/**
 * The p-quantile of sorted values, linear between neighbours: type 7 of Hyndman & Fan 1996
 * (https://doi.org/10.1080/00031305.1996.10473566), which R and NumPy use.
 *
 * @param sorted ascending, at least one value
 * @param p in [0, 1]
 */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  const at = (sorted.length - 1) * p;
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (at - below);
}

/** From the 0.025-quantile to the 0.975-quantile of a bootstrap distribution. */
export const percentileInterval = (sorted: ArrayLike<number>): Interval => ({
  low: quantile(sorted, 0.025),
  high: quantile(sorted, 0.975),
});

const Z = 1.959963984540054;

/**
 * Wilson's score interval of a rate seen in n independent trials (Wilson 1927,
 * https://doi.org/10.1080/01621459.1927.10502953). Within [0, 1].
 */
export function wilson(rate: number, n: number): Interval {
  const spread = Z * Math.sqrt((rate * (1 - rate)) / n + (Z * Z) / (4 * n * n));
  const centre = rate + (Z * Z) / (2 * n);
  const scale = 1 + (Z * Z) / n;
  // At the ends the bound is the end itself, without a rounding error.
  return {low: rate === 0 ? 0 : (centre - spread) / scale, high: rate === 1 ? 1 : (centre + spread) / scale};
}

/**
 * Two-sided bootstrap p-value of "the statistic is `threshold`": twice the smaller share of draws on one side, with the
 * threshold counted on both, never 0 (Davison & Hinkley, §4.2). At least 2 / (draws + 1).
 */
export function bootstrapP(sorted: Float64Array, threshold: number): number {
  let [below, above] = [0, 0];
  for (const value of sorted) {
    if (value <= threshold) below += 1;
    if (value >= threshold) above += 1;
  }
  return Math.min(1, (2 * (Math.min(below, above) + 1)) / (sorted.length + 1));
}

/**
 * Holm's adjusted p-values in the order given (Holm 1979, https://www.jstor.org/stable/4615733): reject at 0.05 what is
 * below 0.05.
 */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, index) => index).sort((a, b) => ps[a]! - ps[b]!);
  const adjusted = new Array<number>(ps.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (ps.length - rank) * ps[index]!));
    adjusted[index] = largest;
  });
  return adjusted;
}
