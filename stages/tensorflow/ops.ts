/**
 * TensorFlow operators that tfjs does not offer, or offers without a (good) gradient. Each runs alike in an eager call
 * and in a recording. The raw ones at the top have no gradient: they are what hand-written gradients are made of.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {OpAttribute} from './backend.js';
import {DataType, tensorflow} from './backend.js';
import {recording} from './recorder.js';

type Attributes = Readonly<Record<string, boolean | number | {readonly type: number} | readonly number[]>>;

/** Calls any TensorFlow operator. Whole numbers are int attributes, `{type}` are element types. No gradient. */
export function call(op: string, inputs: readonly Tf.Tensor[], attributes: Attributes, outputs: number): Tf.Tensor[] {
  const {backend, binding} = tensorflow();
  const given = Object.entries(attributes).map(([name, value]): OpAttribute => {
    if (typeof value === 'boolean') return {name, type: binding.TF_ATTR_BOOL, value};
    if (typeof value === 'number' || Array.isArray(value)) return {name, type: binding.TF_ATTR_INT, value};
    return {name, type: binding.TF_ATTR_TYPE, value: (value as {type: number}).type};
  });
  return backend.executeMultipleOutputs(op, given, inputs, outputs);
}

export const callOne = (op: string, inputs: readonly Tf.Tensor[], attributes: Attributes = {T: FLOAT}): Tf.Tensor =>
  call(op, inputs, attributes, 1)[0]!;

export const FLOAT = {type: DataType.float};
export const INT32 = {type: DataType.int32};
const COMPLEX = {type: DataType.complex64};

const ints = (values: readonly number[]): Tf.Tensor => tensorflow().tf.tensor1d(Int32Array.from(values), 'int32');
const int = (value: number): Tf.Tensor => tensorflow().tf.scalar(value, 'int32');

