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
import {clusterMean, type Clusters} from '../evaluation/intervals.js';
import {levelOver, shareOver} from '../evaluation/over-problems.js';
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

/** Shares of a whole: what of it counts, and the whole, by the shares of a problem's responses that are correct and were attempted. */
const OF_WHOLE: Readonly<Partial<Record<MeasureName, (correct: number, tried: number) => readonly [number, number]>>> =
  {
    'correct-given-attempted': (correct, tried) => [correct, tried],
    'f-score': (correct, tried) => [2 * correct, 1 + tried],
  };

/** Where to find what is measured: the samples of each problem. */
export type Groups = readonly (readonly Sample[])[];

/** A share of responses, or a mean of values in [0, 1], by its name. */
export function shareOf(metric: string, groups: Groups, value: (sample: Sample) => number): Score {
  return scoreOf(
    metric,
    groups.map((group) => group.map(value)),
    groups.flat().length,
  );
}

/** The mean of values in [0, 1] by problem with its interval, of so many samples. */
export function scoreOf(metric: string, clusters: Clusters, samples: number): Score {
  const {value, low, high} = levelOver(clusters, {isRate: true, threshold: 0});
  return {metric, mean: value, low, high, problems: clusters.length, samples};
}

/** What a suite asks for, and beside it how many responses were of no use. */
export function measure(metrics: readonly MeasureName[], groups: Groups): Score[] {
  return [
    ...metrics.flatMap((metric) => {
      if (OF_CONTESTS.includes(metric) || OF_PAIRS.includes(metric)) return []; // Others measure them.
      const value = OF_SAMPLE[metric];
      return value === undefined ? ofWhole(metric, groups) : [shareOf(metric, groups, value)];
    }),
    shareOf('unparsable', groups, ({outcome}) => Number(outcome === 'unparsable' || outcome === 'timed-out')),
    shareOf('truncated', groups, ({truncated}) => Number(truncated)),
  ];
}

/** A share of a whole with its interval; none where nothing was attempted. */
function ofWhole(metric: MeasureName, groups: Groups): Score[] {
  const each = groups.map((group) =>
    OF_WHOLE[metric]!(clusterMean([group.map(right)]), clusterMean([group.map(attempted)])),
  );
  const [part, whole] = [each.map(([one]) => one), each.map(([, one]) => one)];
  if (!whole.some((one) => one > 0)) return [];
  const {value, low, high} = shareOver(part, whole);
  return [{metric, mean: value, low, high, problems: groups.length, samples: groups.flat().length}];
}
