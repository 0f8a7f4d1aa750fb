/**
 * Group-relative policy optimisation (DeepSeekMath, arXiv 2402.03300, equation 3; DeepSeek-R1, arXiv 2501.12948,
 * equations 1–3) with the variants that others published. The advantages are an input: how a group's rewards become
 * advantages is not decided here. The KL term is the k3 estimator, in the loss and not in the reward.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {DataType, tensorflow} from '../tensorflow/backend.js';
import type {TargetRow} from './cross-entropy.js';
import {withGradient, raw} from '../tensorflow/ops.js';
import {
  alignedWith,
  atTargetsOf,
  countTargets,
  tokenArrays,
  tokenInputs,
  tokenLogProbabilities,
} from './cross-entropy.js';
import type {Measures, Objective} from '../engine/objective.js';
import {padRight, sumOf} from '../engine/objective.js';

/** One sampled response with its prompt. `mask` marks the sampled tokens, the stop token among them. */
export interface GrpoRow extends TargetRow {
  /** A of the whole response, the same for each of its tokens: `groupAdvantages`. */
  readonly advantage: number;
  /** log π_old of each token under the same temperature, aligned with `tokens`; not needed where the policy is its own old one. */
  readonly oldLogProbs?: ArrayLike<number>;
  /** log π_ref, needed when the KL coefficient is not 0. */
  readonly referenceLogProbs?: ArrayLike<number>;
  /** What each token's gain is multiplied with, needed where the options say so: `importanceWeights`. */
  readonly importance?: ArrayLike<number>;
}

/**
 * How tokens add up to the loss: `response-mean`, each response's mean, then over responses (DeepSeekMath);
 * `token-mean`, over all tokens of the batch (DAPO, arXiv 2503.14476); `{constant}`, each response's sum over a fixed
 * length (Dr. GRPO, arXiv 2503.20783).
 */
export type Aggregate = 'response-mean' | 'token-mean' | {readonly constant: number};

/** The variant of GRPO. Equal options make one program. */
export interface GrpoOptions {
  /** Divides the logits; the temperature that the responses were sampled with. */
  readonly temperature: number;
  /** π/π_old of each token, or of the whole response as R1's formula has it. */
  readonly ratio: 'token' | 'sequence';
  /** How tokens add up to the loss. */
  readonly aggregate: Aggregate;
  /** The ratio is clipped to [1 − clipLow, 1 + clipHigh]. */
  readonly clipLow: number;
  /** See `clipLow`; larger than it in DAPO (arXiv 2503.14476). */
  readonly clipHigh: number;
  /** β of the k3 term; 0 leaves it out, and needs no reference. */
  readonly klCoefficient: number;
  /** Whether rows have importance weights, because another policy than π_old has sampled them. */
  readonly importance?: boolean;
  /**
   * 'own' where every update is made from samples of the policy as it is: π_old is then the π of the update itself, without a
   * gradient, and the ratio exactly 1. 'given' unless given: rows have it.
   */
  readonly oldPolicy?: 'own' | 'given';
}

/** What one optimizer step reports. “Ratios” are those of tokens, or of responses where `ratio` says `sequence`. */
export interface GrpoMetrics extends Measures {
  /** −J of equation 1, as aggregated. */
  readonly loss: number;
  /** Sampled tokens in the step. */
  readonly targets: number;
  /** The share of rows that were not computed, as `teaches` says of them. */
  readonly skippedRows: number;
  /** The largest π/π_old of the rows that were computed; absent where none was. */
  readonly ratioMax?: number;
  /** The share of the ratios of all rows that count whose gradient the clip took away: of their tokens, or of the rows. */
  readonly clippedShare: number;
  /** Mean k3 estimate against the reference, over the same; 0 without a reference. With one, all rows are computed. */
  readonly kl: number;
  /**
   * Mean −log π of the sampled tokens of the rows that were computed: their entropy, as far as the samples are the policy's own. Absent
   * where none was.
   */
  readonly entropy?: number;
}

/**
 * Whether a row moves the policy. Without a KL term one does not whose advantage is exactly 0 (its whole group earned the same, say) or
 * of which no token counts: its part of loss and gradient is 0 whatever the model makes of it.
 */
export const teaches = ({advantage, mask}: Pick<GrpoRow, 'advantage' | 'mask'>, klCoefficient: number): boolean =>
  klCoefficient !== 0 || (advantage !== 0 && isMarked(mask));

const isMarked = (mask: ArrayLike<number>): boolean => Array.prototype.some.call(mask, Boolean);

