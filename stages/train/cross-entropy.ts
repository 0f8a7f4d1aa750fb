/** Next-token cross-entropy on chosen tokens: pre-training and supervised fine-tuning. The mean is over targets. */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {ModelConfig} from '../model/config.js';
import type {Parameters} from '../model/transformer.js';
import {outputMatrix, rightPadded, targetLogProbabilities, transformer} from '../model/transformer.js';
import {DataType, tensorflow} from '../tensorflow/backend.js';
import {lookUp} from '../tensorflow/ops.js';
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
  inputs: (shape) => ({
    ...tokenInputs(shape),
    weights: {dtype: DataType.float, shape: [shape.rows * (shape.targets ?? shape.length)]},
  }),
  fill(rows, shape, all) {
    const scale = 1 / Math.max(1, countTargets(all));
    const width = shape.targets ?? shape.length;
    const weights = atTargetsOf(new Float32Array(shape.rows * width), rows, shape, ({mask}) => mask);
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
 * @returns (rows × targets), row by row; without `targets` in the shape those are all positions
 */
export function tokenLogProbabilities(
  parameters: Parameters,
  inputs: Readonly<Record<string, Tf.Tensor>>,
  config: ModelConfig,
  shape: ComputeShape,
  temperature: number,
  placement = rightPadded(config, shape.length),
): Tf.Tensor {
  const all = transformer(parameters, inputs['tokens']!, placement, config, shape); // (B × T, D)
  const hidden = inputs['starts'] === undefined ? all : atTargets(all, inputs['starts'], shape);
  const output = outputMatrix(parameters, config);
  return targetLogProbabilities(hidden, output, inputs['targets']!, temperature, {most: shape.most});
}

/** The rows of `all` at which targets are predicted. (B × T, D), (B) int32 → (B × targets, D) */
function atTargets(all: Tf.Tensor, starts: Tf.Tensor, {rows, length, targets = length}: ComputeShape): Tf.Tensor {
  const {tf} = tensorflow();
  const firsts = tf.add(starts, tf.range(0, rows * length, length, 'int32')); // in the whole batch, (B)
  const indices = tf.add(tf.reshape(firsts, [rows, 1]), tf.range(0, targets, 1, 'int32')); // (B, targets)
  return lookUp(all, tf.reshape(indices, [rows * targets]));
}

/**
 * The arrays of rows that predict their next tokens: position i of a row sees tokens up to i and predicts token i + 1.
 * `tokens` (rows × length) and `targets` (rows × targets), row by row, and where only some positions count, `starts` (rows): the first
 * of them in each row; all int32.
 */
export const tokenInputs = ({rows, length, targets}: BatchShape) => ({
  tokens: {dtype: DataType.int32, shape: [rows * length]},
  targets: {dtype: DataType.int32, shape: [rows * (targets ?? length)]},
  ...(targets !== undefined && {starts: {dtype: DataType.int32, shape: [rows]}}),
});

/**
 * Fills `tokenInputs`: tokens, and the same one position to the left, padded on the right with 0. A row may have at
 * most length + 1 tokens.
 */
export function tokenArrays(
  rows: readonly {readonly tokens: ArrayLike<number>; readonly mask?: ArrayLike<number>}[],
  shape: BatchShape,
) {
  const {rows: count, length, targets} = shape;
  const tokens = rows.map((row) => row.tokens);
  return {
    tokens: padRight(new Int32Array(count * length), tokens, length),
    targets: atTargetsOf(new Int32Array(count * (targets ?? length)), rows, shape, (row) => row.tokens),
    ...(targets !== undefined && {
      starts: padRight(
        new Int32Array(count),
        rows.map((row) => [startOf(row, shape)]),
        1,
      ),
    }),
  };
}

/**
 * The first position of a row that counts: the one in front of its first target, or as far back as its targets need.
 * @throws {Error} where a row has no mask, or more targets than the shape has
 */
export function startOf(
  {tokens, mask}: {readonly tokens: ArrayLike<number>; readonly mask?: ArrayLike<number>},
  {length, targets}: BatchShape,
): number {
  if (targets === undefined) return 0;
  if (mask === undefined) throw new Error('Internal error: a row lacks the mask that marks its targets');
  const marks = Array.from(mask);
  const first = marks.findIndex(Boolean);
  if (first === -1) return 0;
  const start = Math.min(first - 1, length - targets);
  if (marks.findLastIndex(Boolean) > start + targets)
    throw new Error(`Internal error: the targets of a row of ${tokens.length} tokens span more than ${targets}`);
  return start;
}

/**
 * What belongs to the tokens that the positions of a shape predict, padded on the right. (rows × targets)
 *
 * @param array is filled and returned @param of values aligned with the tokens of a row
 */
export function atTargetsOf<
  Row extends {readonly tokens: ArrayLike<number>; readonly mask?: ArrayLike<number>},
  A extends Int32Array | Float32Array,
>(array: A, rows: readonly Row[], shape: BatchShape, of: (row: Row) => ArrayLike<number>): A {
  const width = shape.targets ?? shape.length;
  rows.forEach((row, i) => {
    const [values, skip] = [of(row), startOf(row, shape) + 1];
    for (let j = 0; j < width && skip + j < values.length; j++) array[i * width + j] = values[skip + j]!;
  });
  return array;
}

/** The way back: of one row in the values of a batch those of its tokens, aligned with them; 0 where nothing was computed. */
export function alignedWith(
  row: {readonly tokens: ArrayLike<number>; readonly mask?: ArrayLike<number>},
  shape: BatchShape,
  values: Float32Array,
  at: number,
): Float32Array {
  const width = shape.targets ?? shape.length;
  const skip = startOf(row, shape) + 1;
  const aligned = new Float32Array(row.tokens.length);
  const count = Math.min(width, row.tokens.length - skip);
  aligned.set(values.subarray(at * width, at * width + count), skip);
  if (shape.targets !== undefined) for (let i = 0; i < aligned.length; i++) if (!row.mask![i]) aligned[i] = 0;
  return aligned;
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
