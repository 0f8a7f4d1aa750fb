/**
 * How one token of each sample attends to its prompt and to what its response has so far. There are two ways to keep a
 * prompt, and which one is quicker depends on the shape alone.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {callOne, raw} from '../tensorflow/ops.js';
import {moved} from './attention.js';
import type {ModelConfig} from './config.js';
import type {Cache, GenerationShape, Step} from './kv-cache.js';

export interface CachedAttention {
  /** What the lines of each layer begin with: (lines, places, d). */
  readonly first: readonly Cache[];
  /**
   * Writes the keys and values of the newest tokens, and finds what their heads look for.
   * @param turned q, k and v of one token of each row, at their positions: (rows, (heads + 2 kv) × d)
   * @returns (rows, heads × d)
   */
  attend(turned: Tf.Tensor, layer: number, step: Step): Tf.Tensor;
}

/** @param prompts keys and values of each layer: (prompts × kv, promptLength, d) */
export const cachedAttention = (
  config: ModelConfig,
  shape: GenerationShape,
  prompts: readonly Cache[],
): CachedAttention => (isCopyQuicker(config, shape) ? copied(config, shape, prompts) : shared(config, shape, prompts));

/** Numbers of a head's keys that are read again in less time than sharing a prompt costs, and that growing lines carry along. */
const READ_AGAIN = 1536;
const CARRIED = 2 ** 14;

/**
 * A short prompt takes less time to read for each member of a group than to share, which is two more products, and scores
 * that are put together and taken apart. A sample alone has nothing to share; there only the copies that growing lines make
 * of a long prompt count.
 */
function isCopyQuicker({headDim}: ModelConfig, {group, promptLength}: GenerationShape): boolean {
  const numbers = promptLength * headDim;
  return (group - 1) * numbers <= READ_AGAIN && numbers <= CARRIED;
}

/**
 * The lines of every sample begin with its prompt, so that a head looks through one line. Lines lie prompt-major, then by
 * member of the group, then by head, which is how q, k and v come: nothing is moved.
 */
function copied(config: ModelConfig, {prompts, group}: GenerationShape, caches: readonly Cache[]): CachedAttention {
  const {tf} = tensorflow();
  const {heads, keyValueHeads: kv, headDim} = config;
  const lines = prompts * group * kv;
  const ofLine = tf.tensor1d(
    Int32Array.from({length: lines}, (_, line) => Math.floor(line / (group * kv)) * kv + (line % kv)),
    'int32',
  );
  const toLines = (x: Tf.Tensor): Tf.Tensor => raw.gather(x, ofLine);
  return {
    first: caches.map(({keys, values}) => ({keys: toLines(keys), values: toLines(values)})),
    attend(turned, layer, {mask, write}) {
      const [queries, keys, values] = raw.splitSizes(turned, [heads * headDim, kv * headDim, kv * headDim], 1) as [
        Tf.Tensor,
        Tf.Tensor,
        Tf.Tensor,
      ];
      const inLines = (x: Tf.Tensor): Tf.Tensor => raw.reshape(x, [lines, -1, headDim]);
      const written = write(`keys${layer}`, raw.reshape(keys, [lines, headDim]));
      const scores = raw.multiplySmall(inLines(queries), written, {b: true}); // (lines, heads / kv, places)
      const masked = raw.add(raw.reshape(scores, [prompts, group * heads, -1]), mask);
      const weights = raw.reshape(callOne('Softmax', [masked]), [lines, heads / kv, -1]);
      const found = raw.multiplySmall(weights, write(`values${layer}`, raw.reshape(values, [lines, headDim])));
      return raw.reshape(found, [prompts * group, heads * headDim]);
    },
  };
}

/**
 * A prompt is there once, and its whole group attends to it together; the lines are the responses'. So that a head of the
 * whole group is one matrix, lines lie prompt-major, then by head, then by member.
 */
function shared(
  config: ModelConfig,
  {prompts, group, promptLength}: GenerationShape,
  caches: readonly Cache[],
): CachedAttention {
  const {heads, keyValueHeads: kv, headDim} = config;
  const together = [prompts * kv, (heads / kv) * group]; // all that look at the keys of one prompt and head
  const apart = [prompts * kv, heads / kv, group, 1];
  const lines = prompts * kv * group;
  const none = tensorflow().tf.zeros([lines, 0, headDim]);
  return {
    first: caches.map(() => ({keys: none, values: none})),
    attend(turned, layer, {mask, write}) {
      const byRow = raw.reshape(turned, [prompts, group, heads + 2 * kv, headDim]);
      const byHead = moved(byRow, [0, 2, 1, 3]); // (prompts, heads + 2 kv, group, d)
      const [queries, keys, values] = raw.splitSizes(byHead, [heads, kv, kv], 1) as [Tf.Tensor, Tf.Tensor, Tf.Tensor];
      const written = (name: string, newest: Tf.Tensor): Tf.Tensor =>
        raw.reshape(write(name, raw.reshape(newest, [lines, headDim])), [prompts * kv, 1, group, -1, headDim]);
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
      return raw.reshape(moved(raw.add(a!, b!), [0, 2, 1, 3]), [prompts * group, heads * headDim]);
    },
  };
}
