/**
 * Causal attention with rotary positions and grouped keys, forward and backward by hand.
 *
 * Rotary pairs lie next to each other here (`packing.ts` reorders the rows of q and k accordingly), so that a rotation
 * is one complex product; 1/√headDim rides on the q part of the same product. Heads lead all shapes inside, so that
 * q, k and v are slices of one tensor without a copy.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {callOne, raw, withGradient} from '../tensorflow/ops.js';
import type {ModelConfig} from './config.js';
import {ropeMagnitude, rotaryFrequencies} from './rope.js';

/** Far below any score, and still finite when added to one. */
export const MASKED = -1e9;

/** B rows of T positions; how many heads q has, and how many k and v have. */
export interface AttentionShape {
  /** B. */
  readonly rows: number;
  /** T. */
  readonly length: number;
  readonly heads: number;
  /** Divides `heads`: each serves a group of them (grouped-query attention, arXiv 2305.13245). */
  readonly keyValueHeads: number;
  readonly headDim: number;
}

/**
 * softmax(q kᵀ/√headDim + mask) v for every head (arXiv 1706.03762, equation 1), with its gradient to `qkv`.
 *
 * @param qkv (rows × length, (heads + 2 × keyValueHeads) × headDim): q, then k, then v
 * @param rotation what q, k and v are multiplied with, as complex pairs: (1 or rows, length × (heads + 2 kv) × headDim)
 * @param mask added to the scores, broadcast to (keyValueHeads, group, rows, length, length)
 * @returns (rows × length, heads × headDim)
 */
export function attention(qkv: Tf.Tensor, rotation: Tf.Tensor, mask: Tf.Tensor, shape: AttentionShape): Tf.Tensor {
  const {rows, length, heads, keyValueHeads: kv, headDim} = shape;
  const group = heads / kv;
  const all = heads + 2 * kv;
  const rotationPairs = raw.asComplex(rotation);

  return withGradient(
    [qkv],
    ([qkv], save) => {
      const {queries, keys, values} = headsOf(qkv!, rotationPairs, shape);
      const scores = raw.add(raw.matMul(queries, keys, {b: true}), mask); // (kv, group, B, T, T)
      const weights = callOne('Softmax', [scores]);
      const context = raw.matMul(weights, values); // (kv, group, B, T, d)
      save([queries, keys, values, weights, context, rotationPairs]);
      return merged(context, shape);
    },
    (dy, [queries, keys, values, weights, context, rotationPairs]) => {
      const dContext = grouped(
        transposePairs(raw.reshape(dy, [rows, length, heads, headDim]), [2, 0, 1, 3]),
        kv,
        group,
      );
      const dValues = overGroup(raw.matMul(weights!, dContext, {a: true}));
      // Softmax: dS = P (dP − Σ dP P), and Σ dP P over keys is Σ dO O over channels, which is far smaller.
      const inner = raw.sum(raw.mul(dContext, context!), -1, true); // (kv, group, B, T, 1)
      const dWeights = raw.matMul(dContext, values!, {b: true});
      const dScores = raw.mul(raw.sub(dWeights, inner), weights!);
      const dQueries = raw.matMul(dScores, keys!);
      const dKeys = overGroup(raw.matMul(dScores, queries!, {a: true}));
      const parts = [dQueries, dKeys, dValues].map((part) => raw.reshape(part, [-1, rows, length, headDim]));
      const byHead = raw.concat(parts, 0); // (all, B, T, d)
      const flat = raw.reshape(transposePairs(byHead, [1, 2, 0, 3]), [rows, length * all * headDim]);
      // The adjoint of a rotation is its conjugate.
      const conjugate = callOne('Conj', [rotationPairs!], {T: {type: 8}});
      const back = raw.asFloats(raw.multiplyComplex(raw.asComplex(flat), conjugate));
      return [raw.reshape(back, [rows * length, all * headDim])];
    },
  );
}

/** q, k and v by head; group = heads / kv. */
export interface Heads {
  /** Rotated, scaled by 1/√d. (kv, group, B, T, d) */
  readonly queries: Tf.Tensor;
  /** Rotated. (kv, 1, B, T, d) */
  readonly keys: Tf.Tensor;
  /** (kv, 1, B, T, d) */
  readonly values: Tf.Tensor;
}

/**
 * The heads of projected tokens, rotated to their positions (RoPE, arXiv 2104.09864, equation 34).
 *
 * @param qkv as `attention` takes it
 * @param rotation as `attention` takes it, but as complex numbers
 */
