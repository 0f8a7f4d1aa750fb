/** Models beside each other, each against the first: what was measured, on which questions, how they were trained, and why they differ. */
import {UserError} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {causesOf} from '../../artifacts/queries/diff-runs.js';
import type {Cause} from '../../artifacts/queries/diff-runs.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import {compareEvaluations} from '../../stages/evaluation/compare-evaluations.js';
import type {EvaluationComparison} from '../../stages/evaluation/compare-evaluations.js';
import type {Evaluated} from '../../stages/evaluation/report/index.js';
import {curvesOf} from './training-curves.js';
import type {Curves, NoCurves} from './training-curves.js';
import type {Compared} from './compared.js';
import {readEvaluationOf} from './evaluations.js';
import type {FoundEvaluation} from './evaluations.js';
import {firstCause} from './first-cause.js';
import type {FirstCause} from './first-cause.js';
import {questionOfBoth} from './question.js';
import type {AskedQuestion} from './question.js';

/** Two evaluations of a store beside each other. */
export interface StoredComparison extends EvaluationComparison {
  /** Both are the same artifact: there is nothing to compare. */
  readonly isSame: boolean;
  /** In what the evaluations differ beside the model and the settings that scores keep: prompts, other params, code. */
  readonly causes: readonly Cause[];
}

/** One model against the first. */
export interface ModelPair extends StoredComparison, FirstCause {
  readonly question: AskedQuestion | undefined;
}

/** Models beside each other. */
export interface ModelsComparison {
  readonly models: readonly Compared[];
  /** Each of the others against the first. */
  readonly pairs: readonly ModelPair[];
  readonly curves: Curves | NoCurves;
}

/** What is wanted beside the models. */
export interface CompareWish {
  readonly metric?: readonly string[];
  readonly curve?: string;
}

/** Reads evaluations, each once. */
export function openReader(
  store: Store,
  progress: (text: string) => void,
): (found: FoundEvaluation) => Promise<Evaluated> {
  const read = new Map<string, Promise<Evaluated>>();
  return async (found) => {
    const known = read.get(found.artifact);
    if (known !== undefined) return known;
    progress(`reading ${found.node} of run ${found.run.id}`);
    const reading = readEvaluationOf(store, found);
    read.set(found.artifact, reading);
    return reading;
  };
}

export type Reader = ReturnType<typeof openReader>;

/** @throws UserError for a metric or a curve that there is not, and where scores cannot be read */
export async function compareModels(
  store: Store,
  models: readonly Compared[],
  {read, metric, curve}: CompareWish & {readonly read: Reader},
): Promise<ModelsComparison> {
  const [first, ...others] = models.map(({evaluation}) => evaluation) as [FoundEvaluation, ...FoundEvaluation[]];
  const curves = curvesOf(store, [first, ...others], curve);
  const pairs: ModelPair[] = [];
  for (const other of others) {
    const compared = await compareStored(store, [first, other], read);
    const sides = [first, other].map(async (found) => ({found, evaluated: await read(found)}));
    const [one, two] = (await Promise.all(sides)) as [Awaited<(typeof sides)[0]>, Awaited<(typeof sides)[0]>];
    const question = compared.isSame ? undefined : await questionOfBoth(store, [one, two], compared.answers);
    pairs.push({...compared, question, ...firstCause(store, first, other)});
  }
  return {models, pairs: withMetrics(pairs, metric), curves};
}

/** Two evaluations of a store, with what their attempts say of how they came about. */
export async function compareStored(
  store: Store,
  [baseline, other]: readonly [FoundEvaluation, FoundEvaluation],
  read: Reader,
): Promise<StoredComparison> {
  const comparison = compareEvaluations(await read(baseline), await read(other));
  const causes =
    baseline.attempt.id === other.attempt.id
      ? []
      : causesOf(store, baseline.attempt, other.attempt).filter((cause) => isTelling(cause, baseline, other));
  return {...comparison, isSame: baseline.artifact === other.artifact, causes};
}

/** Params that scores keep, so that they are compared as what they mean, and those that change no score. */
const TOLD = /^(?:template|shots|system|suffix|prefill|stop|extraction|samples|temperature|topP|chunk)\b/;

/** The models are what is compared; machine and seed make no difference to what was asked. */
function isTelling({what, name, a, b}: Cause, baseline: FoundEvaluation, other: FoundEvaluation): boolean {
  if (what === 'input') return a !== baseline.model?.artifact && b !== other.model?.artifact;
  if (what === 'param') return !TOLD.test(name);
  return what === 'stage' || what === 'code' || what === 'definition' || what === 'env' || what === 'environment';
}

/** @throws UserError not-found */
export function withMetrics<T extends EvaluationComparison>(
  comparisons: readonly T[],
  wished: readonly string[] | undefined,
): readonly T[] {
  if (wished === undefined || wished.includes('all')) return comparisons;
  const known = [...new Set(comparisons.flatMap(({metrics}) => metrics.map(({metric}) => metric)))];
  const missing = wished.find((metric) => !known.includes(metric));
  if (missing !== undefined)
    throw new UserError(
      'not-found',
      `there is no metric “${missing}” among these scores${suggestion(missing, known)}`,
      {
        hint: `metrics: ${known.join(', ')}`,
      },
    );
  return comparisons.map((comparison) => ({
    ...comparison,
    metrics: comparison.metrics.filter(({metric}) => wished.includes(metric)),
  }));
}
