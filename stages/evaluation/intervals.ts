/**
 * What intervals are made of: means over problems, quantiles, Wilson's interval of a rate, and Holm's correction. All are two-sided
 * at 95 %. Those of means, differences and ratios over problems are in over-problems.ts, those over seeds in t-interval.ts.
 */
/** Bounds at 95 %. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** `[.690, .733]`; a bound that there is not is ∞. */
export function intervalText({low, high}: Interval, number: (value: number) => string): string {
  const bound = (value: number): string => (Number.isFinite(value) ? number(value) : `${value < 0 ? '−' : ''}∞`);
  return `[${bound(low)}, ${bound(high)}]`;
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

/** How often a bootstrap draws anew, where a statistic has no closed form. */
export const DRAWS = 2000;

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
 *
 * @param n need not be whole, where trials are not independent and count as so many
 * @param z how many standard deviations the interval reaches
 */
export function wilson(rate: number, n: number, z = Z): Interval {
  const spread = z * Math.sqrt((rate * (1 - rate)) / n + (z * z) / (4 * n * n));
  const centre = rate + (z * z) / (2 * n);
  const scale = 1 + (z * z) / n;
  // At the ends the bound is the end itself, without a rounding error.
  return {low: rate === 0 ? 0 : (centre - spread) / scale, high: rate === 1 ? 1 : (centre + spread) / scale};
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