export function headsOf(
  qkv: Tf.Tensor,
  rotation: Tf.Tensor,
  {rows, length, heads, keyValueHeads: kv, headDim}: AttentionShape,
): Heads {
  const all = heads + 2 * kv;
  const flat = raw.reshape(qkv, [rows, length * all * headDim]);
  const rotated = raw.asFloats(raw.multiplyComplex(raw.asComplex(flat), rotation));
  const byHead = transposePairs(raw.reshape(rotated, [rows, length, all, headDim]), [2, 0, 1, 3]); // (all, B, T, d)
  const [q, k, v] = raw.splitSizes(byHead, [heads, kv, kv], 0) as [Tf.Tensor, Tf.Tensor, Tf.Tensor];
  return {queries: grouped(q, kv, heads / kv), keys: grouped(k, kv, 1), values: grouped(v, kv, 1)};
}

/**
 * Transposed, where the last axis stays the last and has an even length. As pairs: half as many elements, and not by
 * oneDNN's transposition, which takes longer.
 */
export const transposePairs = (x: Tf.Tensor, order: readonly number[]): Tf.Tensor =>
  raw.asFloats(raw.transpose(raw.asComplex(x), order));

/** (kv × group, …) → (kv, group, …) */
const grouped = (x: Tf.Tensor, kv: number, group: number): Tf.Tensor =>
  raw.reshape(x, [kv, group, ...x.shape.slice(1)]);

/** Keys and values serve a whole group, so their gradients add up over it. (kv, group, …) → (kv, 1, …) */
const overGroup = (x: Tf.Tensor): Tf.Tensor => (x.shape[1] === 1 ? x : raw.sum(x, 1, true));

/** The heads of each token side by side: (kv, group, B, T, d) → (B × T, heads × d) */
export function merged(context: Tf.Tensor, {rows, length, heads, headDim}: AttentionShape): Tf.Tensor {
  const byToken = transposePairs(raw.reshape(context, [heads, rows, length, headDim]), [1, 2, 0, 3]);
  return raw.reshape(byToken, [rows * length, heads * headDim]);
}

/**
 * 0 where a token may attend, `MASKED` where it may not: to what comes later. (T, T)
 *
 * Computed from positions in the graph: as a constant it would take a T × T array of the host for each length.
 */
export function causalMask(length: number): Tf.Tensor {
  const {tf} = tensorflow();
  const positions = tf.range(0, length, 1, 'int32');
  return maskOf(positions, positions);
}

/** `MASKED` where a key is at a later position than a query, else 0. (Q) int32, (K) int32 → (Q, K) */
export function maskOf(queries: Tf.Tensor, keys: Tf.Tensor): Tf.Tensor {
  const {tf} = tensorflow();
  const isLater = tf.greater(keys, raw.reshape(queries, [queries.shape[0], 1]));
  return tf.mul(tf.cast(isLater, 'float32'), MASKED);
}

/**
 * What q, k and v of a token at each position are multiplied with, pairs of (cos, sin): the rotation, times 1/√headDim
 * for q; one for v. (positions, (heads + 2 × keyValueHeads) × headDim)
 *
 * @param first the first of the positions
 */
export function rotationTable(config: ModelConfig, positions: number, first = 0): Float32Array {
  const {heads, keyValueHeads, headDim} = config;
  const frequencies = rotaryFrequencies(config.rope, headDim, config.maxPositions);
  const magnitude = ropeMagnitude(config.rope.scaling);
  const width = (heads + 2 * keyValueHeads) * headDim;
  const table = new Float32Array(positions * width);
  const scale = 1 / Math.sqrt(headDim);
  for (let position = 0; position < positions; position++) {
    for (let head = 0; head < heads + 2 * keyValueHeads; head++) {
      for (let pair = 0; pair < headDim / 2; pair++) {
        const at = position * width + head * headDim + 2 * pair;
        // transformers computes the angle in float32; so do we, or long positions drift apart.
        const angle = Math.fround(Math.fround(first + position) * frequencies[pair]!);
        const isValue = head >= heads + keyValueHeads;
        const factor = head < heads ? scale * magnitude : magnitude;
        table[at] = isValue ? 1 : factor * Math.cos(angle);
        table[at + 1] = isValue ? 0 : factor * Math.sin(angle);
      }
    }
  }
  return table;
}
