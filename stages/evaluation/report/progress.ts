/**
 * How a model changes while it is trained, on problems that it is not trained on: scores of fixed steps, as in DeepSeek-R1's Figures 2 and
 * 3 (arXiv 2501.12948, §2.2.4), and the trend over them. A recipe fixes the steps before it is run.
 */
import {StageFailure} from '../../../pipeline/stage.js';
import {askedText} from '../asked.js';
import {bootstrapMean} from '../bootstrap.js';
import {compare} from '../comparison.js';
import {mean} from '../intervals.js';
import {groupsOf, valuesByProblem, type Metric} from '../metrics.js';
import type {Measured} from '../over-problems.js';
import {isReasoning, type Sample} from '../sample.js';
import {scoreOf, type Score} from '../scores.js';
import type {FollowedTraining} from './followed.js';
import type {Evaluated, History, ReportInputs} from './inputs.js';

/** One model of the training. */
export interface ProgressPoint {
  readonly step: number;
  /** What the report was wired with its scores as. */
  readonly node: string;
  /** Responses to each problem. */
  readonly samples: number;
  readonly scores: readonly Score[];
  /** pass@1 by the number of steps that problems take; empty where they are all of one kind. */
  readonly levels: readonly {readonly level: number; readonly score: Score}[];
}

/** A model to compare with, on the same problems. */
export interface ReferenceModel {
  readonly node: string;
  /** Template and all that was not as by default. */
  readonly asked: string;
  readonly scores: readonly Score[];
}

/** The change of a metric over the points: over the problems, of this one run. */
export interface Trend extends Measured {
  readonly metric: Metric;
  readonly problems: number;
}

/** What a metric has come to: the last point less the first, on the same problems. */
export interface Change extends Measured {
  readonly metric: Metric;
}

/** The curve of one training. */
export interface TrainingProgress {
  readonly node: string;
  /** How all of its models were asked: template and all that was not as by default. */
  readonly asked: string;
  readonly temperature: number;
  readonly topP: number;
  /** Problems that every model of the curve was asked; scores and trends are of these alone. */
  readonly problems: number;
  /** Problems that the model at step 0 was asked. */
  readonly problemsAtEnds: number;
  /** In the order of their steps. */
  readonly points: readonly ProgressPoint[];
  readonly beside: readonly ReferenceModel[];
  readonly trends: readonly Trend[];
  /** From the first point to the last, for each metric, paired on problems. */
  readonly changes: readonly Change[];
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

/**
 * The curve of a training, over the problems that all of its models were asked; `undefined` where the training has made no step.
 *
 * @throws {StageFailure} where scores or a history that it names are not there, where models of the curve were asked in different ways,
 * or where no problem was asked of all of them
 */
export function progressOf(
  {node, base, snapshots, beside = []}: FollowedTraining,
  {evaluations, histories}: Pick<ReportInputs, 'evaluations' | 'histories'>,
): TrainingProgress | undefined {
  const find = <T>(name: string, all: Readonly<Record<string, T>>, what: string): T => {
    const found = Object.hasOwn(all, name) ? all[name] : undefined;
    if (found !== undefined) return found;
    throw new StageFailure(
      `followed training “${node}” names “${name}” among the ${what}; there are ${Object.keys(all).join(', ')}`,
    );
  };
  const last = stepsOf(find(node, histories, 'histories'));
  if (last === 0) return undefined;
  const steps = Object.entries(snapshots).map(([step, name]) => ({step: Math.min(Number(step), last), name}));
  const wanted = [{step: 0, name: base}, ...steps.sort((a, b) => a.step - b.step), {step: last, name: node}];
  const models = wanted
    .map(({step, name}) => ({step, name, evaluated: find(name, evaluations, 'scores')}))
    // Where a training ended early, several names stand for its last model.
    .filter(({step}, place) => step !== wanted[place + 1]?.step);
  const first = models[0]!.evaluated;
  for (const {name, evaluated} of models)
    if (conditionsOf(evaluated) !== conditionsOf(first))
      throw new StageFailure(
        `followed training “${node}”: “${name}” was asked otherwise than “${base}” (${conditionsOf(evaluated)}; ${conditionsOf(first)}), and a curve is of models that were asked alike`,
      );
  const problems = problemsOf(models.map(({evaluated}) => evaluated));
  if (problems.size === 0)
    throw new StageFailure(`followed training “${node}”: no problem was asked of all of its models`);
  const asked = models.map(({step, name, evaluated}) => ({
    ...{step, node: name, k: evaluated.k},
    samples: evaluated.samples.filter(({key}) => problems.has(key)),
  }));
  const metrics = metricsOf(Math.min(...asked.map(({k}) => k)));
  const scored = (samples: readonly Sample[]): Score[] => metrics.flatMap((metric) => scoreOf(metric, samples) ?? []);
  return {
    node,
    asked: askedText(first.template, first),
    ...{temperature: first.temperature, topP: first.topP},
    ...{problems: problems.size, problemsAtEnds: problemsOf([first]).size},
    points: asked.map(({step, node: name, k, samples}) => ({
      ...{step, node: name, samples: k},
      ...{scores: scored(samples), levels: levelsOf(samples)},
    })),
    beside: beside.map((name) => {
      const evaluated = find(name, evaluations, 'scores');
      const samples = evaluated.samples.filter(({key}) => problems.has(key));
      return {node: name, asked: askedText(evaluated.template, evaluated), scores: scored(samples)};
    }),
    trends: metrics.flatMap((metric) => trendOf(metric, asked) ?? []),
    changes: metrics.flatMap((metric) => {
      const [left, right] = [asked.at(-1)!.samples, asked[0]!.samples];
      const found = compare({metric, statistic: 'difference', left, right, threshold: 0});
      return found === undefined ? [] : [{metric, value: found.value, low: found.low, high: found.high, p: found.p}];
    }),
  };
}

/** What has to be the same for two models to stand on one curve. */
const conditionsOf = (evaluated: Evaluated): string =>
  `${askedText(evaluated.template, evaluated)}, temperature ${evaluated.temperature}, top-p ${evaluated.topP}`;

/** Keys of the reasoning problems that all of these models were asked. */
function problemsOf(models: readonly Evaluated[]): ReadonlySet<string> {
  const [first = new Set<string>(), ...others] = models.map(
    ({samples}) => new Set(samples.flatMap((sample) => (isReasoning(sample) ? [sample.key] : []))),
  );
  return new Set([...first].filter((key) => others.every((keys) => keys.has(key))));
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
 * The mean over problems of each one's least-squares slope over the steps, per `TREND_STEPS` steps, with a bootstrap over the problems:
 * what other problems would make of it. Nothing about another run of the training follows from it.
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
  const steps = points.map(({step}) => step);
  const middle = mean(steps);
  const squares = steps.reduce((sum, step) => sum + (step - middle) ** 2, 0);
  const slopes = keys.map((key) =>
    steps.reduce((sum, step, place) => sum + ((step - middle) / squares) * mean(values[place]!.get(key)!), 0),
  );
  const measured = bootstrapMean(
    slopes.map((slope) => slope * TREND_STEPS),
    groupsOf(keys, points[0]!.samples),
  );
  return {metric, ...measured, problems: keys.length};
}
