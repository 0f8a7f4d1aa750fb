/** Operators that write into the memory of what they are given: never into what anybody else needs. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {DataType, loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import type {Signature} from '../../rig/compile.js';
import {compile, runEagerly} from '../../rig/compile.js';
import {valueAndGradients} from '../../../stages/tensorflow/gradients.js';
import {Graph} from '../../../stages/tensorflow/graph.js';
import type {GraphNode, Output} from '../../../stages/tensorflow/graph.js';
import * as ops from '../../../stages/tensorflow/ops.js';
import {Recorder} from '../../../stages/tensorflow/recorder.js';
import {addInPlace} from '../../../stages/tensorflow/scatter-add.js';

const {tf} = await loadTensorFlow(1);

const signature = {
  x: {dtype: 'float32', shape: [3, 4]},
  a: {dtype: 'int32', shape: [3]},
  b: {dtype: 'int32', shape: [3]},
} as const satisfies Signature;
const given = {
  x: Float32Array.from({length: 12}, (_, i) => Math.sin(i)),
  a: Int32Array.of(0, 3, 1),
  b: Int32Array.of(2, 3, 0),
};

test('equal gradients of logits stay apart where targets differ', () => {
  // Masses, totals and upstream gradients of both are equal: computed as one, both would be written into the same memory.
  const gradient = ({x, a, b}: Readonly<Record<string, Tf.Tensor>>): Record<string, Tf.Tensor> => {
    const loss = (logits: Tf.Tensor, targets: Tf.Tensor): Tf.Tensor =>
      valueAndGradients({logits}, ({logits}) => ({
        loss: tf.sum(ops.gatherLogProbabilities(logits!, targets)),
        metrics: {},
      })).gradients[0]!;
    return {first: loss(x!, a!), second: loss(x!, b!)};
  };
  const compiled = compile(gradient, signature);
  const [found, expected] = [compiled(given), runEagerly(gradient, signature, given)];
  for (const [name, targets] of [
    ['first', given.a],
    ['second', given.b],
  ] as const) {
    for (let row = 0; row < 3; row++) {
      const logits = given.x.subarray(4 * row, 4 * row + 4);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      logits.forEach((logit, column) => {
        const slope = (column === targets[row] ? 1 : 0) - Math.exp(logit) / total;
        for (const each of [found, expected]) {
          assert.ok(Math.abs(each[name]!.values[4 * row + column]! - slope) < 1e-6, `${name}[${row}, ${column}]`);
        }
      });
    }
  }
  compiled.dispose();
});

test('nothing is written into what is there before the graph runs', () => {
  const graph = new Graph();
  const recorder = new Recorder(graph);
  const input = recorder.symbol(graph.placeholder('x', DataType.float, [4, 1]));
  const write = (x: Tf.Tensor) => (): Tf.Tensor =>
    ops.raw.addToRows(ops.raw.reshape(x, [-1, 1]), tf.tensor1d([1], 'int32'), tf.tensor2d([[2]]));
  assert.throws(() => recorder.record(write(input)), /x is a Placeholder, which no operator may write into/);
  assert.throws(() => recorder.record(write(tf.ones([4]))), /is a Const, which no operator may write into/);
});

/** The gradient of a table that is looked up and multiplied by, and what else `more` returns of its parts. */
function recorded(
  more: (product: Tf.Tensor) => Record<string, Tf.Tensor>,
  addedTo: (product: Tf.Tensor, table: Tf.Tensor) => Tf.Tensor = (product) => product,
): [readonly GraphNode[], Output[]] {
  const graph = new Graph();
  const recorder = new Recorder(graph);
  const input = (name: string, dtype: DataType, shape: number[]): Tf.Tensor =>
    recorder.symbol(graph.placeholder(name, dtype, shape));
  const [rows, at, left, right, table] = [
    input('rows', DataType.float, [5, 4]),
    input('ids', DataType.int32, [5]),
    input('left', DataType.float, [5, 7]),
    input('right', DataType.float, [5, 4]),
    input('table', DataType.float, [7, 4]),
  ];
  const outputs: Output[] = [];
  recorder.record(() => {
    const product = ops.raw.matMul(left, right, {a: true});
    const sum = tf.add(addedTo(product, table), ops.raw.segmentSum(rows, at, 7));
    for (const tensor of [sum, ...Object.values(more(product))]) outputs.push(recorder.output(tensor));
  });
  return [graph.nodes, outputs];
}

const opsOf = (nodes: readonly GraphNode[]): string[] =>
  nodes.map(({op}) => op).filter((op) => op === 'InplaceAdd' || op === 'TensorScatterAdd');

test('rows are added to a product in place if nothing else uses it', () => {
  const [nodes, outputs] = recorded(() => ({}));
  assert.deepEqual(opsOf(nodes), ['TensorScatterAdd']);
  const changed = addInPlace(nodes, outputs);
  assert.deepEqual(opsOf(changed), ['InplaceAdd']);
  const own = changed.filter(({attributes}) => '_own' in attributes).map(({op}) => op);
  assert.deepEqual(own, ['MatMul']);
  assert.deepEqual(
    changed.map(({name}) => name),
    nodes.map(({name}) => name),
  );
});

test('a sum of products is as good as a product, one with what was there before is not', () => {
  const doubled = (product: Tf.Tensor): Tf.Tensor => tf.add(product, product);
  assert.deepEqual(opsOf(addInPlace(...recorded(() => ({}), doubled))), ['InplaceAdd']);
  assert.deepEqual(opsOf(addInPlace(...recorded(() => ({}), tf.add))), ['TensorScatterAdd']);
});

test('not if it is computed with or returned as well', () => {
  for (const more of [(product: Tf.Tensor) => ({norm: tf.sum(product)}), (product: Tf.Tensor) => ({product})]) {
    assert.deepEqual(opsOf(addInPlace(...recorded(more))), ['TensorScatterAdd']);
  }
});

test('copies of a node that is written into stay apart, too', () => {
  const nodes = addInPlace(...recorded(() => ({})));
  const graph = new Graph();
  const marks = [1, 2].map(() => {
    const names = graph.adopt(nodes, new Map());
    const {name} = nodes.find(({attributes}) => '_own' in attributes)!;
    return graph.nodes.find((node) => node.name === names.get(name))!.attributes['_own']!.value;
  });
  assert.equal(new Set(marks).size, 2);
});