/**
 * The objective of GRPO over sampled responses: DeepSeekMath, arXiv 2402.03300, equation 3; DeepSeek-R1, arXiv
 * 2501.12948, equations 1 and 2. A row of T + 1 tokens takes T positions.
 *
 * @throws {Error} when arrays are filled: a mask does not fit its tokens, or `referenceLogProbs` is missing where there
 * is a KL term
 */
export function grpoObjective(options: GrpoOptions): Objective<GrpoRow, GrpoMetrics> {
  const {temperature, klCoefficient, oldPolicy = 'given'} = options;
  const fields = Object.entries(tokenFields(options));
  return {
    positions: ({tokens}) => tokens.length - 1,
    rowsTogether: 1,
    counts: (row) => teaches(row, klCoefficient),
    inputs(shape) {
      const {rows, length, targets = length} = shape;
      const each = {dtype: DataType.float, shape: [rows, targets]};
      return {
        ...tokenInputs(shape),
        ...Object.fromEntries([['weights'], ...fields].map(([name]) => [name, each])),
        advantages: {dtype: DataType.float, shape: [rows, 1]},
      };
    },
    fill(rows, shape, all) {
      const aligned = (of: (row: GrpoRow) => ArrayLike<number>): Float32Array =>
        atTargetsOf(new Float32Array(shape.rows * (shape.targets ?? shape.length)), rows, shape, of);
      const weight = tokenWeight(options.aggregate, all);
      return {
        ...tokenArrays(rows, shape),
        weights: aligned((row) => Array.from(row.mask, (mark) => (mark ? weight(row) : 0))),
        ...Object.fromEntries(fields.map(([name, of]) => [name, aligned(of)])),
        advantages: padRight(
          new Float32Array(shape.rows),
          rows.map(({advantage}) => [advantage]),
          1,
        ),
      };
    },
    compute(parameters, inputs, config, shape) {
      const {tf} = tensorflow();
      const flat = tokenLogProbabilities(parameters, inputs, config, shape, temperature); // (B × T)
      const logProbs = tf.reshape(flat, [shape.rows, shape.targets ?? shape.length]);
      // Those that nobody has computed before are handed on, to be held beside the sampler's.
      return {...surrogate(logProbs, inputs, options), ...(oldPolicy === 'own' && {values: logProbs})};
    },
    report: (parts, all) => grpoReport(parts, all, options),
    ...(oldPolicy === 'own' && {valuesOf: alignedWith}),
  };
}

/** What the loss wants to know of each token of a row, by the name of its input. */
export const tokenFields = ({
  klCoefficient,
  importance = false,
  oldPolicy = 'given',
}: GrpoOptions): Readonly<Record<string, (row: GrpoRow) => ArrayLike<number>>> => ({
  mask: ({mask}) => mask,
  ...(oldPolicy === 'given' && {oldLogProbs: oldOf}),
  ...(klCoefficient !== 0 && {referenceLogProbs: reference}),
  ...(importance && {importance: importanceOf}),
});

/** What a step reports, from the sums of its micro-batches and all of its rows. */
export function grpoReport(
  parts: readonly Readonly<Record<string, number>>[],
  all: readonly GrpoRow[],
  {ratio, klCoefficient}: Pick<GrpoOptions, 'ratio' | 'klCoefficient'>,
): GrpoMetrics {
  const targets = countTargets(all);
  // A response without a token that counts has no ratio.
  const ratios = Math.max(1, ratio === 'token' ? targets : all.filter(({mask}) => isMarked(mask)).length);
  const computed = all.filter((row) => teaches(row, klCoefficient));
  const surprising = countTargets(computed);
  return {
    loss: sumOf(parts, 'loss'),
    targets,
    skippedRows: 1 - computed.length / all.length,
    ...(computed.length > 0 && {ratioMax: Math.max(...parts.map((part) => part['ratioMax']!))}),
    clippedShare: sumOf(parts, 'clipped') / ratios,
    kl: klCoefficient !== 0 ? sumOf(parts, 'kl') / ratios : 0,
    ...(surprising > 0 && {entropy: sumOf(parts, 'surprise') / surprising}),
  };
}

