/** Scores of one model: every metric with its 95 % interval. */
import type {Clusters} from './intervals.js';
import {groupsOf, isRate, metricsFor, samplesOf, valuesByProblem, type Metric} from './metrics.js';
import {levelOver} from './over-problems.js';
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

/** All metrics that the samples have values for, each with its interval: see over-problems.ts. */
export const scoreSamples = (samples: readonly Sample[], {k}: {readonly k: number}): Score[] =>
  metricsFor(k).flatMap((metric) => scoreOf(metric, samples) ?? []);

/** One metric with its interval; `undefined` where no sample has a value for it. */
export function scoreOf(metric: Metric, samples: readonly Sample[]): Score | undefined {
  const byProblem = valuesByProblem(metric, samples);
  const clusters: Clusters = [...byProblem.values()];
  if (clusters.length === 0) return undefined;
  const values = clusters.reduce((sum, {length}) => sum + length, 0);
  const groups = groupsOf([...byProblem.keys()], samples);
  const {value, low, high} = levelOver(clusters, {groups, isRate: isRate(metric), threshold: 0});
  return {metric, mean: value, low, high, problems: clusters.length, samples: values * samplesOf(metric)};
}
