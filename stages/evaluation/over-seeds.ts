/** What several seeds of one recipe came to: the spread of a number over them, which is the noise of training. */
import type {Interval} from './intervals.js';
import {mean} from './intervals.js';
import type {Metric} from './metrics.js';
import type {Score} from './scores.js';
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

/** What one model scored with one seed. */
export interface SeedScores {
  /** What the recipe calls the model. */
  readonly model: string;
  /** Which model it is: seeds that have one in common, which came from outside for instance, count once. */
  readonly identity: string;
  readonly scores: readonly Score[];
}

/** One metric of one model over the seeds. */
export interface ScoreOverSeeds extends SeedSpread {
  readonly model: string;
  readonly metric: Metric;
}

/** The spread of every metric of every model, in the order of the first seed that has it. With one seed in all it is that one's value. */
export function scoresOverSeeds(seeds: readonly SeedScores[]): readonly ScoreOverSeeds[] {
  return [...new Set(seeds.map(({model}) => model))].flatMap((model) => {
    const own = seeds.filter((one) => one.model === model);
    const different = own.filter(
      ({identity}, index) => own.findIndex((other) => other.identity === identity) === index,
    );
    const metrics = [...new Set(different.flatMap(({scores}) => scores.map(({metric}) => metric)))];
    return metrics.map((metric) => {
      const values = different.flatMap(({scores}) => scores.find((score) => score.metric === metric)?.mean ?? []);
      return {model, metric, ...spreadOverSeeds(values)};
    });
  });
}
