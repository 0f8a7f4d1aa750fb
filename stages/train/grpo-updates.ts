/**
 * What GRPO compiles to train with, from its params and the lengths of its prompts: the update, and log-probabilities under the
 * policy that has sampled and under the reference, where they are needed.
 */
import type {Buckets} from '../engine/programs/batches.js';
import type {ModelConfig} from '../model/config.js';
import {countsTargets} from './compute.js';
import type {Precision} from './compute.js';
import type {GrpoOptions, GrpoRow} from './grpo.js';
import {teaches} from './grpo.js';
import {lengthBuckets} from './length-buckets.js';
import {grpoTraining, logProbabilities} from './programs.js';

/** Params of the stage `grpo`, which says what each means. */
export interface UpdateParams extends Pick<
  GrpoOptions,
  'temperature' | 'ratio' | 'clipLow' | 'clipHigh' | 'klCoefficient'
> {
  readonly aggregate: 'response-mean' | 'token-mean' | 'constant';
  readonly minibatches: number;
  readonly maxNewTokens: number;
  readonly microBatch: number;
  readonly rolloutPrecision: Precision;
  readonly importanceCap: number;
}

/** Lengths that whole rows are padded to, before those are left out that no row can have. */
const LENGTHS = 10;

/** @param prompts tokens of the shortest and of the longest prompt */
export function planUpdates(
  config: ModelConfig,
  params: UpdateParams,
  prompts: {readonly shortest: number; readonly longest: number},
) {
  const {microBatch: rows, temperature, ratio, clipLow, clipHigh, klCoefficient, maxNewTokens} = params;
  const whole = prompts.longest + maxNewTokens;
  const lengths = lengthBuckets(
    Array.from({length: LENGTHS}, (_, i) => (whole * (i + 1)) / LENGTHS),
    LENGTHS,
  ).filter((length) => length >= prompts.shortest);
  const targets = {before: prompts.shortest - 1, most: maxNewTokens};
  const buckets: Buckets = {rows, lengths, ...(countsTargets(config) && {targets})};
  const isWeighted = params.rolloutPrecision === 'bf16' && params.importanceCap > 0;
  // The weights of an update are made from π_old before it, so with them it has to be there.
  const isOwn = params.minibatches === 1 && !isWeighted;
  const update = grpoTraining({
    ...buckets,
    temperature,
    ratio,
    aggregate: params.aggregate === 'constant' ? {constant: maxNewTokens} : params.aggregate,
    clipLow,
    clipHigh,
    klCoefficient,
    importance: isWeighted,
    oldPolicy: isOwn ? 'own' : 'given',
  });
  const of = (slot: 'policy' | 'reference') => logProbabilities({...buckets, temperature, of: slot});
  return {
    buckets,
    /** Whether tokens weigh what trainer and sampler make of them. */
    isWeighted,
    programs: {
      update,
      ...(isOwn ? {} : {old: of('policy')}),
      ...(klCoefficient > 0 ? {reference: of('reference')} : {}),
    },
  };
}

/**
 * What `compute` makes of the rows that teach; nothing of the others. In the order of the rows.
 * @throws {Error} what `compute` throws
 */
export function whereTaught<Row extends Pick<GrpoRow, 'advantage' | 'mask'>, T>(
  rows: readonly Row[],
  klCoefficient: number,
  compute: (rows: readonly Row[]) => readonly T[],
): (T | undefined)[] {
  const taught = rows.filter((row) => teaches(row, klCoefficient));
  const computed = taught.length === 0 ? [] : compute(taught);
  let at = 0;
  return rows.map((row) => (teaches(row, klCoefficient) ? computed[at++] : undefined));
}

export {teaches};
