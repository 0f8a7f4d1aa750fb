import assert from 'node:assert/strict';
import {test} from 'node:test';
import {DataType, loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import type {Signature} from '../../rig/compile.js';
import {compile, runEagerly} from '../../rig/compile.js';
import {Graph} from '../../../stages/tensorflow/graph.js';
import {raw} from '../../../stages/tensorflow/ops.js';
import type {Precision} from '../../../stages/tensorflow/matmul.js';
import {addProduct} from '../../../stages/tensorflow/matmul.js';

await loadTensorFlow(1);

const AVX512 = {device: 'cpu', instructions: 'x64 avx avx2 avx512f fma'};

interface Given {
  readonly rows?: number;
  readonly columns?: number;
  readonly turned?: readonly [boolean, boolean];
  readonly dtype?: DataType;
  readonly precision?: Precision;
  readonly on?: typeof AVX512;
}

/** The operators that a product of 7 positions becomes. */
function made({rows = 1536, columns = 512, turned, dtype = DataType.float, precision = 'f32', on}: Given): string[] {
  const [left, right] = turned ?? [true, false];
  const graph = new Graph();
  const inputs = [
    graph.placeholder('a', dtype, left ? [7, rows] : [rows, 7]),
    graph.placeholder('b', dtype, right ? [columns, 7] : [7, columns]),
  ] as const;
  const attributes = {
    T: {kind: 'type', value: dtype},
    transpose_a: {kind: 'bool', value: left},
    transpose_b: {kind: 'bool', value: right},
  } as const;
  const output = addProduct(graph, {inputs, attributes, shape: [rows, columns]}, precision, on ?? AVX512);
  assert.deepEqual([output.shape, output.dtype], [[rows, columns], dtype]);
  return graph.nodes.slice(2).map(({op}) => op);
}

test('the gradient of a wide matrix goes through the operator for stacks where that has kernels for AVX-512', () => {
  assert.deepEqual(made({}), ['BatchMatMulV2']);
  assert.deepEqual(made({rows: 1024, columns: 8}), ['BatchMatMulV2']);
  const others: Given[] = [
    {rows: 512},
    {rows: 1368},
    {columns: 513},
    {turned: [false, false]},
    {turned: [true, true]},
    {turned: [false, true]},
    {dtype: DataType.int32},
    {on: {...AVX512, instructions: 'x64 avx avx2 fma'}},
    {on: {...AVX512, device: 'gpu NVIDIA H200'}},
  ];
  for (const other of others) assert.deepEqual(made(other), ['MatMul'], JSON.stringify(other));
});

test('bfloat16 rounds what is multiplied and nothing else', () => {
  assert.deepEqual(made({precision: 'bf16'}), ['Cast', 'Cast', 'MatMul', 'Cast']);
  assert.deepEqual(made({precision: 'bf16', dtype: DataType.int32}), ['MatMul']);
});

test('a product is the same whichever operator computes it', () => {
  const signature = {
    dy: {dtype: 'float32', shape: [7, 1024]},
    x: {dtype: 'float32', shape: [7, 5]},
  } as const satisfies Signature;
  const given = {
    dy: Float32Array.from({length: 7 * 1024}, (_, i) => Math.sin(i)),
    x: Float32Array.from({length: 35}, (_, i) => Math.cos(i)),
  };
  const fn = ({dy, x}: Readonly<Record<'dy' | 'x', Parameters<typeof raw.matMul>[0]>>) => ({
    gradient: raw.matMul(dy, x, {a: true}),
  });
  const compiled = compile(fn as never, signature);
  const [found, expected] = [compiled(given)['gradient']!, runEagerly(fn as never, signature, given)['gradient']!];
  assert.deepEqual(found.shape, [1024, 5]);
  found.values.forEach((value, i) => assert.ok(Math.abs(value - expected.values[i]!) < 1e-5, `${i}`));
  compiled.dispose();
});
