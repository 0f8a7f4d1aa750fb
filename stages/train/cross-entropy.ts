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

export interface CrossEntropyMetrics extends Record<string, number> {
  /** Mean −log p over the targets. */
  loss: number;
  targets: number;
}

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

/** log p of each next token, logits divided by the temperature. (rows × length) */
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

/** Position i of a row sees tokens up to i and predicts token i + 1. */
export const tokenInputs = ({rows, length}: BatchShape) => ({
  tokens: {dtype: DataType.int32, shape: [rows * length]},
  targets: {dtype: DataType.int32, shape: [rows * length]},
});

export function tokenArrays(rows: readonly {readonly tokens: ArrayLike<number>}[], {rows: count, length}: BatchShape) {
  const tokens = rows.map((row) => row.tokens);
  return {
    tokens: padRight(new Int32Array(count * length), tokens, length),
    targets: padRight(new Int32Array(count * length), tokens, length, 1),
  };
}

/** @throws when a mask does not fit its tokens */
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
