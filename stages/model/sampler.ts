/**
 * Picks the next token from the hidden state and one uniform number a row. A token is the first whose cumulative probability
 * exceeds u × kept mass. The kept mass is the last of the same cumulative sums, so there always is one.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {changedWhere} from '../tensorflow/loop.js';
import {call, callOne, FLOAT, INT32, raw, softmaxAt} from '../tensorflow/ops.js';

export interface Sampling {
  /** Divides the logits; 0 takes the likeliest token. */
  readonly temperature: number;
  /** Keeps the smallest set of likeliest tokens whose mass reaches this; 1 keeps all. */
  readonly topP: number;
  /** Keeps this many of the likeliest tokens, before top-p; 0 keeps all. */
  readonly topK: number;
}

/** The product with the output matrix, either way round. */
export interface OutputProduct {
  /** (R, D) → (V, R) */
  byToken(hidden: Tf.Tensor): Tf.Tensor;
  /** (R, D) → (R, V) */
  byRow(hidden: Tf.Tensor): Tf.Tensor;
}

/** @param matrix (V, D) */
export const productWith = (matrix: Tf.Tensor): OutputProduct => ({
  byToken: (hidden) => raw.matMul(matrix, hidden, {b: true}),
  byRow: (hidden) => raw.matMul(hidden, matrix, {b: true}),
});

/**
 * @param hidden (R, D) @param output to V tokens @param uniforms (R), in [0, 1)
 * @param idle rows whose token will not be looked at, (R) bool
 * @returns `token` (R) int32; `logProb` (R), of the token under the whole distribution at the sampling temperature
 * (at temperature 1 where the likeliest is taken)
 */
export function sample(
  hidden: Tf.Tensor,
  output: OutputProduct,
  uniforms: Tf.Tensor,
  {temperature, topP, topK}: Sampling,
  idle?: Tf.Tensor,
): {token: Tf.Tensor; logProb: Tf.Tensor} {
  const {tf} = tensorflow();
  const scaled = temperature === 0 || temperature === 1 ? hidden : tf.mul(hidden, 1 / temperature);
  if (temperature !== 0 && topP === 1 && topK === 0) return fromAll(output.byToken(scaled), uniforms);
  const logits = output.byRow(scaled);
  if (temperature !== 0 && topK === 0) return fromNucleus(logits, uniforms, topP, idle);
  const token =
    temperature === 0
      ? callOne('ArgMax', [logits, tf.scalar(1, 'int32')], {T: FLOAT, Tidx: INT32, output_type: INT32})
      : fromLikeliest(logits, uniforms, topP, topK);
  return {token, logProb: softmaxAt(logits, token).logProbs};
}

/** The pick among all tokens. Tokens lead, so that sums over them run along whole rows of samples. (V, R), (R) */
function fromAll(logits: Tf.Tensor, uniforms: Tf.Tensor): {token: Tf.Tensor; logProb: Tf.Tensor} {
  const {tf} = tensorflow();
  const rows = logits.shape[1]!;
  const largest = callOne('Max', [logits, tf.tensor1d([0], 'int32')], {T: FLOAT, Tidx: INT32, keep_dims: true});
  const masses = callOne('Exp', [raw.sub(logits, largest)]);
  const {picked, total} = pick(masses, uniforms, 0);
  // The mass of the picked token, at picked × R + row of the flat tensor.
  const places = tf.add(tf.mul(picked, tf.scalar(rows, 'int32')), tf.range(0, rows, 1, 'int32'));
  const mass = raw.gather(raw.reshape(masses, [-1]), places);
  return {token: picked, logProb: tf.log(tf.div(mass, tf.reshape(total, [rows])))};
}

/** The pick among the `topK` likeliest tokens. Ties are kept in the order of their ids. (R, V), (R) → (R) int32 */
function fromLikeliest(logits: Tf.Tensor, uniforms: Tf.Tensor, topP: number, topK: number): Tf.Tensor {
  const {values, ids} = likeliest(logits, Math.min(topK, logits.shape[1]!));
  return raw.pickColumns(ids, pick(inNucleus(callOne('Softmax', [values]), topP).kept, uniforms, 1).picked);
}

/** A nucleus has hardly ever more tokens, and to sort a whole vocabulary takes longer than the rest of a step. */
const FEW = 16;