export const raw = {
  add: (a: Tf.Tensor, b: Tf.Tensor) => callOne('AddV2', [a, b]),
  sub: (a: Tf.Tensor, b: Tf.Tensor) => callOne('Sub', [a, b]),
  mul: (a: Tf.Tensor, b: Tf.Tensor) => callOne('Mul', [a, b]),
  addN: (parts: readonly Tf.Tensor[]) =>
    parts.length === 1 ? parts[0]! : callOne('AddN', parts, {T: FLOAT, N: parts.length}),
  /** Product of two matrices, or of two stacks of them. */
  matMul(a: Tf.Tensor, b: Tf.Tensor, transpose: {readonly a?: boolean; readonly b?: boolean} = {}): Tf.Tensor {
    const {a: left = false, b: right = false} = transpose;
    return a.rank === 2
      ? callOne('MatMul', [a, b], {T: FLOAT, transpose_a: left, transpose_b: right})
      : callOne('BatchMatMulV2', [a, b], {T: FLOAT, adj_x: left, adj_y: right});
  },
  /**
   * The same for stacks of vectors and small matrices, as a step of generation has them. Another operator, because
   * oneDNN takes over the usual one and packs each matrix before multiplying, which costs more than the product.
   */
  multiplySmall: (a: Tf.Tensor, b: Tf.Tensor, transpose: {readonly b?: boolean} = {}) =>
    callOne('BatchMatMulV3', [a, b], {Ta: FLOAT, Tb: FLOAT, Tout: FLOAT, adj_x: false, adj_y: transpose.b ?? false}),
  /**
   * x with x[indices[i]] = rows[i], written into the memory of x, which nothing else may use: the state of a loop that
   * nothing reads between two steps. (N, …), (n) int32, (n, …) → (N, …)
   */
  replaceRows: (x: Tf.Tensor, indices: Tf.Tensor, rows: Tf.Tensor) => callOne('InplaceUpdate', [x, indices, rows]),
  /**
   * x with x[indices[i]] + rows[i], likewise written into the memory of x, where TensorScatterAdd would copy it. On a GPU no
   * index may occur twice. (N, …), (n) int32, (n, …) → (N, …)
   */
  addToRows: (x: Tf.Tensor, indices: Tf.Tensor, rows: Tf.Tensor) => callOne('InplaceAdd', [x, indices, rows]),
  reshape: (x: Tf.Tensor, shape: readonly number[]) =>
    callOne('Reshape', [x, ints(shape)], {T: typeOf(x), Tshape: INT32}),
  /** Axes in another order. Where only axes of one element are swapped, no number moves. */
  transpose(x: Tf.Tensor, order: readonly number[]): Tf.Tensor {
    const long = order.filter((axis) => x.shape[axis] !== 1);
    const stays = long.every((axis, at) => at === 0 || axis > long[at - 1]!);
    if (stays && x.shape.filter((size) => size < 0).length < 2)
      return raw.reshape(
        x,
        order.map((axis) => x.shape[axis]!),
      );
    return callOne('Transpose', [x, ints(order)], {T: typeOf(x), Tperm: INT32});
  },
  sum: (x: Tf.Tensor, axis: number, keep = false) =>
    callOne('Sum', [x, ints([axis < 0 ? axis + x.rank : axis])], {T: typeOf(x), Tidx: INT32, keep_dims: keep}),
  concat: (parts: readonly Tf.Tensor[], axis: number) =>
    callOne('ConcatV2', [...parts, int(axis)], {T: typeOf(parts[0]!), N: parts.length, Tidx: INT32}),
  splitSizes: (x: Tf.Tensor, sizes: readonly number[], axis: number) =>
    call('SplitV', [x, ints(sizes), int(axis)], {T: FLOAT, Tlen: INT32, num_split: sizes.length}, sizes.length),
  /** The same where the sizes are known only once the graph runs; one may be −1. (parts) int32 */
  splitAt: (x: Tf.Tensor, sizes: Tf.Tensor, axis: number) =>
    call('SplitV', [x, sizes, int(axis)], {T: FLOAT, Tlen: INT32, num_split: sizes.shape[0]}, sizes.shape[0]),
  /** x[indices] along the first axis. */
  gather: (x: Tf.Tensor, indices: Tf.Tensor, axis = 0) =>
    callOne('GatherV2', [x, indices, int(axis)], {Tparams: typeOf(x), Tindices: INT32, Taxis: INT32, batch_dims: 0}),
  /** x[i, columns[i]] of each row i. (N, V), (N) int32 → (N) */
  pickColumns: (x: Tf.Tensor, columns: Tf.Tensor) =>
    callOne('GatherV2', [x, columns, int(1)], {Tparams: typeOf(x), Tindices: INT32, Taxis: INT32, batch_dims: 1}),
  segmentSum: (x: Tf.Tensor, ids: Tf.Tensor, segments: number) =>
    callOne('UnsortedSegmentSum', [x, ids, int(segments)], {T: FLOAT, Tindices: INT32, Tnumsegments: INT32}),
  /** Pairs of neighbouring floats as complex numbers; costs nothing. (…, 2n) → (…, n) */
  asComplex(x: Tf.Tensor): Tf.Tensor {
    const pairs = raw.reshape(x, [...x.shape.slice(0, -1), x.shape.at(-1)! / 2, 2]);
    return callOne('Bitcast', [pairs], {T: FLOAT, type: COMPLEX});
  },
  /** The other way. (…, n) → (…, 2n) */
  asFloats(x: Tf.Tensor): Tf.Tensor {
    const pairs = callOne('Bitcast', [x], {T: COMPLEX, type: FLOAT});
    return raw.reshape(pairs, [...x.shape.slice(0, -1), x.shape.at(-1)! * 2]);
  },
  multiplyComplex: (a: Tf.Tensor, b: Tf.Tensor) => callOne('Mul', [a, b], {T: COMPLEX}),
  cast: (x: Tf.Tensor, to: 'float' | 'int32') =>
    callOne('Cast', [x], {SrcT: typeOf(x), DstT: to === 'float' ? FLOAT : INT32, Truncate: false}),
};

/** The element type as an attribute. A tensor that tfjs calls complex64, int32 or bool is what it says. */
function typeOf(x: Tf.Tensor): {readonly type: number} {
  switch (x.dtype) {
    case 'float32':
      return FLOAT;
    case 'int32':
      return INT32;
    case 'bool':
      return {type: DataType.bool};
    case 'complex64':
      return COMPLEX;
    case 'string':
      throw new Error('Internal error: texts are not computed with');
  }
}

/** A function with a hand-written gradient; `backward` gets the upstream gradient and what `forward` saved. */
function withGradient(
  inputs: readonly Tf.Tensor[],
  forward: (inputs: Tf.Tensor[], save: (tensors: Tf.Tensor[]) => void) => Tf.Tensor,
  backward: (upstream: Tf.Tensor, saved: Tf.Tensor[]) => Tf.Tensor[],
): Tf.Tensor {
  const {tf} = tensorflow();
  const op = tf.customGrad((...args: unknown[]) => {
    const save = args.pop() as (tensors: Tf.Tensor[]) => void;
    const value = forward(args as Tf.Tensor[], save);
    return {value, gradFunc: (upstream: Tf.Tensor, saved: Tf.Tensor[]) => backward(upstream, saved)};
  });
  return op(...inputs);
}

