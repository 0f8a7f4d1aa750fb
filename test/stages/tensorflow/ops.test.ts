/** Operators that are more than a call of TensorFlow's, against plain tfjs. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {DataType, loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import {compile} from '../../rig/compile.js';
import {Graph} from '../../../stages/tensorflow/graph.js';
import {raw} from '../../../stages/tensorflow/ops.js';
import {Recorder} from '../../../stages/tensorflow/recorder.js';

const {tf} = await loadTensorFlow(1);

test('axes change places, by an operator only where numbers do', () => {
  const cases: [number[], number[], boolean][] = [
    [[2, 3, 4], [1, 0, 2], true],
    [[2, 1, 4], [1, 0, 2], false],
    [[1, 3, 4], [1, 2, 0], false],
    [[1, 3, 4], [2, 1, 0], true],
    [[3, 1, 1, 2], [2, 0, 3, 1], false],
    [[3, 1, 1, 2], [3, 1, 0, 2], true],
    [[1, 1], [1, 0], false],
    [[5, 1], [1, 0], false],
  ];
  for (const [shape, order, moves] of cases) {
    const values = Float32Array.from({length: shape.reduce((a, b) => a * b, 1)}, (_, i) => i + 1);
    const compiled = compile(({x}) => ({y: raw.transpose(x, order)}), {x: {dtype: 'float32', shape: shape}});
    const {y} = compiled({x: values});
    compiled.dispose();
    const expected = tf.transpose(tf.tensor(values, shape), order);
    assert.deepEqual(y.shape, expected.shape);
    assert.deepEqual(Array.from(y.values), Array.from(expected.dataSync()));
    const graph = new Graph();
    const recorder = new Recorder(graph, 'f32');
    const input = graph.placeholder('x', DataType.float, shape);
    recorder.record(() => raw.transpose(recorder.symbol(input), order));
    assert.equal(
      graph.nodes.some(({op}) => op === 'Transpose'),
      moves,
    );
  }
});
