/**
 * How one token of each sample attends to its prompt and to its response so far. There are two ways to keep a prompt in the KV
 * cache, and which one is quicker depends on the shape alone.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {callOne, raw} from '../tensorflow/ops.js';
import {transposePairs} from './attention.js';
import type {ModelConfig} from './config.js';
import type {CacheStep, GenerationShape, LayerCache} from './kv-cache.js';

/** Attention of one token of each sample, with a KV cache. kv: heads of keys and values; d: numbers of a head. */
export interface CachedAttention {
  /** What the rows of each layer's cache begin with: (rows, slots, d). */
  readonly prefill: readonly LayerCache[];
  /**
   * Writes the keys and values of the newest tokens, and attends to all that are written.
   * @param rotated q, k and v of the newest token of each sample, rotated to its position: (samples, (heads + 2 kv) × d)
   * @returns (samples, heads × d)
   */
  attend(rotated: Tf.Tensor, layer: number, step: CacheStep): Tf.Tensor;
}

/**
 * Chooses by the shape how prompts are kept: copied into the rows of their samples, or once for the whole group.
 *
 * @param prompts keys and values of each layer: (prompts × kv, promptLength, d)
 */
export const cachedAttention = (
  config: ModelConfig,
  shape: GenerationShape,
  prompts: readonly LayerCache[],
): CachedAttention =>
  isCopyQuicker(config, shape) ? copyPrompts(config, shape, prompts) : sharePrompts(config, shape, prompts);

/** The most numbers of a head's keys that are read again in less time than sharing costs, and that growing rows may copy. */
const MAX_READ_AGAIN = 1536;
const MAX_COPIED = 2 ** 14;

/**
 * A short prompt takes less time to read for each member of a group than to share, which is two more products, and scores
 * that are put together and taken apart. A sample alone has nothing to share; there only the copies that growing rows make of a
 * long prompt count.
 */
function isCopyQuicker({headDim}: ModelConfig, {group, promptLength}: GenerationShape): boolean {
  const numbers = promptLength * headDim;
  return (group - 1) * numbers <= MAX_READ_AGAIN && numbers <= MAX_COPIED;
}

/**
 * The rows of every sample begin with its prompt, so that a head reads one row. Rows lie prompt-major, then by member of the
 * group, then by head, which is how q, k and v come: nothing is transposed.
 */
function copyPrompts(
  config: ModelConfig,
  {prompts, group}: GenerationShape,
  caches: readonly LayerCache[],
): CachedAttention {
  const {tf} = tensorflow();
  const {heads, keyValueHeads: kv, headDim} = config;
  const rows = prompts * group * kv;
  const promptRowOf = tf.tensor1d(
    Int32Array.from({length: rows}, (_, row) => Math.floor(row / (group * kv)) * kv + (row % kv)),
    'int32',
  );
  const toRows = (x: Tf.Tensor): Tf.Tensor => raw.gather(x, promptRowOf);
  return {
    prefill: caches.map(({keys, values}) => ({keys: toRows(keys), values: toRows(values)})),
    attend(rotated, layer, {mask, write}) {
      const [queries, keys, values] = raw.splitSizes(rotated, [heads * headDim, kv * headDim, kv * headDim], 1) as [
        Tf.Tensor,
        Tf.Tensor,
        Tf.Tensor,
      ];
      const byRow = (x: Tf.Tensor): Tf.Tensor => raw.reshape(x, [rows, -1, headDim]);
      const written = write(`keys${layer}`, raw.reshape(keys, [rows, headDim])); // (rows, slots, d)
      const scores = raw.multiplySmall(byRow(queries), written, {b: true}); // (rows, heads / kv, slots)
      const masked = raw.add(raw.reshape(scores, [prompts, group * heads, -1]), mask);
      const weights = raw.reshape(callOne('Softmax', [masked]), [rows, heads / kv, -1]);
      const context = raw.multiplySmall(weights, write(`values${layer}`, raw.reshape(values, [rows, headDim]))); // (rows, heads / kv, d)
      return raw.reshape(context, [prompts * group, heads * headDim]);
    },
  };
}

/**
 * A prompt is kept once, and its whole group attends to it together; the rows hold the responses alone. So that a head of the
 * whole group is one matrix, rows lie prompt-major, then by head, then by member.
 */
function sharePrompts(
  config: ModelConfig,
  {prompts, group, promptLength}: GenerationShape,
  caches: readonly LayerCache[],
): CachedAttention {
  const {heads, keyValueHeads: kv, headDim} = config;
  const together = [prompts * kv, (heads / kv) * group]; // all that look at the keys of one prompt and head
  const apart = [prompts * kv, heads / kv, group, 1];
  const rows = prompts * kv * group;
  const none = tensorflow().tf.zeros([rows, 0, headDim]);
  return {
    prefill: caches.map(() => ({keys: none, values: none})),
    attend(rotated, layer, {mask, write}) {
      const bySample = raw.reshape(rotated, [prompts, group, heads + 2 * kv, headDim]);
      const byHead = transposePairs(bySample, [0, 2, 1, 3]); // (prompts, heads + 2 kv, group, d)
      const [queries, keys, values] = raw.splitSizes(byHead, [heads, kv, kv], 1) as [Tf.Tensor, Tf.Tensor, Tf.Tensor];
      const written = (name: string, newest: Tf.Tensor): Tf.Tensor =>
        raw.reshape(write(name, raw.reshape(newest, [rows, headDim])), [prompts * kv, 1, group, -1, headDim]);
      const prompt = caches[layer]!;
      const toPrompt = raw.multiplySmall(raw.reshape(queries, [...together, headDim]), prompt.keys, {b: true});
      const toOwn = raw.multiplySmall(raw.reshape(queries, [...apart, headDim]), written(`keys${layer}`, keys), {
        b: true,
      });
      const scores = raw.concat([toPrompt, raw.reshape(toOwn, [...together, -1])], 2);
      const weights = callOne('Softmax', [raw.add(raw.reshape(scores, [prompts, heads * group, -1]), mask)]);
      const [ofPrompt, ofOwn] = raw.splitSizes(weights, [promptLength, -1], 2) as [Tf.Tensor, Tf.Tensor];
      const fromPrompt = raw.multiplySmall(raw.reshape(ofPrompt, [...together, promptLength]), prompt.values);
      const fromOwn = raw.multiplySmall(raw.reshape(ofOwn, [...apart, -1]), written(`values${layer}`, values));
      const [a, b] = [fromPrompt, fromOwn].map((part) => raw.reshape(part, [prompts, heads, group, headDim]));
      return raw.reshape(transposePairs(raw.add(a!, b!), [0, 2, 1, 3]), [prompts * group, heads * headDim]);
    },
  };
}