/** Runs what `build` adds after `before` has been computed, where order matters for memory. Eager calls are in order already. */
export function runAfter<T>(before: readonly Tf.Tensor[], build: () => T): T {
  const recorder = recording();
  return recorder === undefined
    ? build()
    : recorder.graph.runAfter(
        before.map((tensor) => recorder.output(tensor)),
        build,
      );
}

/**
 * f(inputs, constants) with activation checkpointing: only its arguments are kept for the backward pass, which computes f once
 * more. It must depend on each of the inputs.
 */
export function checkpointActivations(
  inputs: readonly Tf.Tensor[],
  constants: readonly Tf.Tensor[],
  f: (inputs: Tf.Tensor[], constants: Tf.Tensor[]) => Tf.Tensor,
): Tf.Tensor {
  return withGradient(
    inputs,
    (given, save) => {
      save([...given, ...constants]);
      return f(given, [...constants]);
    },
    (dy, saved) => {
      const again = (given: Tf.Tensor[]): Tf.Tensor => f(given, saved.slice(inputs.length));
      // After the upstream gradient, or TensorFlow would find the same operators in the forward pass and keep those.
      return runAfter([dy], () => gradientsWithin(again, saved.slice(0, inputs.length), dy));
    },
  );
}

/** The gradients of f, computed in the middle of another backward pass: tfjs has one tape, which is set aside meanwhile. */
function gradientsWithin(f: (inputs: Tf.Tensor[]) => Tf.Tensor, inputs: Tf.Tensor[], dy: Tf.Tensor): Tf.Tensor[] {
  const {tf} = tensorflow();
  const {state} = tf.engine() as unknown as {state: {activeTape: unknown}};
  const outer = state.activeTape;
  try {
    return tf.grads((...values: Tf.Tensor[]) => f(values))(inputs, dy);
  } finally {
    state.activeTape = outer;
  }
}

/** x wᵀ, with w as checkpoints hold it. (N, in), (out, in) → (N, out) */
export function linear(x: Tf.Tensor, w: Tf.Tensor): Tf.Tensor {
  return withGradient(
    [x, w],
    ([x, w], save) => {
      save([x!, w!]);
      return raw.matMul(x!, w!, {b: true});
    },
    (dy, [x, w]) => [raw.matMul(dy, w!), raw.matMul(dy, x!, {a: true})],
  );
}

/** Rows of a table. (V, D), (N) int32 → (N, D) */
export function lookUp(table: Tf.Tensor, ids: Tf.Tensor): Tf.Tensor {
  return withGradient(
    [table],
    ([table], save) => {
      save([ids]);
      return raw.gather(table!, ids);
    },
    (dy, [ids]) => [raw.segmentSum(dy, ids!, table.shape[0])],
  );
}

/**
 * Root-mean-square normalization without its gain, which the caller multiplies into the next matrix: that costs a
 * pass over a matrix in place of one over all tokens. y = x r, r = 1/√(mean x² + ε). (N, D) → (N, D)
 */
export function rmsNormalize(x: Tf.Tensor, epsilon: number): Tf.Tensor {
  const {tf} = tensorflow();
  const width = x.shape.at(-1)!;
  return withGradient(
    [x],
    ([x], save) => {
      const {y, scale} = normalized(x!, epsilon);
      save([y, scale]);
      return y;
    },
    // dx = r (dy − y mean(dy y))
    (dy, [y, scale]) => {
      const mean = tf.mul(raw.sum(raw.mul(dy, y!), -1, true), 1 / width); // (N, 1)
      return [raw.mul(raw.sub(dy, raw.mul(y!, mean)), scale!)];
    },
  );
}

/**
 * The same with its gain, where that is multiplied into tokens. The products of the upstream gradient and the normalized
 * tokens serve both gradients: their sum is that of the gain, and weighted with the gain their mean is what x needs.
 * (N, D), (D) → (N, D)
 */
