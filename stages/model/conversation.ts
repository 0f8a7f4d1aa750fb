/**
 * A conversation that goes on: its keys and values are handed in and come back longer, so that nothing is read twice. Prompts are
 * read in blocks, a reply is drawn in pieces. How much is there already is no part of the graph: masks and rotations follow from
 * positions, which are inputs, and so one graph serves conversations of any length.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {whileLoop} from '../tensorflow/control-flow.js';
import {callOne, raw} from '../tensorflow/ops.js';
import {headsOf, maskOf, merged} from './attention.js';
import type {ModelConfig} from './config.js';
import {layOutWeights} from './generation-weights.js';
import type {LayerCache} from './kv-cache.js';
import type {Sampling} from './pick-token.js';
import {pickToken} from './pick-token.js';
import type {Parameters} from './transformer.js';
import {layers} from './transformer.js';

/** What is there of a conversation. S: slots of the cache, not known until the graph runs. */
export interface Past {
  /** Of each layer. (kv, S, d) */
  readonly caches: readonly LayerCache[];
  /** The position of the token in each slot; in a slot without a token one that is later than any. (S) int32 */
  readonly positions: Tf.Tensor;
}

/** Tokens that come next, side by side. */
export interface Block {
  /** (T) int32; what stands behind the last token means nothing. */
  readonly tokens: Tf.Tensor;
  /** (T) int32 */
  readonly positions: Tf.Tensor;
  /** Of these positions, as `rotationTable` has it. (T, …) */
  readonly rotation: Tf.Tensor;
}

/**
 * Reads a block.
 * @param parameters packed (`packing.ts`) @param length T
 * @returns the caches with the block behind what was there: (kv, S + T, d)
 */
export function readBlock(
  parameters: Parameters,
  {tokens, positions, rotation}: Block,
  past: Past,
  config: ModelConfig,
  length: number,
): LayerCache[] {
  const {heads, keyValueHeads: kv, headDim} = config;
  const shape = {...config, rows: 1, length};
  const {parameters: given, multiply} = layOutWeights(parameters, config, 1, 1).forPrompts;
  const pairs = raw.asComplex(raw.reshape(rotation, [1, length * rotation.shape[1]!]));
  const mask = maskOf(positions, raw.concat([past.positions, positions], 0)); // (T, S + T)
  const caches: LayerCache[] = [];
  layers(
    given,
    tokens,
    config,
    (qkv, layer) => {
      const {queries, keys, values} = headsOf(qkv, pairs, shape);
      const behind = (before: Tf.Tensor, next: Tf.Tensor): Tf.Tensor =>
        raw.concat([before, raw.reshape(next, [kv, length, headDim])], 1);
      const before = past.caches[layer]!;
      const all = {keys: behind(before.keys, keys), values: behind(before.values, values)}; // (kv, S + T, d)
      caches.push(all);
      // Queries that share keys are one matrix.
      const scores = raw.matMul(raw.reshape(queries, [kv, (heads / kv) * length, headDim]), all.keys, {b: true});
      const weights = callOne('Softmax', [raw.add(raw.reshape(scores, [heads, length, -1]), mask)]);
      const context = raw.matMul(raw.reshape(weights, [kv, (heads / kv) * length, -1]), all.values);
      return merged(raw.reshape(context, [kv, heads / kv, 1, length, headDim]), shape);
    },
    multiply,
  );
  return caches;
}

/** The next piece of a reply. P: its tokens, at most. */
export interface Piece {
  /** The newest token, which nobody has read yet. (1) int32 */
  readonly token: Tf.Tensor;
  /** Where it and those that follow it stand. (P) int32 */
  readonly positions: Tf.Tensor;
  /** Of these positions. (P, …) */
  readonly rotation: Tf.Tensor;
  /** One number in [0, 1) for each token. (P) */
  readonly uniforms: Tf.Tensor;
}

/** What was drawn. */
export interface Spoken {
  /** (steps) int32, P of them unless a stop token came first; it is the last one then. */
  readonly tokens: Tf.Tensor;
  /** The caches with the tokens that were read behind what was there, as many as were drawn: (kv, S + steps, d) */
  readonly caches: readonly LayerCache[];
}

/**
 * Draws a piece, a token at a time: reads the newest, draws the next.
 * @param parameters packed (`packing.ts`) @param length P
 */
