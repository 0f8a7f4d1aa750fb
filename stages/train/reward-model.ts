/**
 * Training a reward model: a scalar read at the last token of a row. Pairwise, −log σ(chosen − rejected) (Bradley–Terry,
 * as InstructGPT trains it, arXiv 2203.02155), or point-wise, the binary cross-entropy of σ(score) against a label.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {ModelConfig} from '../model/config.js';
import type {Parameters} from '../model/transformer.js';
import {rightPadded, transformer} from '../model/transformer.js';
import {DataType, tensorflow} from '../tensorflow/backend.js';
import {linear, lookUp} from '../tensorflow/ops.js';
import type {BatchShape, ComputeShape, Objective} from '../engine/objective.js';
import {padRight, sumOf} from '../engine/objective.js';

/** Two rows of tokens, question included, of which the first is preferred. */
export interface Pair {
  readonly chosen: ArrayLike<number>;
  readonly rejected: ArrayLike<number>;
}

/** Tokens of a row, question included, with what is said of it. */
export interface LabelledRow {
  readonly tokens: ArrayLike<number>;
  /** 1 for what should score high. */
  readonly label: 0 | 1;
}

/** What one optimizer step reports. */
export interface RewardMetrics extends Record<string, number> {
  /** Mean over pairs or rows. */
  loss: number;
  /** The share of pairs in the right order, or of rows on the right side of 0. */
  accuracy: number;
}

/**
 * loss = −Σ log σ(s_chosen − s_rejected) / pairs (InstructGPT, arXiv 2203.02155, equation 1, with one pair a question;
 * the helpful reward model of DeepSeek-R1). A pair takes two rows of the batch, side by side.
 */
export const pairwiseObjective: Objective<Pair, RewardMetrics> = {
  positions: ({chosen, rejected}) => Math.max(chosen.length, rejected.length),
  rowsTogether: 2,
  inputs: ({rows, length}) => ({...scoreInputs({rows, length}), weights: {dtype: DataType.float, shape: [rows / 2]}}),
  fill(pairs, shape, all) {
    const rows = pairs.flatMap(({chosen, rejected}) => [chosen, rejected]);
    return {
      ...scoreArrays(rows, shape),
      weights: new Float32Array(shape.rows / 2).fill(1 / all.length, 0, pairs.length),
    };
  },
  compute(parameters, inputs, config, shape) {
    const {tf} = tensorflow();
    const byPair = tf.reshape(scores(parameters, inputs, config, shape), [shape.rows / 2, 2]); // (pairs, 2)
    const [chosen, rejected] = tf.split(byPair, 2, 1) as [Tf.Tensor, Tf.Tensor];
    const margin = tf.reshape(tf.sub(chosen, rejected), [-1]); // (pairs)
    const weights = inputs['weights']!;
    return {
      loss: tf.sum(tf.mul(tf.softplus(tf.neg(margin)), weights)), // −log σ(m) = softplus(−m)
      metrics: {right: countSet(tf.greater(margin, 0), weights)},
    };
  },
  report: (parts, all) => ({loss: sumOf(parts, 'loss'), accuracy: sumOf(parts, 'right') / all.length}),
};

/**
 * loss = −Σ (y log σ(s) + (1 − y) log(1 − σ(s))) / rows, for labels y: binary cross-entropy (the safety reward model of
 * DeepSeek-R1).
 */
export const pointwiseObjective: Objective<LabelledRow, RewardMetrics> = {
  positions: ({tokens}) => tokens.length,
  rowsTogether: 1,
  inputs: ({rows, length}) => ({
    ...scoreInputs({rows, length}),
    weights: {dtype: DataType.float, shape: [rows]},
    labels: {dtype: DataType.float, shape: [rows]},
  }),
  fill: (rows, shape, all) => ({
    ...scoreArrays(
      rows.map(({tokens}) => tokens),
      shape,
    ),
    weights: new Float32Array(shape.rows).fill(1 / all.length, 0, rows.length),
    labels: padRight(
      new Float32Array(shape.rows),
      rows.map(({label}) => [label]),
      1,
    ),
  }),
  compute(parameters, inputs, config, shape) {
    const {tf} = tensorflow();
    const score = scores(parameters, inputs, config, shape); // (B)
    const [weights, labels] = [inputs['weights']!, inputs['labels']!];
    const right = tf.equal(tf.cast(tf.greater(score, 0), 'float32'), labels);
    // −y log σ(s) − (1 − y) log(1 − σ(s)) = softplus(s) − y s
    return {
      loss: tf.sum(tf.mul(tf.sub(tf.softplus(score), tf.mul(labels, score)), weights)),
      metrics: {right: countSet(right, weights)},
    };
  },
  report: (parts, all) => ({loss: sumOf(parts, 'loss'), accuracy: sumOf(parts, 'right') / all.length}),
};

/** How many of the flags are set, those without weight (padding) left out. */
const countSet = (flags: Tf.Tensor, weights: Tf.Tensor): Tf.Tensor => {
  const {tf} = tensorflow();
  return tf.sum(tf.cast(tf.logicalAnd(flags, tf.greater(weights, 0)), 'float32'));
};

/**
 * The score of each row, read at its last token.
 *
 * @param inputs as `scoreInputs` declares them
 * @returns (rows)
 */
export function scores(
  parameters: Parameters,
  inputs: Readonly<Record<string, Tf.Tensor>>,
  config: ModelConfig,
  shape: ComputeShape,
): Tf.Tensor {
  const {tf} = tensorflow();
  const hidden = transformer(parameters, inputs['tokens']!, rightPadded(config, shape.length), config, shape); // (B × T, D)
  const starts = tf.range(0, shape.rows * shape.length, shape.length, 'int32');
  const last = lookUp(hidden, tf.add(starts, inputs['last']!)); // (rows, D)
  return tf.reshape(linear(last, parameters['score.weight']!), [shape.rows]);
}

/** The arrays of rows that are scored. */
export const scoreInputs = ({rows, length}: BatchShape) => ({
  /** (rows × length), row by row. */
  tokens: {dtype: DataType.int32, shape: [rows * length]},
  /** The position of each row's last token. */
  last: {dtype: DataType.int32, shape: [rows]},
});

/**
 * Fills `scoreInputs`: tokens padded on the right with 0. Rows that are not given are empty, and what is read of them
 * means nothing.
 */
export function scoreArrays(rows: readonly ArrayLike<number>[], {rows: count, length}: BatchShape) {
  return {
    tokens: padRight(new Int32Array(count * length), rows, length),
    last: Int32Array.from({length: count}, (_, i) => Math.max(0, (rows[i]?.length ?? 1) - 1)),
  };
}
