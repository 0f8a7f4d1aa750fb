/** What several seeds of one recipe came to: the spread of a number over them, which is the noise of training. */
import type {Interval} from './intervals.js';
import {mean} from './intervals.js';
import {tInterval} from './t-interval.js';

/** A number over several seeds. */
export interface SeedSpread {
  readonly seeds: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** Student's t at 95 % over the seeds, of at least `FEWEST_SEEDS`. It holds what another seed changes, on the same problems. */
  readonly interval: Interval | undefined;
}

/** Of two values an interval by Student's t is wider than anything: t is 12.7 there. */
export const FEWEST_SEEDS = 3;

/**
 * Mean, lowest and highest value, and the interval over seeds.
 *
 * @param values one of each seed, at least one
 */
export const spreadOverSeeds = (values: readonly number[]): SeedSpread => ({
  seeds: values.length,
  mean: mean(values),
  min: Math.min(...values),
  max: Math.max(...values),
  interval: values.length < FEWEST_SEEDS ? undefined : tInterval(values),
});
