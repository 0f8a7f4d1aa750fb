/** Next-token cross-entropy on chosen tokens: pre-training and supervised fine-tuning. The mean is over targets. */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {ModelConfig} from '../model/config.js';
import type {Parameters} from '../model/transformer.js';
import {outputMatrix, rightPadded, targetLogProbabilities, transformer} from '../model/transformer.js';
import {DataType, tensorflow} from '../tensorflow/backend.js';
import type {BatchShape, ComputeShape, Objective} from '../engine/objective.js';
import {padRight, sumOf} from '../engine/objective.js';

/** Tokens with a mark on those that are to be predicted from the tokens before them. */
export interface TargetRow {
  readonly tokens: ArrayLike<number>;
  /** 1 on targets, 0 elsewhere; the first token has nothing before it and cannot be one. */
  readonly mask: ArrayLike<number>;
}

/** What one optimizer step reports. */
export interface CrossEntropyMetrics extends Record<string, number> {
  /** Mean −log p over the targets. */
  loss: number;
  /** Number of targets in the step. */
  targets: number;
}

/**
 * loss = −Σ log p(token | tokens before it) / targets, over the targets of all rows of the step (the fine-tuning of
 * DeepSeek-R1, arXiv 2501.12948, §2.3.3). A token weighs the same in every row. A row of T + 1 tokens takes T
 * positions.
 */
export const crossEntropyObjective: Objective<TargetRow, CrossEntropyMetrics> = {
  positions: ({tokens}) => tokens.length - 1,
  rowsTogether: 1,
  inputs: ({rows, length}) => ({
    ...tokenInputs({rows, length}),
    weights: {dtype: DataType.float, shape: [rows * length]},
  }),
  fill(rows, shape, all) {
    const scale = 1 / Math.max(1, countTargets(all));
    const weights = padRight(
      new Float32Array(shape.rows * shape.length),
      rows.map(({mask}) => mask),
      shape.length,
      1,
    );
    return {...tokenArrays(rows, shape), weights: weights.map((weight) => weight * scale)};
  },
  // loss = −Σ w log p(token), w = 1/targets on targets of the call, 0 elsewhere
  compute(parameters, inputs, config, shape) {
    const {tf} = tensorflow();
    const logProbabilities = tokenLogProbabilities(parameters, inputs, config, shape, 1); // (B × T)
    return {loss: tf.neg(tf.sum(tf.mul(logProbabilities, inputs['weights']!))), metrics: {}};
  },
  report: (parts, all) => ({loss: sumOf(parts, 'loss'), targets: countTargets(all)}),
};

/**
 * log p of each next token, logits divided by the temperature.
 *
 * @param inputs as `tokenInputs` declares them
 * @returns (rows × length), row by row
 */
export function tokenLogProbabilities(
  parameters: Parameters,
  inputs: Readonly<Record<string, Tf.Tensor>>,
  config: ModelConfig,
  shape: ComputeShape,
  temperature: number,
): Tf.Tensor {
  const hidden = transformer(parameters, inputs['tokens']!, rightPadded(config, shape.length), config, shape); // (B × T, D)
  return targetLogProbabilities(hidden, outputMatrix(parameters, config), inputs['targets']!, temperature);
}

/**
 * The arrays of rows that predict their next tokens: position i of a row sees tokens up to i and predicts token i + 1.
 * Both (rows × length) int32, row by row.
 */
export const tokenInputs = ({rows, length}: BatchShape) => ({
  tokens: {dtype: DataType.int32, shape: [rows * length]},
  targets: {dtype: DataType.int32, shape: [rows * length]},
});

/**
 * Fills `tokenInputs`: tokens, and the same one position to the left, padded on the right with 0. A row may have at
 * most length + 1 tokens.
 */
export function tokenArrays(rows: readonly {readonly tokens: ArrayLike<number>}[], {rows: count, length}: BatchShape) {
  const tokens = rows.map((row) => row.tokens);
  return {
    tokens: padRight(new Int32Array(count * length), tokens, length),
    targets: padRight(new Int32Array(count * length), tokens, length, 1),
  };
}

/**
 * How many tokens the masks mark.
 *
 * @throws {Error} when a mask does not fit its tokens, or marks the first one
 */
export function countTargets(rows: readonly TargetRow[]): number {
  let targets = 0;
  for (const {tokens, mask} of rows) {
    if (mask.length !== tokens.length) {
      throw new Error(`Internal error: a mask of ${mask.length} on ${tokens.length} tokens`);
    }
    if (mask[0]) throw new Error('Internal error: the first token of a row cannot be a target');
    for (let i = 1; i < mask.length; i++) if (mask[i]) targets++;
  }
  return targets;
}
