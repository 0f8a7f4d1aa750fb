/**
 * What is measured on a suite, each with its 95 % interval. Problems weigh alike; a response that was cut off, or from which no answer
 * can be read, is wrong wherever right and wrong are counted.
 *
 * - pass@1, em, accuracy, correct, prompt-strict: share of right answers; the words are those of the benchmarks.
 * - f1: what an answer is worth where it may be right in part (DROP).
 * - not-attempted, correct-given-attempted, f-score: of a judge with three verdicts (SimpleQA, arXiv 2411.04368, §4); the last is the
 *   harmonic mean of correct and correct-given-attempted.
 * - cons@k: consensus.ts. Ratings: contests.ts. Rates of wins: pairs.ts, preferences.ts.
 * - unparsable, truncated: shares of responses without an answer that can be read, and of those that were cut off.
 */
import {bootstrap, clusterMean, percentileInterval, wilson, type Clusters} from '../evaluation/intervals.js';
import type {Sample, Score} from '../evaluation/index.js';
import {OF_CONTESTS, OF_PAIRS, type MeasureName} from './suite.js';

const right = ({outcome}: Sample): number => Number(outcome === 'right');
const attempted = ({outcome}: Sample): number => Number(outcome !== 'partial');

/** Means over samples. */
const OF_SAMPLE: Readonly<Partial<Record<MeasureName, (sample: Sample) => number>>> = {
  'pass@1': right,
  em: right,
  accuracy: right,
  correct: right,
  'prompt-strict': right,
  'not-attempted': (sample) => 1 - attempted(sample),
  f1: ({value, outcome}) => value ?? Number(outcome === 'right'),
};

/** Ratios of the share that is correct and the share that was attempted. */
const RATIOS: Readonly<Partial<Record<MeasureName, (correct: number, tried: number) => number>>> = {
  'correct-given-attempted': (correct, tried) => correct / tried,
  'f-score': (correct, tried) => (2 * correct) / (1 + tried),
};

/** Where to find what is measured: the samples of each problem. */
export type Groups = readonly (readonly Sample[])[];

/** A share of responses, or a mean of values in [0, 1], by its name. */
export function shareOf(metric: string, groups: Groups, value: (sample: Sample) => number, seed: number): Score {
  const clusters: Clusters = groups.map((group) => group.map(value));
  return scoreOf(metric, clusters, {seed, samples: groups.reduce((sum, {length}) => sum + length, 0)});
}

/** The mean of values by problem with its interval. */
export function scoreOf(
  metric: string,
  clusters: Clusters,
  {seed, samples}: {readonly seed: number; readonly samples: number},
): Score {
  const mean = clusterMean(clusters);
  const interval =
    mean === 0 || mean === 1
      ? wilson(mean, clusters.length)
      : percentileInterval(bootstrap([clusters], ([only]) => only!, {seed}));
  return {metric, mean, ...interval, problems: clusters.length, samples};
}

/** What a suite asks for, and beside it how many responses were of no use. */
export function measure(metrics: readonly MeasureName[], groups: Groups, seed: number): Score[] {
  return [
    ...metrics.flatMap((metric) => {
      if (OF_CONTESTS.includes(metric) || OF_PAIRS.includes(metric)) return []; // Others measure them.
      const value = OF_SAMPLE[metric];
      return value === undefined ? ratioOf(metric, groups, seed) : [shareOf(metric, groups, value, seed)];
    }),
    shareOf('unparsable', groups, ({outcome}) => Number(outcome === 'unparsable' || outcome === 'timed-out'), seed),
    shareOf('truncated', groups, ({truncated}) => Number(truncated), seed),
  ];
}

/** A ratio with its interval; none where nothing was attempted. */
function ratioOf(metric: MeasureName, groups: Groups, seed: number): Score[] {
  const of = RATIOS[metric]!;
  const correct = groups.map((group) => group.map(right));
  const tried = groups.map((group) => group.map(attempted));
  const mean = of(clusterMean(correct), clusterMean(tried));
  if (!Number.isFinite(mean)) return [];
  const draws = bootstrap([correct, tried], ([one, other]) => of(one!, other!), {seed}).filter(Number.isFinite);
  const samples = groups.reduce((sum, {length}) => sum + length, 0);
  return [{metric, mean, ...percentileInterval(draws), problems: groups.length, samples}];
}
