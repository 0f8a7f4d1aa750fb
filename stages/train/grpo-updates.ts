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
import {sharedTraining} from './shared-prompts.js';

/** Params of the stage `grpo`, which says what each means. */
export interface UpdateParams extends Pick<
  GrpoOptions,
  'temperature' | 'ratio' | 'clipLow' | 'clipHigh' | 'klCoefficient'
> {
  readonly aggregate: 'response-mean' | 'token-mean' | 'constant';
  readonly minibatches: number;
  readonly maxNewTokens: number;
  /** Responses to a question. */
  readonly group: number;
  readonly microBatch: number;
  readonly rolloutPrecision: Precision;
  readonly importanceCap: number;
}

/** Lengths that whole rows are padded to, before those are left out that no row can have. */
const LENGTHS = 10;

/** Positions of a row with several responses, at most: attention takes the square of them, and sees most of it for nothing. */
const MOST_SHARED = 768;

/** Sharing has to save something before it is worth rows of another form. */
const WORTH_SHARING = 1.25;

/** What rows are padded to and how many are computed together, and whether those of one prompt are one row. */
export interface UpdateBuckets {
  readonly buckets: Buckets;
  /** Prompts are computed once for several responses: `shared-prompts.ts`. */
  readonly isShared: boolean;
  /** Positions of the longest response with its prompt. */
  readonly whole: number;
}

/**
 * A micro-batch of shared rows has about as many positions as one of as many rows by themselves. Models with a small vocabulary keep
 * these, and the bytes that they had; ratios of whole responses need a row for each.
 *
 * @param prompts tokens of the shortest and of the longest prompt
 */
export function updateBuckets(
  config: ModelConfig,
  {microBatch, maxNewTokens, group, ratio}: Pick<UpdateParams, 'microBatch' | 'maxNewTokens' | 'group' | 'ratio'>,
  prompts: {readonly shortest: number; readonly longest: number},
): UpdateBuckets {
  const whole = prompts.longest + maxNewTokens;
  const shared = Math.min(prompts.longest + group * maxNewTokens, MOST_SHARED);
  const isShared = countsTargets(config) && ratio === 'token' && shared >= WORTH_SHARING * whole;
  const longest = isShared ? shared : whole;
  const lengths = lengthBuckets(
    Array.from({length: LENGTHS}, (_, i) => (longest * (i + 1)) / LENGTHS),
    LENGTHS,
  ).filter((length) => length >= prompts.shortest);
  // An even number, so that two threads have as much to do each.
  const rows = isShared ? Math.max(1, 2 * Math.floor((microBatch * whole) / longest / 2)) : microBatch;
  const before = prompts.shortest - 1;
  const targets = {before, most: isShared ? lengths.at(-1)! - before : maxNewTokens};
  return {buckets: {rows, lengths, ...(countsTargets(config) && {targets})}, isShared, whole};
}

/** @param prompts tokens of the shortest and of the longest prompt */
export function planUpdates(
  config: ModelConfig,
  params: UpdateParams,
  prompts: {readonly shortest: number; readonly longest: number},
) {
  const {temperature, ratio, clipLow, clipHigh, klCoefficient, maxNewTokens} = params;
  const {buckets, isShared, whole} = updateBuckets(config, params, prompts);
  // Of rows by themselves, which the old policy and the reference are asked about.
  const alone = isShared ? updateBuckets(config, {...params, group: 1}, prompts).buckets : buckets;
  const isWeighted = params.rolloutPrecision === 'bf16' && params.importanceCap > 0;
  // The weights of an update are made from π_old before it, so with them it has to be there.
  const isOwn = params.minibatches === 1 && !isWeighted;
  const options = {
    temperature,
    ratio,
    aggregate: params.aggregate === 'constant' ? {constant: maxNewTokens} : params.aggregate,
    clipLow,
    clipHigh,
    klCoefficient,
    importance: isWeighted,
    oldPolicy: isOwn ? 'own' : 'given',
  } as const;
  const update = isShared ? sharedTraining(buckets, options, whole) : grpoTraining({...buckets, ...options});
  const of = (slot: 'policy' | 'reference') => logProbabilities({...alone, temperature, of: slot});
  return {
    buckets,
    isShared,
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
