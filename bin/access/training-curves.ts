/** The curves of the nodes that made models, for those that are drawn over each other. */
import {UserError} from '../../artifacts/index.js';
import type {AttemptId, MetricPoint, Store} from '../../artifacts/index.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {FoundEvaluation} from './evaluations.js';

/** One metric of several trainings. */
export interface Curves {
  readonly metric: string;
  /** In the order of the models; without points where a training has none of this metric. */
  readonly points: readonly (readonly MetricPoint[])[];
}

/** What a training is looked at by, the most telling first; else whatever it has first. */
const HEADLINES = ['accuracy', 'reward', 'loss'];

/** Why nothing is drawn, and what could be. */
export interface NoCurves {
  /** The stages of the trainings, where they are not of one: a loss of the one stage is none of the other. */
  readonly stages: readonly string[];
  /** Metrics that all of them have. */
  readonly shared: readonly string[];
}

export const isDrawn = (curves: Curves | NoCurves): curves is Curves => 'points' in curves;

/**
 * The headline metric of trainings of one stage, or the metric that is wished for, as far as they have it.
 *
 * @throws UserError not-found for a wish that none of them has
 */
export function curvesOf(store: Store, models: readonly FoundEvaluation[], wished?: string): Curves | NoCurves {
  const attempts = models.map(({model}) => model?.attempt);
  const cache = new Map<AttemptId, readonly MetricPoint[]>();
  const all = attempts.map((attempt) => {
    if (attempt === undefined) return [];
    const points = cache.get(attempt) ?? store.metrics(attempt, {throughCheckpoints: true});
    cache.set(attempt, points);
    return points;
  });
  const names = all.map((points) => [...new Set(points.map(({name}) => name))]);
  if (wished !== undefined && !names.flat().includes(wished)) {
    const known = [...new Set(names.flat())];
    throw new UserError('not-found', `none of these trainings has a metric “${wished}”${suggestion(wished, known)}`, {
      hint: known.length === 0 ? 'they have none at all' : `metrics: ${known.join(', ')}`,
    });
  }
  const shared = names[0]!.filter((name) => names.every((own) => own.includes(name)));
  const stages = [...new Set([...cache.keys()].map((attempt) => store.attempt(attempt)!.stage))];
  const headline = stages.length === 1 ? (HEADLINES.find((name) => shared.includes(name)) ?? shared[0]) : undefined;
  const metric = wished ?? headline;
  if (metric === undefined || cache.size < 2) return {stages, shared: cache.size < 2 ? [] : shared};
  return {metric, points: all.map((points) => points.filter(({name}) => name === metric))};
}
