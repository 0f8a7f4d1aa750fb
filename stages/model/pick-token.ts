/**
 * Picks the next token from the hidden state and one uniform number a row. A token is the first whose cumulative probability
 * exceeds u × kept mass. The kept mass is the last of the same cumulative sums, so there always is one.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {changeWhere} from '../tensorflow/control-flow.js';
import {call, callOne, FLOAT, INT32, raw, softmaxAt} from '../tensorflow/ops.js';

/** How tokens are drawn. R1 samples with temperature 0.6 and top-p 0.95 (DeepSeek-R1, arXiv 2501.12948, §3). */
export interface Sampling {
  /** Divides the logits; 0 takes the likeliest token. */
  readonly temperature: number;
  /** Keeps the smallest set of likeliest tokens whose mass reaches this; 1 keeps all. */
  readonly topP: number;
  /** Keeps this many of the likeliest tokens, before top-p; 0 keeps all. */
  readonly topK: number;
}

/** The product with the output matrix. */
export interface OutputProduct {
  /** V. */
  readonly vocab: number;
  /**
   * (R, D) → (pieces, R, W): token p × W + w at [p, row, w]. The unused end of the last piece repeats the logits of some token.
   */
  byPiece(hidden: Tf.Tensor): Tf.Tensor;
  /** (R, D) → (R, V) */
  byRow(hidden: Tf.Tensor): Tf.Tensor;
}

/** Tokens of a piece, where they are too many for one. */
export const PIECE = 64;
const ONE_PIECE = 256;

/** The product with a matrix as checkpoints hold it: (V, D). */
export function productWith(matrix: Tf.Tensor): OutputProduct {
  const vocab = matrix.shape[0];
  if (vocab <= ONE_PIECE) {
    const transposed = raw.transpose(matrix, [1, 0]);
    const byRow = (hidden: Tf.Tensor): Tf.Tensor => raw.matMul(hidden, transposed);
    return {vocab, byRow, byPiece: (hidden) => raw.reshape(byRow(hidden), [1, -1, vocab])};
  }
  return {
    vocab,
    byRow: (hidden) => raw.matMul(hidden, matrix, {b: true}),
    byPiece(hidden) {
      // Logits are filled up, not the matrix, which may be too large for a second copy.
      const logits = wholePieces(raw.matMul(matrix, hidden, {b: true})); // (pieces × W, R)
      return raw.transpose(raw.reshape(logits, [-1, PIECE, hidden.shape[0]]), [0, 2, 1]);
    },
  };
}

/**
 * Draws the next token of each row: from all tokens, from the likeliest ones, or from the nucleus (top-p, arXiv
 * 1904.09751, §3.1).
 *
 * @param hidden (R, D)
 * @param output to V tokens
 * @param uniforms (R), in [0, 1)
 * @param idle rows whose token is not used, (R) bool
 * @returns `token` (R) int32; `logProb` (R), of the token under the whole distribution at the sampling temperature (at
 * temperature 1 where the likeliest is taken)
 */
export function pickToken(
  hidden: Tf.Tensor,
  output: OutputProduct,
  uniforms: Tf.Tensor,
  {temperature, topP, topK}: Sampling,
  idle?: Tf.Tensor,
): {token: Tf.Tensor; logProb: Tf.Tensor} {
  const {tf} = tensorflow();
  const scaled = temperature === 0 || temperature === 1 ? hidden : tf.mul(hidden, 1 / temperature);
  if (temperature !== 0 && topP === 1 && topK === 0) return pickFromAll(output.byPiece(scaled), output.vocab, uniforms);
  const logits = output.byRow(scaled);
  if (temperature !== 0 && topK === 0) return pickFromNucleus(logits, uniforms, topP, idle);
  const token =
    temperature === 0
      ? callOne('ArgMax', [logits, tf.scalar(1, 'int32')], {T: FLOAT, Tidx: INT32, output_type: INT32})
      : pickFromLikeliest(logits, uniforms, topP, topK);
  return {token, logProb: softmaxAt(logits, token).logProbs};
}

