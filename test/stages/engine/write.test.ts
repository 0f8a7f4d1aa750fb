/** Weights are written as a whole, or where they differ from what is there. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openEngine} from '../../../stages/engine/engine.js';
import {parameterShapes} from '../../../stages/model/parameters.js';
import {config} from './small.js';

test('where only some tensors differ, groups of others keep what they have', async () => {
  // An embedding so large that it is a group by itself.
  const large = {...config, vocabSize: 2 ** 21 + 2};
  const filled = (value: number): Map<string, Float32Array> =>
    new Map(
      [...parameterShapes(large)].map(([name, shape]) => [
        name,
        new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
      ]),
    );
  const engine = await openEngine({config: large, weights: filled(1), threads: 1, programs: {}});
  engine.write('policy', filled(2), (name) => name === 'model.layers.1.mlp.down_proj.weight');
  const values = engine.read('policy');
  assert.equal(values.get('model.layers.1.mlp.down_proj.weight')![0], 2);
  assert.equal(values.get('model.embed_tokens.weight')![0], 1);
  engine.write('policy', filled(3), () => false);
  assert.equal(engine.read('policy').get('model.layers.1.mlp.down_proj.weight')![0], 2);
  engine.dispose();
});
