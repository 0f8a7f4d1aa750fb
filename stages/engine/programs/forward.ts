/** Programs that only look: log-probabilities of given tokens, scores of a reward model, logits. */
import {outputMatrix, masked, rightPadded, transformer} from '../../model/transformer.js';
import {tokenArrays, tokenInputs, tokenLogProbabilities} from '../../train/cross-entropy.js';
import type {BatchShape} from '../objective.js';
import {padRight} from '../objective.js';
import {scoreArrays, scoreInputs, scores} from '../../train/reward-model.js';
import type {TypedArray} from '../../tensorflow/backend.js';
import {DataType, tensorflow} from '../../tensorflow/backend.js';
import {inLanes, lanesOf} from '../lanes.js';
import {linear, raw} from '../../tensorflow/ops.js';
import type {Program, ProgramContext, WeightSlot} from '../program.js';
import type {Shaped} from '../shape-polymorphic.js';
import type {Buckets} from './batches.js';
import {declareBuckets} from './batches.js';
import {feedsOf, labelOf, pick} from './training.js';

export interface TokenRow {
  readonly tokens: ArrayLike<number>;
}

/**
 * log p of each token given those before it, logits divided by the temperature. One array a row, aligned with its
 * tokens; the first token has nothing before it and gets 0.
 */
export const logProbabilities = ({
  temperature,
  of = 'policy',
  ...buckets
}: Buckets & {readonly temperature: number; readonly of?: WeightSlot}): Program<
  (rows: readonly TokenRow[]) => Float32Array[]
> => ({
  batch: {rows: buckets.rows},
  declare(context, name) {
    const shaped: Shaped = {
      slot: of,
      inputs: tokenInputs,
      compute: (weights, given, shape) => ({
        values: tokenLogProbabilities(weights, given, context.config, shape, temperature),
      }),
    };
    const call = forward(context, name, buckets, shaped, tokenArrays);
    return (rows) =>
      call(
        rows,
        ({tokens}) => tokens.length - 1,
        (values, at, {tokens}, {length}) => {
          const aligned = new Float32Array(tokens.length);
          aligned.set(values.subarray(at * length, at * length + tokens.length - 1), 1);
          return aligned;
        },
      );
  },
});

/** The scalar of each row, read at its last token. The model must have a score head. */
export const scoring = (buckets: Buckets): Program<(rows: readonly TokenRow[]) => Float32Array> => ({
  batch: {rows: buckets.rows},
  declare(context, name) {
    const shaped: Shaped = {
      slot: 'policy',
      inputs: scoreInputs,
      compute: (weights, given, shape) => ({values: scores(weights, given, context.config, shape)}),
    };
    const arrays = (rows: readonly TokenRow[], shape: BatchShape): Record<string, TypedArray> =>
      scoreArrays(
        rows.map(({tokens}) => tokens),
        shape,
      );
    const call = forward(context, name, buckets, shaped, arrays);
    return (rows) =>
      Float32Array.from(
        call(
          rows,
          ({tokens}) => tokens.length,
          (values, at) => values[at]!,
        ),
      );
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
    const shaped: Shaped = {
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

/** Calls a function with one output, `values`, for rows of any number, and takes each row's part out of it. */
function forward(
  context: ProgramContext,
  name: string,
  buckets: Buckets,
  shaped: Shaped,
  arrays: (rows: readonly TokenRow[], shape: BatchShape) => Record<string, TypedArray>,
) {
  const lanes = lanesOf(context.lanes, buckets.rows);
  const cut: Shaped = {
    ...shaped,
    compute(weights, given, {rows, length}) {
      const shape = {rows: rows / lanes, length};
      const parts = inLanes(lanes, given, (inputs) => shaped.compute(weights, inputs, shape)['values']!);
      return {values: parts.length === 1 ? parts[0]! : raw.concat(parts, 0)};
    },
  };
  const bucketed = declareBuckets(context, name, buckets, cut, ({values}) => values!, {lanes});
  return <T>(
    rows: readonly TokenRow[],
    positions: (row: TokenRow) => number,
    take: (values: Float32Array, at: number, row: TokenRow, shape: BatchShape) => T,
  ): T[] => {
    const results = new Array<T>(rows.length);
    for (const batch of bucketed.cut(rows.map(positions))) {
      const {attached, ...fitted} = bucketed.at(batch.shape);
      const feeds = feedsOf(fitted, arrays(pick(rows, batch), batch.shape));
      const values = context.run(labelOf(name, batch), feeds, [attached])[0]!.values as Float32Array;
      batch.indices.forEach((row, at) => {
        results[row] = take(values, at, rows[row]!, batch.shape);
      });
    }
    return results;
  };
}