/** Picks among all tokens. (pieces, R, W), (R) */
function pickFromAll(logits: Tf.Tensor, vocab: number, uniforms: Tf.Tensor): {token: Tf.Tensor; logProb: Tf.Tensor} {
  const {tf} = tensorflow();
  const [pieces, rows, width] = logits.shape as [number, number, number];
  const inEach = largestAlong(logits, 2); // (pieces, R, 1)
  const largest = pieces === 1 ? inEach : largestAlong(inEach, 0); // (1, R, 1)
  const masses = callOne('Exp', [raw.sub(logits, largest)]);
  const sums = sumsOfPieces(masses);
  const total = tf.slice(sums, [pieces - 1, 0, (vocab - 1) % width], [1, -1, 1]); // (1, R, 1)
  const passed = passedBy(sums, total, tf.reshape(uniforms, [1, rows, 1])); // (pieces, R)
  const picked = pieces === 1 ? tf.reshape(passed, [rows]) : tf.sum(passed, 0);
  // The index of the picked mass: within its piece, after the pieces before it and the rows above.
  const int = (value: number): Tf.Tensor => tf.scalar(value, 'int32');
  const above = tf.mul(tf.range(0, rows, 1, 'int32'), int(width));
  const before = pieces === 1 ? above : tf.add(above, tf.mul(tf.floorDiv(picked, int(width)), int((rows - 1) * width)));
  const positions = tf.add(picked, before);
  const mass = raw.gather(raw.reshape(masses, [-1]), positions);
  return {token: picked, logProb: tf.log(tf.div(mass, tf.reshape(total, [rows])))};
}

const largestAlong = (x: Tf.Tensor, axis: number): Tf.Tensor =>
  callOne('Max', [x, tensorflow().tf.tensor1d([axis], 'int32')], {T: FLOAT, Tidx: INT32, keep_dims: true});

/**
 * Cumulative sums over the tokens of each row. (pieces, R, W) → (pieces, R, W)
 *
 * TensorFlow's Cumsum goes from number to number; a product with a triangle of ones adds up a whole piece a row. The sums
 * never fall: within a piece all are added up in one order, each with one mass more than the one before in place of a zero,
 * and a piece begins with what the one before ended with. One order it is where the width is a multiple of 16: the columns that a
 * processor's kernel has left over at the end are another kernel's (seen with AVX2), so the triangle is padded with zeros.
 */
export function sumsOfPieces(masses: Tf.Tensor): Tf.Tensor {
  const {tf} = tensorflow();
  const [pieces, rows, width] = masses.shape as [number, number, number];
  // The product of a vector is another kernel's, which may not add up all its sums alike.
  if (pieces * rows === 1) return cumulative(masses, 2, false);
  const columns = Math.ceil(width / 16) * 16;
  const ones = new Float32Array(width * columns);
  for (let row = 0; row < width; row++) ones.fill(1, row * columns + row, row * columns + width);
  const padded = raw.matMul(raw.reshape(masses, [pieces * rows, width]), tf.tensor2d(ones, [width, columns]));
  const within = columns === width ? padded : tf.slice(padded, [0, 0], [-1, width]);
  if (pieces === 1) return raw.reshape(within, [1, rows, width]);
  const totals = tf.reshape(tf.slice(within, [0, width - 1], [-1, 1]), [pieces, rows]);
  const before = raw.reshape(cumulative(totals, 0, true), [pieces, rows, 1]);
  return raw.add(raw.reshape(within, [pieces, rows, width]), before);
}

/** Picks among the `topK` likeliest tokens. Ties are kept in the order of their ids. (R, V), (R) → (R) int32 */
function pickFromLikeliest(logits: Tf.Tensor, uniforms: Tf.Tensor, topP: number, topK: number): Tf.Tensor {
  const {values, ids} = likeliest(logits, Math.min(topK, logits.shape[1]!));
  return raw.pickColumns(ids, pickIndex(inNucleus(callOne('Softmax', [values]), topP).kept, uniforms));
}

/** A nucleus hardly ever has more tokens, and sorting a whole vocabulary takes longer than the rest of a step. */
const FEW = 16;

