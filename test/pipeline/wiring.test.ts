import assert from 'node:assert/strict';
import {test} from 'node:test';
import {defineStage} from '../../pipeline/stage.js';
import {recipe} from '../../pipeline/recipe.js';
import type {Resources} from '../../pipeline/stage.js';
import {resourcesOf, wire} from '../../pipeline/wiring.js';

const about = {module: import.meta.url, inputs: {}, outputs: {}, params: {}, run: async () => undefined};
const plain = defineStage({...about, name: 'plain'});
const trains = defineStage({...about, name: 'trains', tensor: true, threads: 2});
const shares = defineStage({...about, name: 'shares', tensor: true, resources: {gpu: 0, memory: 300}});

function resources(): Record<string, Resources> {
  const all = recipe('resources', (add) => {
    add('plain', plain, {});
    add('trains', trains, {});
    add('shares', shares, {});
    add('said', trains, {}, {}, {threads: 3, resources: {cpu: 4, gpu: 2}});
  });
  const wiring = wire(all, '.');
  assert.ok(wiring.ok);
  return Object.fromEntries(
    [...wiring.value.nodes].map(([id, node]) => {
      assert.ok(node.type === 'stage');
      return [id, resourcesOf(node)];
    }),
  );
}

test('a node occupies what its recipe says, else what its stage says, else its threads and, for tensors, one GPU', () => {
  assert.deepEqual(resources(), {
    plain: {cpu: 1, gpu: 0, memory: 0},
    trains: {cpu: 2, gpu: 1, memory: 0},
    shares: {cpu: 1, gpu: 0, memory: 300},
    said: {cpu: 4, gpu: 2, memory: 0},
  });
});
