/**
 * Picks the next token from logits and one uniform number a row. A token is the first whose cumulative probability
 * exceeds u × kept mass; the pick is held to the last kept token, because a cumulative sum in float32 may stop short.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {callOne, crossEntropy, FLOAT, INT32, call, raw} from '../tensorflow/ops.js';

export interface Sampling {
  /** Divides the logits; 0 takes the likeliest token. */
  readonly temperature: number;
  /** Keeps the smallest set of likeliest tokens whose mass reaches this; 1 keeps all. */
  readonly topP: number;
  /** Keeps this many of the likeliest tokens, before top-p; 0 keeps all. */
  readonly topK: number;
}

/**
 * @param logits (R, V) @param uniforms (R), in [0, 1)
 * @returns `token` (R) int32; `logProb` (R), of the token under the whole distribution at the sampling temperature
 * (at temperature 1 where the likeliest is taken)
 */
export function sample(
  logits: Tf.Tensor,
  uniforms: Tf.Tensor,
  {temperature, topP, topK}: Sampling,
): {token: Tf.Tensor; logProb: Tf.Tensor} {
  const {tf} = tensorflow();
  const scaled = temperature === 0 || temperature === 1 ? logits : tf.mul(logits, 1 / temperature);
  const token =
    temperature === 0
      ? callOne('ArgMax', [scaled, tf.scalar(1, 'int32')], {T: FLOAT, Tidx: INT32, output_type: INT32})
      : topP < 1 || topK > 0
        ? fromLikeliest(scaled, uniforms, topP, topK)
        : pick(callOne('Softmax', [scaled]), uniforms);
  return {token, logProb: tf.neg(crossEntropy(scaled, token)[0]!)};
}

/** The pick among the likeliest tokens. Ties are kept in the order of their ids. */
function fromLikeliest(scaled: Tf.Tensor, uniforms: Tf.Tensor, topP: number, topK: number): Tf.Tensor {
  const {tf} = tensorflow();
  const vocab = scaled.shape[1]!;
  const k = topK > 0 ? Math.min(topK, vocab) : vocab;
  const [values, ids] = call(
    'TopKV2',
    [scaled, tf.scalar(k, 'int32')],
    {T: FLOAT, Tk: INT32, index_type: INT32, sorted: true},
    2,
  );
  const probabilities = callOne('Softmax', [values!]); // (R, k), falling
  // A token stays while the mass before it is below topP, so the first always does.
  const before = cumulative(probabilities, true);
  const kept = topP < 1 ? raw.mul(probabilities, tf.cast(tf.less(before, topP), 'float32')) : probabilities;
  const rank = pick(kept, uniforms);
  return callOne('GatherV2', [ids!, rank, tf.scalar(1, 'int32')], {
    Tparams: INT32,
    Tindices: INT32,
    Taxis: INT32,
    batch_dims: 1,
  });
}

/** The column that u × mass falls into; columns of mass 0 are never picked. (R, k), (R) → (R) int32 */
function pick(mass: Tf.Tensor, uniforms: Tf.Tensor): Tf.Tensor {
  const {tf} = tensorflow();
  const width = mass.shape[1]!;
  const sums = cumulative(mass, false);
  const total = tf.slice(sums, [0, width - 1], [-1, 1]); // (R, 1)
  const threshold = tf.mul(total, tf.reshape(uniforms, [-1, 1]));
  // Columns to pass by. One whose sum has reached the total is the last with mass, or comes after it.
  const passed = tf.logicalAnd(tf.lessEqual(sums, threshold), tf.less(sums, total));
  return tf.sum(tf.cast(passed, 'int32'), 1);
}

const cumulative = (x: Tf.Tensor, exclusive: boolean): Tf.Tensor =>
  callOne('Cumsum', [x, tensorflow().tf.scalar(1, 'int32')], {T: FLOAT, Tidx: INT32, exclusive, reverse: false});