/**
 * The pick from the nucleus of all tokens. Only a few of the likeliest are sorted where their mass reaches `topP` in every
 * row; a row's token is the same either way. (R, V), (R)
 */
function fromNucleus(
  logits: Tf.Tensor,
  uniforms: Tf.Tensor,
  topP: number,
  idle: Tf.Tensor | undefined,
): {token: Tf.Tensor; logProb: Tf.Tensor} {
  const {tf} = tensorflow();
  const vocab = logits.shape[1]!;
  const among = (probabilities: Tf.Tensor, uniforms: Tf.Tensor, count: number) => {
    const {values, ids} = likeliest(probabilities, count);
    const {kept, before} = inNucleus(values, topP);
    const lastOf = (x: Tf.Tensor): Tf.Tensor => tf.reshape(tf.slice(x, [0, count - 1], [-1, 1]), [-1]);
    return {
      token: raw.pickColumns(ids, pick(kept, uniforms, 1).picked),
      // What the next token would find before it is below topP, so that it, too, is in the nucleus.
      tooFew: tf.less(tf.add(lastOf(before), lastOf(values)), topP),
    };
  };
  const probabilities = callOne('Softmax', [logits]);
  let {token, tooFew} = among(probabilities, uniforms, Math.min(FEW, vocab));
  if (vocab > FEW) {
    if (idle !== undefined) tooFew = tf.logicalAnd(tooFew, tf.logicalNot(idle));
    const state = {token, probabilities, uniforms};
    ({token} = changedWhere(state, {}, tf.any(tooFew), ({probabilities, uniforms}) => ({
      token: among(probabilities, uniforms, vocab).token,
      probabilities,
      uniforms,
    })));
  }
  return {token, logProb: tf.log(raw.pickColumns(probabilities, token))};
}

/** The largest numbers of each row, falling, and where they stand. (R, V) → (R, count) */
function likeliest(x: Tf.Tensor, count: number): {values: Tf.Tensor; ids: Tf.Tensor} {
  const attributes = {T: FLOAT, Tk: INT32, index_type: INT32, sorted: true};
  const [values, ids] = call('TopKV2', [x, tensorflow().tf.scalar(count, 'int32')], attributes, 2);
  return {values: values!, ids: ids!};
}

/** Of falling probabilities those that are kept, the others 0; and the mass before each. (R, k) */
function inNucleus(probabilities: Tf.Tensor, topP: number): {kept: Tf.Tensor; before: Tf.Tensor} {
  const {tf} = tensorflow();
  // A token stays while the mass before it is below topP, so the first always does.
  const before = cumulative(probabilities, 1, true);
  const kept = topP < 1 ? raw.mul(probabilities, tf.cast(tf.less(before, topP), 'float32')) : probabilities;
  return {kept, before};
}

/**
 * Where along `axis` u × mass falls; places of mass 0 are never picked.
 * @returns `picked` (R) int32, and the whole mass, with `axis` kept
 */
function pick(mass: Tf.Tensor, uniforms: Tf.Tensor, axis: 0 | 1): {picked: Tf.Tensor; total: Tf.Tensor} {
  const {tf} = tensorflow();
  const sums = cumulative(mass, axis, false);
  const last = mass.shape[axis]! - 1;
  const total = axis === 0 ? tf.slice(sums, [last, 0], [1, -1]) : tf.slice(sums, [0, last], [-1, 1]);
  const threshold = tf.mul(total, tf.reshape(uniforms, axis === 0 ? [1, -1] : [-1, 1]));
  // Places to pass by. None whose sum has reached the total is one of them, because u × total stays below the total in
  // float32 too: u is at most 1 − 2⁻²⁴, and (1 − 2⁻²⁴) × total rounds to the number before the total.
  const passed = tf.lessEqual(sums, threshold);
  return {picked: tf.sum(tf.cast(passed, 'int32'), axis), total};
}

function cumulative(x: Tf.Tensor, axis: 0 | 1, exclusive: boolean): Tf.Tensor {
  const {tf} = tensorflow();
  return callOne('Cumsum', [x, tf.scalar(axis, 'int32')], {T: FLOAT, Tidx: INT32, exclusive, reverse: false});
}
