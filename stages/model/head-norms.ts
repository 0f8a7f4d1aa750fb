/** The normalization of each head's queries and keys that Qwen3 has before the rotation. */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {normalized, raw, withGradient} from '../tensorflow/ops.js';
import type {ModelConfig} from './config.js';

/**
 * Each head of q and of k through an RMSNorm over its own numbers, with one gain for all heads of q and one for all of k
 * (Qwen3 technical report, arXiv 2505.09388, §2: QK-Norm); v stays as it is.
 *
 * @param qkv (N, (heads + 2 × keyValueHeads) × headDim): q, then k, then v
 * @param queryGain (headDim), in the order of the packed rows, as `keyGain`
 * @returns as `qkv`
 */
export function normalizeHeads(
  qkv: Tf.Tensor,
  queryGain: Tf.Tensor,
  keyGain: Tf.Tensor,
  {heads, keyValueHeads: kv, headDim, rmsNormEps}: ModelConfig,
): Tf.Tensor {
  const {tf} = tensorflow();
  const sizes = [(heads + kv) * headDim, kv * headDim];
  const byHead = (x: Tf.Tensor): Tf.Tensor => raw.reshape(x, [-1, headDim]); // (N × (heads + kv), d)
  const byToken = (x: Tf.Tensor): Tf.Tensor => raw.reshape(x, [-1, sizes[0]!]);
  return withGradient(
    [qkv, queryGain, keyGain],
    ([qkv, queryGain, keyGain], save) => {
      const [queriesAndKeys, values] = raw.splitSizes(qkv!, sizes, 1) as [Tf.Tensor, Tf.Tensor];
      const {y, scale} = normalized(byHead(queriesAndKeys), rmsNormEps);
      // The gain of each number of a token's q and k: one row.
      const gains = raw.concat([tf.tile(queryGain!, [heads]), tf.tile(keyGain!, [kv])], 0);
      const normed = byToken(y);
      save([normed, scale, gains]);
      return raw.concat([raw.mul(normed, gains), values], 1);
    },
    // As for `rmsNorm`: dx = r (dy g − y mean(dy g y)), and a gain's gradient is the sum of dy y over all that it scaled.
    (dy, [normed, scale, gains]) => {
      const [dNormed, dValues] = raw.splitSizes(dy, sizes, 1) as [Tf.Tensor, Tf.Tensor];
      const products = raw.mul(dNormed, normed!);
      const ofHeads = raw.reshape(raw.sum(products, 0), [heads + kv, headDim]);
      const [ofQueries, ofKeys] = raw.splitSizes(ofHeads, [heads, kv], 0) as [Tf.Tensor, Tf.Tensor];
      const mean = tf.mul(raw.sum(byHead(raw.mul(products, gains!)), -1, true), 1 / headDim);
      const dInner = raw.sub(byHead(raw.mul(dNormed, gains!)), raw.mul(byHead(normed!), mean));
      const dQueriesAndKeys = byToken(raw.mul(dInner, scale!));
      return [raw.concat([dQueriesAndKeys, dValues], 1), raw.sum(ofQueries, 0), raw.sum(ofKeys, 0)];
    },
  );
}
