/** Scores of one model: every metric with its 95 % interval. */
import {
  bootstrap,
  clusterMean,
  percentileInterval,
  wilson,
  type Clusters,
  type Groups,
  type Interval,
} from './intervals.js';
import {groupsOf, isRate, metricsFor, samplesOf, valuesByProblem, type Metric} from './metrics.js';
import type {Sample} from './sample.js';

export interface Score {
  readonly metric: Metric;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Problems and samples that the metric counts. */
  readonly problems: number;
  readonly samples: number;
}

/**
 * All metrics that the samples have values for. Intervals come from a bootstrap that draws problems, then samples; where
 * a rate is 0 or 1 the bootstrap has nothing to draw from, and Wilson's interval over problems stands in.
 */
export function scoreSamples(
  samples: readonly Sample[],
  {k, seed = 0}: {readonly k: number; readonly seed?: number},
): Score[] {
  return metricsFor(k).flatMap((metric) => {
    const byProblem = valuesByProblem(metric, samples);
    const clusters: Clusters = [...byProblem.values()];
    if (clusters.length === 0) return [];
    const mean = clusterMean(clusters);
    const values = clusters.reduce((sum, {length}) => sum + length, 0);
    return [
      {
        metric,
        mean,
        ...levelInterval(metric, {clusters, groups: groupsOf([...byProblem.keys()], samples), mean, seed}),
        problems: clusters.length,
        samples: values * samplesOf(metric, k),
      },
    ];
  });
}

function levelInterval(
  metric: Metric,
  {
    clusters,
    groups,
    mean,
    seed,
  }: {
    readonly clusters: Clusters;
    readonly groups: Groups | undefined;
    readonly mean: number;
    readonly seed: number;
  },
): Interval {
  if (isRate(metric) && (mean === 0 || mean === 1)) return wilson(mean, groups?.length ?? clusters.length);
  return percentileInterval(bootstrap([clusters], ([only]) => only!, {seed, groups}));
}
