/** Programs that only look: log-probabilities of given tokens, scores of a reward model, logits. */
import {outputMatrix, masked, rightPadded, transformer} from '../../model/transformer.js';
import {tokenArrays, tokenInputs, tokenLogProbabilities} from '../../train/cross-entropy.js';
import {padRight} from '../../train/objective.js';
import {scoreArrays, scoreInputs, scores} from '../../train/reward-model.js';
import {DataType, tensorflow} from '../backend.js';
import {linear} from '../ops.js';
import type {Program, WeightSlot} from '../program.js';
import {placeholders, recordInto} from '../program.js';
import {microBatches} from './batches.js';
import type {Buckets} from './training.js';
import {perBucket} from './training.js';

export interface TokenRow {
  readonly tokens: ArrayLike<number>;
}

/**
 * log p of each token given those before it, logits divided by the temperature. One array a row, aligned with its
 * tokens; the first token has nothing before it and gets 0.
 */
export const logProbabilities = (
  options: Buckets & {readonly temperature: number; readonly of?: WeightSlot},
): Program<(rows: readonly TokenRow[]) => Float32Array[]> => ({
  declare(context, name) {
    const {rows: perBatch, temperature, of = 'policy'} = options;
    const parts = perBucket(context, name, options, (length) => {
      const shape = {rows: perBatch, length};
      const inputs = placeholders(context.graph, tokenInputs(shape));
      const {logProbs} = recordInto(context, of, inputs, (weights, given) => ({
        logProbs: tokenLogProbabilities(weights, given, context.config, shape, temperature),
      }));
      return {inputs, logProbs};
    });
    return (rows) => {
      const results = rows.map(({tokens}) => new Float32Array(tokens.length));
      for (const {indices, length} of microBatches(
        rows.map(({tokens}) => tokens.length - 1),
        perBatch,
        options.lengths,
      )) {
        const part = parts.get(length)!;
        const arrays = tokenArrays(
          indices.map((i) => rows[i]!),
          {rows: perBatch, length},
        );
        const feeds = Object.entries(arrays).map(([key, values]) => ({placeholder: part.inputs[key]!, values}));
        const {values} = context.run(`${name}/${length}`, feeds, [part.logProbs])[0]!;
        indices.forEach((row, i) => {
          const result = results[row]!;
          result.set((values as Float32Array).subarray(i * length, i * length + result.length - 1), 1);
        });
      }
      return results;
    };
  },
});

/** The scalar of each row, read at its last token. The model must have a score head. */
export const scoring = (buckets: Buckets): Program<(rows: readonly TokenRow[]) => Float32Array> => ({
  declare(context, name) {
    const parts = perBucket(context, name, buckets, (length) => {
      const shape = {rows: buckets.rows, length};
      const inputs = placeholders(context.graph, scoreInputs(shape));
      const recorded = recordInto(context, 'policy', inputs, (weights, given) => ({
        scores: scores(weights, given, context.config, shape),
      }));
      return {inputs, scores: recorded.scores};
    });
    return (rows) => {
      const results = new Float32Array(rows.length);
      for (const {indices, length} of microBatches(
        rows.map(({tokens}) => tokens.length),
        buckets.rows,
        buckets.lengths,
      )) {
        const part = parts.get(length)!;
        const arrays = scoreArrays(
          indices.map((i) => rows[i]!.tokens),
          {rows: buckets.rows, length},
        );
        const feeds = Object.entries(arrays).map(([key, values]) => ({placeholder: part.inputs[key]!, values}));
        const {values} = context.run(`${name}/${length}`, feeds, [part.scores])[0]!;
        indices.forEach((row, i) => {
          results[row] = values[i]!;
        });
      }
      return results;
    };
  },
});

/**
 * The logits of every token: one array a row, (tokens × vocabSize). With `padding: 'left'`, rows lie at the right end
 * of the bucket behind a mask, as batched generation elsewhere has them; the results are the same.
 */
export const logits = (
  options: Buckets & {readonly padding?: 'left' | 'right'; readonly of?: WeightSlot},
): Program<(rows: readonly TokenRow[]) => Float32Array[]> => ({
  declare(context, name) {
    const {rows: perBatch, padding = 'right', of = 'policy'} = options;
    const {config} = context;
    const parts = perBucket(context, name, options, (length) => {
      const shape = {rows: perBatch, length};
      const inputs = placeholders(context.graph, {
        tokens: {dtype: DataType.int32, shape: [perBatch * length]},
        ...(padding === 'left' && {
          mask: {dtype: DataType.float, shape: [perBatch, length]},
          positions: {dtype: DataType.int32, shape: [perBatch, length]},
        }),
      });
      const recorded = recordInto(context, of, inputs, (weights, given) => {
        const placement =
          padding === 'left' ? masked(config, given['mask']!, given['positions']!) : rightPadded(config, length);
        const hidden = transformer(weights, given['tokens']!, placement, config, shape);
        return {logits: tensorflow().tf.reshape(linear(hidden, outputMatrix(weights, config)), [perBatch, length, -1])};
      });
      return {inputs, logits: recorded.logits};
    });
    return (rows) => {
      const results: Float32Array[] = [];
      for (const {indices, length} of microBatches(
        rows.map(({tokens}) => tokens.length),
        perBatch,
        options.lengths,
      )) {
        const part = parts.get(length)!;
        const batch = indices.map((i) => Array.from(rows[i]!.tokens));
        const shift = (row: readonly number[]): number => (padding === 'left' ? length - row.length : 0);
        const size = perBatch * length;
        const arrays: Record<string, Float32Array | Int32Array> =
          padding === 'left'
            ? {
                tokens: padRight(
                  new Int32Array(size),
                  batch.map((row) => [...Array<number>(shift(row)).fill(0), ...row]),
                  length,
                ),
                mask: padRight(
                  new Float32Array(size),
                  batch.map((row) => [...Array<number>(shift(row)).fill(0), ...row.map(() => 1)]),
                  length,
                ),
                positions: padRight(
                  new Int32Array(size),
                  batch.map((row) => [...Array<number>(shift(row)).fill(0), ...row.keys()]),
                  length,
                ),
              }
            : {tokens: padRight(new Int32Array(size), batch, length)};
        const feeds = Object.entries(arrays).map(([key, values]) => ({placeholder: part.inputs[key]!, values}));
        const {values} = context.run(`${name}/${length}`, feeds, [part.logits])[0]!;
        indices.forEach((row, i) => {
          const from = i * length + shift(batch[i]!);
          const vocab = config.vocabSize;
          results[row] = (values as Float32Array).slice(from * vocab, (from + batch[i]!.length) * vocab);
        });
      }
      return results;
    };
  },
});
