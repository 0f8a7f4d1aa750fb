import assert from 'node:assert/strict';
import {test} from 'node:test';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {DataType, loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import type {TypedArray} from '../../../stages/tensorflow/backend.js';
import type {Signature} from '../../rig/compile.js';
import {compile, runEagerly} from '../../rig/compile.js';
import {valueAndGradients} from '../../../stages/tensorflow/gradients.js';
import {Graph} from '../../../stages/tensorflow/graph.js';
import {changeWhere, whileLoop} from '../../../stages/tensorflow/control-flow.js';
import * as ops from '../../../stages/tensorflow/ops.js';
import {Recorder} from '../../../stages/tensorflow/recorder.js';
import {random} from '../../../stages/random.js';

const {tf, binding} = await loadTensorFlow(1);

type Fn = (inputs: Readonly<Record<string, Tf.Tensor>>) => Record<string, Tf.Tensor>;

const source = random(1, 'function test');
const values = (signature: Signature): Record<string, TypedArray> =>
  Object.fromEntries(
    Object.entries(signature).map(([name, {dtype, shape}]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [
        name,
        dtype === 'float32'
          ? Float32Array.from({length}, () => source.normal())
          : dtype === 'int32'
            ? Int32Array.from({length}, () => source.int(3))
            : Uint8Array.from({length}, () => source.int(2)),
      ];
    }),
  );

const matrix = {x: {dtype: 'float32', shape: [3, 4]}} as const;
const two = {...matrix, y: {dtype: 'float32', shape: [3, 4]}} as const;
const ids = {x: {dtype: 'float32', shape: [3, 4]}, ids: {dtype: 'int32', shape: [5]}} as const;

/** Every kind of operator that the shape rules know, so that a wrong rule shows as a different shape. */
const FUNCTIONS: Record<string, [Signature, Fn]> = {
  elementwise: [
    two,
    ({x, y}) => ({
      a: tf.add(tf.mul(x!, y!), tf.exp(x!)),
      b: tf.squaredDifference(x!, y!),
      c: tf.relu(x!),
      d: tf.sigmoid(tf.neg(y!)),
      e: tf.div(x!, 3),
    }),
  ],
  broadcasting: [
    {x: {dtype: 'float32', shape: [2, 1, 4]}, y: {dtype: 'float32', shape: [3, 1]}},
    ({x, y}) => ({a: tf.sub(x!, y!), b: tf.maximum(x!, y!)}),
  ],
  comparisons: [
    two,
    ({x, y}) => ({
      a: tf.cast(tf.greater(x!, y!), 'int32'),
      b: tf.where(tf.lessEqual(x!, y!), x!, y!),
      c: tf.cast(tf.logicalNot(tf.equal(x!, y!)), 'float32'),
    }),
  ],
  reductions: [
    matrix,
    ({x}) => ({
      a: tf.sum(x!, 1),
      b: tf.mean(x!, 0, true),
      c: tf.max(x!),
      d: tf.argMax(x!, 1),
      e: tf.min(x!, -1),
      f: tf.all(tf.greater(x!, -9)),
      g: tf.prod(x!, 0),
    }),
  ],
  shapes: [
    matrix,
    ({x}) => ({
      a: tf.transpose(x!),
      b: tf.reshape(x!, [2, -1]),
      c: tf.expandDims(x!, 1),
      d: tf.squeeze(tf.expandDims(x!, 0)),
      e: tf.tile(x!, [2, 1]),
      f: tf.pad(x!, [
        [1, 0],
        [0, 2],
      ]),
      g: tf.slice(x!, [1, 0], [-1, 2]),
      h: tf.reverse(x!, 1),
    }),
  ],
  pieces: [
    two,
    ({x, y}) => ({
      a: tf.concat([x!, y!], 1),
      b: tf.stack([x!, y!]),
      c: tf.split(x!, 2, 1)[1]!,
      d: tf.split(x!, [1, 3], 1)[1]!,
      e: tf.unstack(x!)[2]!,
    }),
  ],
  products: [
    {x: {dtype: 'float32', shape: [2, 3, 4]}, y: {dtype: 'float32', shape: [2, 5, 4]}},
    ({x, y}) => ({
      a: tf.matMul(x!, y!, false, true),
      b: ops.raw.matMul(tf.reshape(x!, [6, 4]), tf.reshape(y!, [10, 4]), {b: true}),
    }),
  ],
  lookups: [
    ids,
    ({x, ids: at}) => ({
      a: ops.lookUp(x!, at!),
      b: ops.raw.gather(x!, at!, 1),
      c: ops.raw.segmentSum(ops.lookUp(x!, at!), at!, 3),
      d: tf.oneHot(at!, 3),
    }),
  ],
  'sums with rows': [
    ids,
    ({x, ids: at}) => {
      const sums = ops.raw.segmentSum(ops.lookUp(x!, at!), at!, 3);
      const doubled = tf.mul(x!, 2);
      return {
        a: tf.add(x!, sums),
        b: tf.add(sums, doubled),
        // What is added to is needed again, and the other one may be such a sum as well, or of another shape.
        c: tf.mul(tf.add(doubled, sums), doubled),
        d: tf.add(sums, sums),
        e: tf.add(tf.slice(x!, [0, 0], [1, 4]), sums),
        f: ops.raw.add(sums, x!),
      };
    },
  ],
  constants: [
    matrix,
    ({x}) => ({
      a: tf.add(x!, tf.range(0, 4)),
      b: tf.mul(x!, tf.fill([4], 2)),
      c: tf.add(x!, tf.zerosLike(x!)),
      d: tf.cumsum(x!, 1),
    }),
  ],
  softmaxes: [
    ids,
    ({x, ids: at}) => ({
      a: tf.softmax(x!),
      b: tf.logSoftmax(x!),
      c: ops.gatherLogProbabilities(x!, tf.slice(at!, 0, 3)),
      d: tf.softplus(x!),
      e: tf.topk(x!, 2).values,
    }),
  ],
  complex: [
    {x: {dtype: 'float32', shape: [3, 4]}},
    ({x}) => ({a: ops.raw.asFloats(ops.raw.multiplyComplex(ops.raw.asComplex(x!), ops.raw.asComplex(x!)))}),
  ],
};

for (const [name, [signature, fn]] of Object.entries(FUNCTIONS)) {
  test(`a compiled function gives what the eager one gives: ${name}`, () => {
    const given = values(signature);
    const compiled = compile(fn, signature);
    const [fast, slow] = [compiled(given), runEagerly(fn, signature, given)];
    assert.ok(Object.keys(slow).length > 0);
    for (const [key, expected] of Object.entries(slow)) {
      assert.deepEqual(fast[key]!.shape, expected.shape, key);
      assert.equal(fast[key]!.values.constructor, expected.values.constructor);
      fast[key]!.values.forEach((value, i) => assert.ok(Math.abs(value - expected.values[i]!) < 1e-5, `${key}[${i}]`));
    }
    compiled.dispose();
  });
}

const HAND_WRITTEN: Record<string, [Signature, (inputs: Readonly<Record<string, Tf.Tensor>>) => Tf.Tensor]> = {
  linear: [
    {x: {dtype: 'float32', shape: [3, 4]}, w: {dtype: 'float32', shape: [2, 4]}},
    ({x, w}) => ops.linear(x!, w!),
  ],
  lookUp: [ids, ({x, ids: at}) => ops.lookUp(x!, at!)],
  'lookUp of a matrix that is also multiplied by': [ids, ({x, ids: at}) => ops.linear(ops.lookUp(x!, at!), x!)],
  rmsNormalize: [matrix, ({x}) => ops.rmsNormalize(x!, 1e-6)],
  rmsNorm: [
    {x: {dtype: 'float32', shape: [3, 4]}, gain: {dtype: 'float32', shape: [4]}},
    ({x, gain}) => ops.rmsNorm(x!, gain!, 1e-6),
  ],
  siluTimes: [two, ({x, y}) => ops.siluTimes(x!, y!)],
  gatherLogProbabilities: [
    {x: {dtype: 'float32', shape: [3, 4]}, ids: {dtype: 'int32', shape: [3]}},
    ({x, ids: at}) => ops.gatherLogProbabilities(x!, at!),
  ],
};

test('a matrix that is looked up and multiplied by gets one gradient, into which the rows of the other are added', () => {
  const graph = new Graph();
  const recorder = new Recorder(graph);
  const input = (name: string, dtype: DataType, shape: number[]): Tf.Tensor =>
    recorder.symbol(graph.placeholder(name, dtype, shape));
  recorder.record(() => {
    const table = input('table', DataType.float, [7, 4]);
    const at = input('ids', DataType.int32, [5]);
    const loss = (x: Tf.Tensor): Tf.Tensor => tf.sum(ops.linear(ops.lookUp(x, at), x));
    const {gradients} = valueAndGradients({x: table}, ({x}) => ({loss: loss(x!), metrics: {}}));
    const made = graph.nodes.find(({name}) => name === recorder.output(gradients[0]!).node);
    assert.equal(made?.op, 'TensorScatterAdd');
    return gradients[0]!;
  });
});

for (const [name, [signature, fn]] of Object.entries(HAND_WRITTEN)) {
  test(`the gradient written by hand agrees with finite differences: ${name}`, () => {
    const given = values(signature);
    // A fixed random projection makes the value a scalar that every output moves.
    const projected = (inputs: Readonly<Record<string, Tf.Tensor>>): Tf.Tensor => {
      const out = fn(inputs);
      const along = tf.tensor(
        Float32Array.from({length: out.size}, (_, i) => Math.sin(1 + i)),
        out.shape,
      );
      return tf.sum(tf.mul(out, along));
    };
    const floats = Object.keys(signature).filter((key) => signature[key]!.dtype === 'float32');
    const gradients = (inputs: Readonly<Record<string, Tf.Tensor>>): Record<string, Tf.Tensor> => {
      const result = valueAndGradients(Object.fromEntries(floats.map((key) => [key, inputs[key]!])), (tensors) => ({
        loss: projected({...inputs, ...tensors}),
        metrics: {},
      }));
      return Object.fromEntries(floats.map((key, i) => [key, result.gradients[i]!]));
    };
    const compiled = compile(gradients, signature);
    const value = compile((inputs) => ({value: projected(inputs)}), signature);
    const slopes = compiled(given);
    for (const key of floats) {
      const array = given[key]!;
      for (let i = 0; i < array.length; i++) {
        const at = (change: number): number => {
          const moved = array.slice();
          moved[i]! += change;
          return value({...given, [key]: moved}).value.values[0]!;
        };
        const slope = (at(1e-2) - at(-1e-2)) / 2e-2;
        const found = slopes[key]!.values[i]!;
        assert.ok(Math.abs(found - slope) < 2e-3 * (1 + Math.abs(slope)), `${key}[${i}]: ${found} for ${slope}`);
      }
    }
    compiled.dispose();
    value.dispose();
  });
}

test('a loop in the graph gives what the loop in JavaScript gives, growing tensors included', () => {
  // Doubles x until its sum passes the limit, and keeps every state.
  const fn: Fn = ({x, limit}) => {
    const end = whileLoop(
      {x: x!, trail: tf.reshape(x!, [1, 2])},
      {trail: 0},
      (state) => tf.less(tf.sum(state.x), limit!),
      (state) => {
        const doubled = tf.mul(state.x, tf.scalar(2));
        return {x: doubled, trail: ops.raw.concat([state.trail, tf.reshape(doubled, [1, 2])], 0)};
      },
    );
    return {x: end.x, trail: end.trail};
  };
  const signature = {x: {dtype: 'float32', shape: [2]}, limit: {dtype: 'float32', shape: []}} as const;
  const compiled = compile(fn, signature);
  for (const limit of [0, 20, 100]) {
    const given = {x: Float32Array.of(1, 3), limit: Float32Array.of(limit)};
    assert.deepEqual(compiled(given), runEagerly(fn, signature, given));
  }
  assert.deepEqual(compiled({x: Float32Array.of(1, 3), limit: Float32Array.of(20)})['trail']!.shape, [4, 2]); // 4, 8, 16, 32
  compiled.dispose();
});

test('what is changed under a condition in a loop is changed in those steps alone', () => {
  // Counts to the limit; at each multiple of three a row is added and all are moved by 100.
  const fn: Fn = ({x, limit}) => {
    const by = tf.scalar(100);
    const end = whileLoop(
      {step: tf.scalar(0, 'int32'), rows: tf.reshape(x!, [1, 2])},
      {rows: 0},
      ({step}) => tf.less(step, limit!),
      ({step, rows}) => {
        const third = tf.equal(tf.mod(step, tf.scalar(3, 'int32')), tf.scalar(0, 'int32'));
        const changed = changeWhere({rows}, {rows: 0}, third, ({rows}) => ({
          rows: tf.add(ops.raw.concat([rows, tf.reshape(x!, [1, 2])], 0), by),
        }));
        return {step: tf.add<Tf.Scalar>(step, tf.scalar(1, 'int32')), rows: tf.add(changed.rows, tf.scalar(1))};
      },
    );
    return {rows: end.rows};
  };
  const signature = {x: {dtype: 'float32', shape: [2]}, limit: {dtype: 'int32', shape: []}} as const;
  const compiled = compile(fn, signature);
  for (const limit of [0, 1, 3, 4, 8]) {
    const given = {x: Float32Array.of(1, 2), limit: Int32Array.of(limit)};
    assert.deepEqual(compiled(given), runEagerly(fn, signature, given));
  }
  const {rows} = compiled({x: Float32Array.of(1, 2), limit: Int32Array.of(4)});
  assert.deepEqual([...rows!.values], [205, 206, 205, 206, 102, 103]); // added at 0 and at 3
  compiled.dispose();
});

test('bfloat16 rounds the operands of a product of two matrices and nothing else', () => {
  const signature = {x: {dtype: 'float32', shape: [1, 1]}} as const;
  const fn: Fn = ({x}) => ({
    product: ops.raw.matMul(x!, tf.tensor2d([[3]])),
    stack: ops.raw.matMul(tf.reshape(x!, [1, 1, 1]), tf.tensor3d([[[1]]])),
    sum: tf.add(x!, 3),
  });
  const compiled = compile(fn, signature, 'bf16');
  // 1 + 2⁻⁹ needs more than the eight bits that bfloat16 has.
  const result = compiled({x: Float32Array.of(1 + 2 ** -9)});
  assert.equal(result['product']!.values[0], 3);
  assert.equal(result['stack']!.values[0], 1 + 2 ** -9);
  assert.equal(result['sum']!.values[0], 4 + 2 ** -9);
  compiled.dispose();
});

const REFUSED: [string, Fn, RegExp][] = [
  ['reads a value', ({x}) => ({a: tf.mul(x!, x!.dataSync()[0]!)}), /The function reads the values of a tensor/],
  [
    'branches on a value',
    ({x}) => ({a: tf.sum(x!).arraySync() === 0 ? x! : tf.neg(x!)}),
    /reads the values .*result of Sum/,
  ],
  [
    'calls an operator that reads values',
    ({x}) => ({a: tf.gather(x!, tf.cast(tf.argMax(x!, 1), 'int32'))}),
    /operator GatherV2 reads the values/,
  ],
  [
    'calls an operator without a shape rule',
    ({x}) => ({a: tf.multinomial(x! as Tf.Tensor2D, 2)}),
    /operator Multinomial cannot be recorded/,
  ],
  [
    'takes a shape from data',
    ({x}) => ({a: ops.raw.reshape(x!, [1]), b: ops.callOne('Fill', [tf.cast(tf.sum(x!, 1), 'int32'), tf.scalar(0)])}),
    /Reshape cannot|Fill takes a shape or an axis that depends on data/,
  ],
  ['uses a variable', ({x}) => ({a: tf.add(x!, counter)}), /variable “counter”/],
];
const counter = tf.variable(tf.scalar(1), false, 'counter');
for (const [name, fn, message] of REFUSED) {
  test(`a function that ${name} is refused when it is compiled`, () => {
    assert.throws(() => compile(fn, matrix), message);
    // The next function is not the worse for it.
    const compiled = compile<typeof matrix, 'a'>(({x}) => ({a: tf.neg(x)}), matrix);
    assert.equal(compiled({x: new Float32Array(12).fill(2)}).a.values[3], -2);
    compiled.dispose();
  });
}

test('a tensor from outside is a constant of the function', () => {
  const outside = tf.tensor1d([1, 2, 3, 4]);
  const used = tf.mul(outside, 2); // computed, so on the native side
  const compiled = compile<typeof matrix, 'a'>(({x}) => ({a: tf.add(tf.add(x, outside), used)}), matrix);
  outside.dispose();
  assert.deepEqual(Array.from(compiled({x: new Float32Array(12)}).a.values.slice(0, 4)), [3, 6, 9, 12]);
  compiled.dispose();
  used.dispose();
});

test('compiling and calling leave no tensor behind', () => {
  const before = [tf.memory().numTensors, binding.getNumOfTensors()];
  const compiled = compile(FUNCTIONS['shapes']![1], matrix);
  for (let i = 0; i < 50; i++) compiled({x: new Float32Array(12)});
  compiled.dispose();
  assert.deepEqual([tf.memory().numTensors, binding.getNumOfTensors()], before);
  assert.throws(() => compiled({x: new Float32Array(12)}), /closed/);
});

test('TensorFlow keeps the thread count that it was loaded with', async () => {
  await assert.rejects(loadTensorFlow(2), /runs with 1 threads here/);
  await assert.rejects(loadTensorFlow(0), /cannot run with 0 threads/);
});
