/**
 * The bootstrap of a mean over problems (Efron 1979, https://doi.org/10.1214/aos/1176344552): problems are drawn anew, those that are
 * alike together, and what the mean comes to says how far another set of problems might have moved it. The draws are a function of the
 * number of problems alone, so equal values give equal bytes.
 */
import {DRAWS, mean, percentileInterval, type Groups} from './intervals.js';
import {levelOver, type Measured} from './over-problems.js';
import {random} from '../random.js';

/**
 * The mean of one value a problem, its percentile interval, and the two-sided p-value of "the mean is 0": twice the share of the draws
 * that lie on the other side of 0, with the mean itself counted as one of the draws, so that it is never 0 (Davison & Hinkley,
 * Bootstrap Methods and their Application, equation 4.11).
 *
 * Where all values are the same, or there is one cluster, draws show nothing; the sign test of over-problems.ts stands in.
 *
 * @param values at least one
 * @param groups problems that are alike, which are drawn together; without them each problem is by itself
 */
export function bootstrapMean(values: readonly number[], groups?: Groups): Measured {
  const clusters = (groups ?? values.map((_, place) => [place])).map((places) => ({
    sum: places.reduce((sum, place) => sum + values[place]!, 0),
    count: places.length,
  }));
  if (clusters.length === 1 || values.every((value) => Math.abs(value - values[0]!) < FLAT))
    return levelOver(
      values.map((value) => [value]),
      {groups, isRate: false, threshold: 0},
    );
  const draws = random(0, 'bootstrap/problems', clusters.length);
  const means = Float64Array.from({length: DRAWS}, () => {
    let [sum, count] = [0, 0];
    for (let drawn = 0; drawn < clusters.length; drawn++) {
      const cluster = clusters[draws.int(clusters.length)]!;
      sum += cluster.sum;
      count += cluster.count;
    }
    return sum / count;
  }).sort();
  const share = (isThere: (value: number) => boolean): number => (means.filter(isThere).length + 1) / (DRAWS + 1);
  const p = Math.min(
    1,
    2 *
      Math.min(
        share((value) => value <= 0),
        share((value) => value >= 0),
      ),
  );
  return {value: mean(values), ...percentileInterval(means), p};
}

/** Rounding leaves differences of this much where there is none. */
const FLAT = 1e-12;
