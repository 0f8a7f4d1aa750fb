/**
 * How a model changes while it is trained, on problems that it is not trained on: scores of fixed steps, as in DeepSeek-R1's Figures 2 and
 * 3 (arXiv 2501.12948, §2.2.4), and the trend over them. A recipe fixes the steps before it is run.
 */
import {clusterMean} from '../intervals.js';
import {groupsOf, valuesByProblem, type Metric} from '../metrics.js';
import {levelOver, type Measured} from '../over-problems.js';
import {isReasoning, type Sample} from '../sample.js';
import {scoreOf, type Score} from '../scores.js';
import type {FollowedTraining} from './followed.js';
import type {History, ReportInputs} from './inputs.js';

/** One model of the training. */
export interface ProgressPoint {
  readonly step: number;
  /** What the report was wired with its scores as. */
  readonly node: string;
  readonly scores: readonly Score[];
  /** pass@1 by the number of steps that problems take; empty where they are all of one kind. */
  readonly levels: readonly {readonly level: number; readonly score: Score}[];
}

/** The change of a metric over the points, and whether there is any: over the problems, of this one run. */
export interface Trend extends Measured {
  readonly metric: Metric;
  readonly problems: number;
}

/** The curve of one training. */
export interface TrainingProgress {
  readonly node: string;
  /** Whose template all of its models were asked with. */
  readonly template: string;
  readonly points: readonly ProgressPoint[];
  readonly beside: readonly {readonly node: string; readonly scores: readonly Score[]}[];
  /** Mean over problems of each one's least-squares slope, per `TREND_STEPS` steps. */
  readonly trends: readonly Trend[];
}

/** Trends are per this many steps. */
export const TREND_STEPS = 100;

/** The metrics of the curves, for k samples of each problem. */
const metricsOf = (k: number): readonly Metric[] => [
  'pass@1',
  ...(k > 1 ? [`cons@${k}`] : []),
  'length',
  'length/thinking',
  'length/answer',
];

/** The curve of a training; `undefined` where fewer than three of its models were scored, or its history is not there. */
export function progressOf(
  {node, base, snapshots, beside = []}: FollowedTraining,
  {evaluations, histories}: Pick<ReportInputs, 'evaluations' | 'histories'>,
): TrainingProgress | undefined {
  const history = histories[node];
  const first = evaluations[base];
  if (history === undefined || first === undefined) return undefined;
  const last = stepsOf(history);
  const steps = Object.entries(snapshots).map(([step, name]) => ({step: Math.min(Number(step), last), name}));
  const asked = [{step: 0, name: base}, ...steps.sort((a, b) => a.step - b.step), {step: last, name: node}];
  // Where a training ended early, several names stand for its last model.
  const named = asked.filter(({step}, place) => step !== asked[place + 1]?.step);
  const found = named.flatMap(({step, name}) => {
    const evaluated = evaluations[name];
    return evaluated === undefined ? [] : [{step, node: name, samples: evaluated.samples.filter(isReasoning)}];
  });
  if (found.length < 3) return undefined;
  const metrics = metricsOf(first.k);
  const scored = (samples: readonly Sample[]): Score[] => metrics.flatMap((metric) => scoreOf(metric, samples) ?? []);
  return {
    node,
    template: first.template,
    points: found.map(({samples, ...of}) => ({...of, scores: scored(samples), levels: levelsOf(samples)})),
    beside: beside.flatMap((name) => {
      const evaluated = evaluations[name];
      return evaluated === undefined
        ? []
        : [{node: name, scores: scored(evaluated.samples.filter((one) => isReasoning(one)))}];
    }),
    trends: metrics.flatMap((metric) => trendOf(metric, found) ?? []),
  };
}

/** Steps that a training made: fewer than its params ask for, where a person ended it. */
const stepsOf = ({rows, card: {steps}}: History): number => (typeof steps === 'number' ? steps : rows.length);

function levelsOf(samples: readonly Sample[]): ProgressPoint['levels'] {
  const levels = [...new Set(samples.map(({steps}) => steps))].filter((level) => level !== null).sort((a, b) => a - b);
  if (levels.length < 2) return [];
  return levels.flatMap((level) => {
    const score = scoreOf(
      'pass@1',
      samples.filter(({steps}) => steps === level),
    );
    return score === undefined ? [] : [{level, score}];
  });
}

/**
 * Each problem's least-squares slope over the steps, and what drawing other problems would make of the mean of these slopes: Student's t
 * over the problems. Nothing about another run of the training follows from it.
 *
 * @returns `undefined` where no problem has a value at every step
 */
export function trendOf(
  metric: Metric,
  points: readonly {readonly step: number; readonly samples: readonly Sample[]}[],
): Trend | undefined {
  const values = points.map(({samples}) => valuesByProblem(metric, samples));
  const keys = [...values[0]!.keys()].filter((key) => values.every((one) => one.has(key)));
  if (keys.length === 0) return undefined;
  const middle = points.reduce((sum, {step}) => sum + step, 0) / points.length;
  const squares = points.reduce((sum, {step}) => sum + (step - middle) ** 2, 0);
  const slopes = keys.map((key) =>
    points.reduce(
      (sum, {step}, place) => sum + ((step - middle) / squares) * clusterMean([values[place]!.get(key)!]),
      0,
    ),
  );
  const groups = groupsOf(keys, points[0]!.samples);
  const measured = levelOver(
    slopes.map((slope) => [slope * TREND_STEPS]),
    {groups, isRate: false, threshold: 0},
  );
  return {metric, ...measured, problems: keys.length};
}