export function rmsNorm(x: Tf.Tensor, gain: Tf.Tensor, epsilon: number): Tf.Tensor {
  const {tf} = tensorflow();
  const width = x.shape.at(-1)!;
  return withGradient(
    [x, gain],
    ([x, gain], save) => {
      const {y, scale} = normalized(x!, epsilon);
      save([y, scale, gain!]);
      return raw.mul(y, gain!);
    },
    // dx = r (dy g − y mean(dy g y))
    (dy, [y, scale, gain]) => {
      const products = raw.mul(dy, y!);
      const mean = raw.multiplySmall(products, raw.reshape(tf.mul(gain!, 1 / width), [width, 1])); // (N, 1)
      return [raw.mul(raw.sub(raw.mul(dy, gain!), raw.mul(y!, mean)), scale!), raw.sum(products, 0)];
    },
  );
}

/** x r and r = 1/√(mean x² + ε) of each row, without a gradient. (N, D) → (N, D), (N, 1) */
export function normalized(x: Tf.Tensor, epsilon: number): Record<'y' | 'scale', Tf.Tensor> {
  const {tf} = tensorflow();
  // The norm in one pass, without a tensor of squares.
  const norm = callOne('EuclideanNorm', [x, ints([1])], {T: FLOAT, Tidx: INT32, keep_dims: true}); // (N, 1)
  const scale = tf.rsqrt(tf.add(tf.mul(tf.square(norm), 1 / x.shape.at(-1)!), epsilon)); // (N, 1)
  return {y: raw.mul(x, scale), scale};
}

/**
 * silu(gate) × up, the inside of SwiGLU. The sigmoid comes last, because gate × sigmoid(gate) alone would be replaced by
 * oneDNN's swish, which is slower than its parts. (N, F), (N, F) → (N, F)
 */
export function siluTimes(gate: Tf.Tensor, up: Tf.Tensor): Tf.Tensor {
  return withGradient(
    [gate, up],
    ([gate, up], save) => {
      const sigmoid = callOne('Sigmoid', [gate!]);
      save([gate!, up!, sigmoid]);
      return raw.mul(raw.mul(gate!, up!), sigmoid);
    },
    // silu′ = σ + g σ (1 − σ), and SigmoidGrad(σ, g) is the second term
    (dy, [gate, up, sigmoid]) => {
      const slope = raw.add(sigmoid!, callOne('SigmoidGrad', [sigmoid!, gate!]));
      return [raw.mul(raw.mul(dy, up!), slope), raw.mul(dy, raw.mul(gate!, sigmoid!))];
    },
  );
}

/** log softmax(logits)[target] of each row, with no one-hot matrix. (N, V), (N) int32 → (N) */
export function gatherLogProbabilities(logits: Tf.Tensor, targets: Tf.Tensor): Tf.Tensor {
  return withGradient(
    [logits],
    ([logits], save) => {
      const {logProbs, masses, totals} = softmaxAt(logits!, targets);
      save([masses, totals, targets]);
      return logProbs;
    },
    (dy, [masses, totals, targets]) => [softmaxAtGradient(dy, masses!, totals!, targets!)],
  );
}

/**
 * Softmax as masses and their totals, and its logarithm at the targets. Made of plain operators: TensorFlow's fused
 * SparseSoftmaxCrossEntropyWithLogits walks the classes one number at a time and is three times slower on a CPU.
 * @returns `logProbs` (N), `masses` (N, V), `totals` (N, 1)
 */
export function softmaxAt(logits: Tf.Tensor, targets: Tf.Tensor): Record<'logProbs' | 'masses' | 'totals', Tf.Tensor> {
  const {tf} = tensorflow();
  const largest = callOne('Max', [logits, ints([1])], {T: FLOAT, Tidx: INT32, keep_dims: true});
  const shifted = raw.sub(logits, largest);
  const masses = callOne('Exp', [shifted]);
  const totals = raw.sum(masses, 1, true);
  const logProbs = raw.sub(raw.pickColumns(shifted, targets), tf.reshape(tf.log(totals), [-1]));
  return {logProbs, masses, totals};
}

/** dy (one-hot − softmax), for what `softmaxAt` returned. (N) → (N, V) */
export function softmaxAtGradient(dy: Tf.Tensor, masses: Tf.Tensor, totals: Tf.Tensor, targets: Tf.Tensor): Tf.Tensor {
  const {tf} = tensorflow();
  const scale = tf.neg(tf.div(tf.reshape(dy, [-1, 1]), totals)); // (N, 1)
  const [rows, classes] = masses.shape as [number, number];
  const starts = ints(Array.from({length: rows}, (_, row) => row * classes));
  const cells = raw.reshape(raw.mul(masses, scale), [-1, 1]);
  const added = raw.addToRows(cells, tf.add(starts, targets), raw.reshape(dy, [-1, 1]));
  return raw.reshape(added, [-1, classes]);
}

export {withGradient};