/**
 * Picks from the nucleus of all tokens. Only a few of the likeliest are sorted where their mass reaches `topP` in every
 * row; a row's token is the same either way. (R, V), (R)
 */
function pickFromNucleus(
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
      token: raw.pickColumns(ids, pickIndex(kept, uniforms)),
      // What the next token would find before it is below topP, so that it, too, is in the nucleus.
      tooFew: tf.less(tf.add(lastOf(before), lastOf(values)), topP),
    };
  };
  const probabilities = callOne('Softmax', [logits]);
  let {token, tooFew} = among(probabilities, uniforms, Math.min(FEW, vocab));
  if (vocab > FEW) {
    if (idle !== undefined) tooFew = tf.logicalAnd(tooFew, tf.logicalNot(idle));
    const state = {token, probabilities, uniforms};
    ({token} = changeWhere(state, {}, tf.any(tooFew), ({probabilities, uniforms}) => ({
      token: among(probabilities, uniforms, vocab).token,
      probabilities,
      uniforms,
    })));
  }
  return {token, logProb: tf.log(raw.pickColumns(probabilities, token))};
}

/** The largest numbers of each row in descending order, and their indices. (R, V) → (R, count) */
function likeliest(x: Tf.Tensor, count: number): {values: Tf.Tensor; ids: Tf.Tensor} {
  const attributes = {T: FLOAT, Tk: INT32, index_type: INT32, sorted: true};
  const [values, ids] = call('TopKV2', [x, tensorflow().tf.scalar(count, 'int32')], attributes, 2);
  return {values: values!, ids: ids!};
}

/** Of probabilities in descending order those that are kept, the others 0; and the mass before each. (R, k) */
function inNucleus(probabilities: Tf.Tensor, topP: number): {kept: Tf.Tensor; before: Tf.Tensor} {
  const {tf} = tensorflow();
  // A token stays while the mass before it is below topP, so the first always does.
  const before = cumulative(probabilities, 1, true);
  const kept = topP < 1 ? raw.mul(probabilities, tf.cast(tf.less(before, topP), 'float32')) : probabilities;
  return {kept, before};
}

/** Where in each row u × mass falls; tokens of mass 0 are never picked. (R, k), (R) → (R) int32 */
function pickIndex(mass: Tf.Tensor, uniforms: Tf.Tensor): Tf.Tensor {
  const {tf} = tensorflow();
  const sums = cumulative(mass, 1, false);
  const total = tf.slice(sums, [0, mass.shape[1]! - 1], [-1, 1]);
  return passedBy(sums, total, tf.reshape(uniforms, [-1, 1]));
}

/**
 * Counts the tokens to pass by, along the last axis. None whose sum has reached the total is among them, because u × total
 * stays below the total in float32 too: u is at most 1 − 2⁻²⁴, and (1 − 2⁻²⁴) × total rounds to the number before the total.
 */
function passedBy(sums: Tf.Tensor, total: Tf.Tensor, uniforms: Tf.Tensor): Tf.Tensor {
  const {tf} = tensorflow();
  const passed = tf.lessEqual(sums, tf.mul(total, uniforms));
  return tf.sum(tf.cast(passed, 'int32'), sums.rank - 1);
}

function cumulative(x: Tf.Tensor, axis: 0 | 1 | 2, exclusive: boolean): Tf.Tensor {
  const {tf} = tensorflow();
  return callOne('Cumsum', [x, tf.scalar(axis, 'int32')], {T: FLOAT, Tidx: INT32, exclusive, reverse: false});
}

/** A matrix with whole pieces of rows, one a token: its last row some more times. (V, n) → (pieces × W, n) */
export function wholePieces(matrix: Tf.Tensor): Tf.Tensor {
  const {tf} = tensorflow();
  const [rows, width] = matrix.shape as [number, number];
  const missing = Math.ceil(rows / PIECE) * PIECE - rows;
  if (missing === 0) return matrix;
  return raw.concat([matrix, tf.tile(tf.slice(matrix, [rows - 1, 0], [1, width]), [missing, 1])], 0);
}
