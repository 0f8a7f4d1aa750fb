/** Programs that only tests look through: the logits themselves, padded on either side, and the loss without an update. */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {inLanes, lanesOf} from '../../../stages/engine/lanes.js';
import type {BatchShape} from '../../../stages/engine/objective.js';
import {padRight} from '../../../stages/engine/objective.js';
import type {Program, WeightSlot} from '../../../stages/engine/program.js';
import type {Buckets} from '../../../stages/engine/programs/batches.js';
import {declareBuckets, feedsOf, labelOf, rowsOf} from '../../../stages/engine/programs/batches.js';
import type {TokenRow} from '../../../stages/engine/programs/forward.js';
import {forward} from '../../../stages/engine/programs/forward.js';
import type {ShapedFunction} from '../../../stages/engine/shape-polymorphic.js';
import {causalMask, rotationTable} from '../../../stages/model/attention.js';
import type {ModelConfig} from '../../../stages/model/config.js';
import type {Placement} from '../../../stages/model/transformer.js';
import {outputMatrix, rightPadded, rotationWidth, transformer} from '../../../stages/model/transformer.js';
import type {TypedArray} from '../../../stages/tensorflow/backend.js';
import {DataType, tensorflow} from '../../../stages/tensorflow/backend.js';
import {linear, raw} from '../../../stages/tensorflow/ops.js';
import type {CrossEntropyMetrics, TargetRow} from '../../../stages/train/cross-entropy.js';
import {crossEntropyObjective} from '../../../stages/train/cross-entropy.js';

/** The mean loss of rows under the policy; nothing is updated. */
export const crossEntropyLoss = (buckets: Buckets): Program<(rows: readonly TargetRow[]) => CrossEntropyMetrics> => ({
  batch: {rows: buckets.rows},
  declare(context, name) {
    const objective = crossEntropyObjective;
    const lanes = lanesOf(context.lanes, buckets.rows);
    const shaped: ShapedFunction = {
      slot: 'policy',
      inputs: (shape) => objective.inputs(shape),
      compute(weights, given, {rows, length}) {
        const shape = {rows: rows / lanes, length};
        const losses = inLanes(
          lanes,
          given,
          (inputs) => objective.compute(weights, inputs, context.config, shape).loss,
        );
        return {loss: raw.addN(losses)};
      },
    };
    const bucketed = declareBuckets(context, name, buckets, shaped, ({loss}) => loss!, {lanes});
    return (rows) => {
      const parts = bucketed.cut(rows.map((row) => objective.positions(row))).map((batch) => {
        const {attached, ...fitted} = bucketed.at(batch.shape);
        const feeds = feedsOf(fitted, objective.fill(rowsOf(batch, rows), batch.shape, rows));
        return {loss: context.run(labelOf(name, batch), feeds, [attached])[0]!.values[0]!};
      });
      return objective.report(parts, rows);
    };
  },
});

/**
 * The logits of every token: one array a row, (tokens × vocabSize). With `padding: 'left'`, rows lie at the right end
 * of the bucket behind a mask, as batched generation elsewhere has them; the results are the same.
 */
export const logits = ({
  padding = 'right',
  of = 'policy',
  ...buckets
}: Buckets & {readonly padding?: 'left' | 'right'; readonly of?: WeightSlot}): Program<
  (rows: readonly TokenRow[]) => Float32Array[]
> => ({
  batch: {rows: buckets.rows},
  declare(context, name) {
    const {config} = context;
    const left = padding === 'left';
    const shaped: ShapedFunction = {
      slot: of,
      inputs: ({rows, length}) => ({
        tokens: {dtype: DataType.int32, shape: [rows * length]},
        ...(left && {
          mask: {dtype: DataType.float, shape: [rows, length]},
          positions: {dtype: DataType.int32, shape: [rows, length]},
        }),
      }),
      compute(weights, given, shape) {
        const placement = left
          ? masked(config, given['mask']!, given['positions']!)
          : rightPadded(config, shape.length);
        const hidden = transformer(weights, given['tokens']!, placement, config, shape);
        return {values: tensorflow().tf.reshape(linear(hidden, outputMatrix(weights, config)), [-1])};
      },
    };
    const call = forward(context, name, buckets, shaped, left ? leftArrays : rightArrays);
    return (rows) =>
      call(
        rows,
        ({tokens}) => tokens.length,
        (values, at, {tokens}, {length}) => {
          const from = at * length + (left ? length - tokens.length : 0);
          return values.slice(from * config.vocabSize, (from + tokens.length) * config.vocabSize);
        },
      );
  },
});

const rightArrays = (rows: readonly TokenRow[], {rows: count, length}: BatchShape): Record<string, TypedArray> => ({
  tokens: padRight(
    new Int32Array(count * length),
    rows.map(({tokens}) => tokens),
    length,
  ),
});

function leftArrays(rows: readonly TokenRow[], {rows: count, length}: BatchShape): Record<string, TypedArray> {
  const shifted = <A extends Int32Array | Float32Array>(array: A, row: (tokens: ArrayLike<number>) => number[]): A =>
    padRight(
      array,
      rows.map(({tokens}) => [...Array<number>(length - tokens.length).fill(0), ...row(tokens)]),
      length,
    );
  return {
    tokens: shifted(new Int32Array(count * length), (tokens) => Array.from(tokens)),
    mask: shifted(new Float32Array(count * length), (tokens) => Array.from(tokens, () => 1)),
    positions: shifted(new Int32Array(count * length), (tokens) => Array.from(tokens, (_, i) => i)),
  };
}

/**
 * Rows with padding anywhere, told by a mask: positions count real tokens, padding is never looked at.
 * @param attentionMask (rows, length) float, 1 where a token is real
 * @param positions (rows, length) int32
 */
function masked(config: ModelConfig, attentionMask: Tf.Tensor, positions: Tf.Tensor): Placement {
  const {tf} = tensorflow();
  const [rows, length] = attentionMask.shape as [number, number];
  const width = rotationWidth(config);
  const table = tf.tensor2d(rotationTable(config, length), [length, width]);
  const rotation = tf.reshape(raw.gather(table, tf.reshape(positions, [-1])), [rows, length * width]);
  const hidden = tf.mul(tf.sub(1, attentionMask), -1e9); // (B, T)
  return {rotation, mask: tf.add(causalMask(length), tf.reshape(hidden, [rows, 1, length]))}; // (B, T, T)
}