export function speak(
  parameters: Parameters,
  {token, positions, rotation, uniforms}: Piece,
  past: Past,
  config: ModelConfig,
  length: number,
  options: Sampling & {readonly stopIds: readonly number[]},
): Spoken {
  const {tf} = tensorflow();
  const {heads, keyValueHeads: kv, headDim} = config;
  const group = heads / kv;
  const {forTokens, output} = layOutWeights(parameters, config, 1, length);
  const int = (value: number): Tf.Tensor => tf.scalar(value, 'int32');
  const isStop = (drawn: Tf.Tensor): Tf.Tensor =>
    options.stopIds.map((id) => tf.equal(drawn, int(id))).reduce((a, b) => tf.logicalOr(a, b));
  const mask = raw.reshape(maskOf(tf.slice(positions, [0], [1]), past.positions), [1, 1, -1]); // (1, 1, S)
  const names = past.caches.flatMap((_, layer) => [`keys${layer}`, `values${layer}`]);
  const start: PieceState = {
    step: int(0),
    token,
    done: tf.less(token, int(0)), // no token is
    tokens: tf.zeros([0], 'int32'),
    ...Object.fromEntries(names.map((name) => [name, tf.zeros([kv, 0, headDim])])),
  };
  const end = whileLoop(
    start,
    {tokens: 0, ...Object.fromEntries(names.map((name) => [name, 1]))},
    ({step, done}) => tf.logicalAnd(tf.less(step, int(length)), tf.logicalNot(tf.all(done))),
    (state) => {
      const {step, token: newest, tokens, done: _, ...before} = state;
      const turn = raw.asComplex(raw.gather(rotation, raw.reshape(step, [1]))); // (1, …)
      const taken = tf.add(step, int(1));
      const sizes = tf.stack([int(-1), taken]); // of the past, and of the piece
      const next: Record<string, Tf.Tensor> = {};
      const written = (name: string, newRows: Tf.Tensor): Tf.Tensor =>
        (next[name] = raw.concat([before[name]!, raw.reshape(newRows, [kv, 1, headDim])], 1));
      const attend = (qkv: Tf.Tensor, layer: number): Tf.Tensor => {
        const rotated = raw.asFloats(raw.multiplyComplex(raw.asComplex(qkv), turn));
        const [q, k, v] = raw.splitSizes(rotated, [heads * headDim, kv * headDim, kv * headDim], 1) as [
          Tf.Tensor,
          Tf.Tensor,
          Tf.Tensor,
        ];
        const queries = raw.reshape(q, [kv, group, headDim]);
        const cache = past.caches[layer]!;
        const toPast = raw.add(raw.multiplySmall(queries, cache.keys, {b: true}), mask); // (kv, group, S)
        const toOwn = raw.multiplySmall(queries, written(`keys${layer}`, k), {b: true}); // (kv, group, step + 1)
        const weights = callOne('Softmax', [raw.concat([toPast, toOwn], 2)]);
        const [ofPast, ofOwn] = raw.splitAt(weights, sizes, 2) as [Tf.Tensor, Tf.Tensor];
        const fromPast = raw.multiplySmall(ofPast, cache.values); // (kv, group, d)
        const fromOwn = raw.multiplySmall(ofOwn, written(`values${layer}`, v));
        return raw.reshape(raw.add(fromPast, fromOwn), [1, heads * headDim]);
      };
      const hidden = layers(forTokens.parameters, newest, config, attend, forTokens.multiply);
      const {token: drawn} = pickToken(hidden, output, raw.gather(uniforms, raw.reshape(step, [1])), options);
      return {step: taken, token: drawn, done: isStop(drawn), tokens: raw.concat([tokens, drawn], 0), ...next};
    },
  );
  const behind = (before: Tf.Tensor, name: string): Tf.Tensor => raw.concat([before, end[name]!], 1);
  return {
    tokens: end.tokens,
    caches: past.caches.map(({keys, values}, layer) => ({
      keys: behind(keys, `keys${layer}`),
      values: behind(values, `values${layer}`),
    })),
  };
}

/** The state of the loop: this, and the keys and values of the piece itself, (kv, step, d). */
interface PieceState extends Record<string, Tf.Tensor> {
  /** Tokens drawn so far, scalar int32. */
  step: Tf.Tensor;
  /** The newest, (1) int32. */
  token: Tf.Tensor;
  /** (1) bool */
  done: Tf.Tensor;
  /** (step) int32 */
  tokens: Tf.Tensor;
}
