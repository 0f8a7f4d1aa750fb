/** Student's t: of a handful of seeds, where the seed is the unit, so that five runs give five numbers; and its quantiles and tails. */
import {mean, type Interval} from './intervals.js';

/**
 * Mean ± t · s/√n of independent values, at 95 % (Student 1908, https://doi.org/10.2307/2331554); with a single value
 * the interval is unbounded.
 */
export function tInterval(values: readonly number[]): Interval {
  const {centre, error, freedom} = summary(values);
  if (freedom === 0) return {low: -Infinity, high: Infinity};
  const reach = tQuantile(0.975, freedom) * error;
  return {low: centre - reach, high: centre + reach};
}

/**
 * Two-sided p-value of "the mean is `threshold`", by the one-sample t-test; 1 with a single value, 0 or 1 where all are
 * equal.
 */
export function tTest(values: readonly number[], threshold: number): number {
  const {centre, error, freedom} = summary(values);
  if (freedom === 0) return 1;
  if (error === 0) return centre === threshold ? 1 : 0;
  return tTail((centre - threshold) / error, freedom);
}

/** The chance that |t| is at least so large, with `freedom` degrees of freedom. */
export const tTail = (t: number, freedom: number): number =>
  incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);

function summary(values: readonly number[]): {centre: number; error: number; freedom: number} {
  const centre = mean(values);
  const freedom = values.length - 1;
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return {centre, error: freedom === 0 ? 0 : Math.sqrt(squares / freedom / values.length), freedom};
}

/**
 * The p-quantile of t, p above one half, by bisection on the tail to a relative 1e-12.
 *
 * @param freedom degrees of freedom, at least 1
 */
export function tQuantile(p: number, freedom: number): number {
  const known = lastQuantile;
  if (known.p === p && known.freedom === freedom) return known.value;
  const tail = (t: number): number => tTail(t, freedom) / 2;
  let [low, high] = [0, 1];
  while (tail(high) > 1 - p) high *= 2;
  for (let n = 0; n < 200 && high - low > 1e-12 * high; n++) {
    const middle = (low + high) / 2;
    if (tail(middle) > 1 - p) low = middle;
    else high = middle;
  }
  lastQuantile = {p, freedom, value: (low + high) / 2};
  return lastQuantile.value;
}

/** Tables ask for the same one again and again: all metrics have the same problems. */
let lastQuantile = {p: NaN, freedom: NaN, value: NaN};

/** Regularised incomplete beta I_x(a, b) by Lentz's continued fraction (DLMF 8.17.22). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side only.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b)) / a;
  const tiny = 1e-300;
  let [f, c, d] = [1, 1, 0];
  for (let m = 0; m < 500; m++) {
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    let change = 1;
    for (const term of m === 0 ? [odd] : [even, odd]) {
      d = 1 + term * d;
      d = 1 / (Math.abs(d) < tiny ? tiny : d);
      c = 1 + term / c;
      if (Math.abs(c) < tiny) c = tiny;
      change = c * d;
      f *= change;
    }
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return front / f;
}

/** ln Γ(x), x > 0: Lanczos, g = 7, 9 terms; relative error below 1e-14. */
function logGamma(x: number): number {
  const terms = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const y = x - 1;
  const sum = terms.reduce((total, term, index) => total + (index === 0 ? term : term / (y + index)), 0);
  const t = y + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum);
}