/**
 * −Σ w (min(ρ A, clip(ρ) A) − β k3), with ρ and k3 of tokens or of whole responses: equation 1 of DeepSeek-R1 with the
 * k3 of its equation 2 (equation 4 of DeepSeekMath), `w` in the place of the means.
 *
 * @param logProbs (B, T) under the policy
 * @param inputs `mask`, `weights`, `oldLogProbs`, `referenceLogProbs`, `importance` (B, T): the third unless the policy is its own
 * old one, the fourth only for a KL term, the last only where another policy has sampled: it multiplies the gain, not the KL
 * term; `advantages` (B, 1), or (B, T) where ratios are those of tokens
 * @returns the loss, and sums over ratios or tokens (`ratioMax`: the largest), all scalars
 */
export function surrogate(
  logProbs: Tf.Tensor,
  inputs: Readonly<Record<string, Tf.Tensor>>,
  {ratio, clipLow, clipHigh, klCoefficient, oldPolicy = 'given'}: GrpoOptions,
): {loss: Tf.Tensor; metrics: Record<string, Tf.Tensor>} {
  const {tf} = tensorflow();
  const mask = inputs['mask']!;
  // Masked before the exponential, so that nothing at a padded position can overflow. Summed over the response where
  // the ratio is the response's; a weight then counts for the response as a whole.
  const ofRatio = (x: Tf.Tensor): Tf.Tensor => (ratio === 'token' ? x : tf.sum(x, 1, true)); // (B, T) or (B, 1)
  const before = oldPolicy === 'own' ? fromItself(logProbs) : tf.sub(logProbs, inputs['oldLogProbs']!);
  const logRatio = ofRatio(tf.mul(before, mask));
  const weights = ofRatio(inputs['weights']!);
  const present = ratio === 'token' ? mask : tf.max(mask, 1, true);
  const rho = tf.exp(logRatio); // π/π_old, (B, T) or (B, 1), as everything below
  const free = tf.mul(rho, inputs['advantages']!);
  const clipped = tf.mul(tf.clipByValue(rho, 1 - clipLow, 1 + clipHigh), inputs['advantages']!);
  let gain = tf.minimum(free, clipped);
  // Of a response all tokens weigh the same; those behind it weigh 0.
  const importance = inputs['importance'];
  if (importance !== undefined)
    gain = tf.mul(gain, ratio === 'token' ? importance : tf.max(tf.mul(importance, mask), 1, true));
  const metrics: Record<string, Tf.Tensor> = {
    ratioMax: tf.max(tf.mul(rho, present)),
    clipped: tf.sum(tf.mul(tf.cast(tf.less(clipped, free), 'float32'), present)),
    surprise: tf.neg(tf.sum(tf.mul(logProbs, mask))),
  };
  const reference = inputs['referenceLogProbs'];
  if (reference !== undefined) {
    const logReference = ofRatio(tf.mul(tf.sub(reference, logProbs), mask)); // log π_ref/π
    // k3 = π_ref/π − log π_ref/π − 1: unbiased and never negative (Schulman, “Approximating KL divergence”)
    const k3 = tf.sub(tf.sub(tf.exp(logReference), logReference), 1);
    gain = tf.sub(gain, tf.mul(k3, klCoefficient));
    metrics['kl'] = tf.sum(tf.mul(k3, present));
  }
  return {loss: tf.neg(tf.sum(tf.mul(gain, weights))), metrics};
}

/** x − stop_gradient(x): 0 with the gradient of x, and NaN where x is none. */
const fromItself = (x: Tf.Tensor): Tf.Tensor =>
  withGradient(
    [x],
    ([x]) => raw.sub(x!, x!),
    (dy) => [dy],
  );

/** The weight of one sampled token of a row in the loss. */
export function tokenWeight(aggregate: Aggregate, all: readonly GrpoRow[]): (row: GrpoRow) => number {
  if (aggregate === 'response-mean') return (row) => 1 / (all.length * Math.max(1, countTargets([row])));
  if (aggregate === 'token-mean') {
    const targets = Math.max(1, countTargets(all));
    return () => 1 / targets;
  }
  return () => 1 / (all.length * aggregate.constant);
}

function oldOf({oldLogProbs}: GrpoRow): ArrayLike<number> {
  if (oldLogProbs === undefined)
    throw new Error('Internal error: a row lacks its log-probabilities under the old policy');
  return oldLogProbs;
}

function importanceOf({importance}: GrpoRow): ArrayLike<number> {
  if (importance === undefined) throw new Error('Internal error: a row lacks its importance weights');
  return importance;
}

function reference({referenceLogProbs}: GrpoRow): ArrayLike<number> {
  if (referenceLogProbs === undefined) throw new Error('Internal error: a KL term needs referenceLogProbs');
  return referenceLogProbs;
}
