/** What a stage reckons of memory, from inputs that lie there for as long as it looks at them. */
import assert from 'node:assert/strict';
import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import type {Store} from '../../../artifacts/index.js';
import {memoryNeeds} from '../../../pipeline/run/memory-needs.js';
import {defineStage} from '../../../pipeline/stage.js';
import type {StageNode} from '../../../pipeline/wiring/nodes.js';
import {temporaryFolder} from '../../rig/temporary.js';

const stage = defineStage({
  module: import.meta.url,
  name: 'hungry',
  inputs: {model: 'model'},
  outputs: {},
  params: {batch: 3},
  resources: {memory: 7},
  memory: ({inputs, params, threads, cores}) =>
    Number(readFileSync(join(inputs.model, 'mib'), 'utf8')) * params.batch + threads + cores / 10,
  run: async () => undefined,
});

/** A store whose only artifact is a folder with the file `mib`. */
function storeIn(folder: string, mib: string): Store {
  return {
    scratch: (purpose: string) => {
      mkdirSync(join(folder, purpose));
      return {folder: join(folder, purpose), remove: async () => rmSync(join(folder, purpose), {recursive: true})};
    },
    materialise: async (artifact: string, path: string) => {
      mkdirSync(path);
      writeFileSync(join(path, 'mib'), mib);
      return {artifact, path};
    },
  } as unknown as Store;
}

const node = (options: StageNode['options'] = {}): StageNode => ({
  type: 'stage',
  id: 'node',
  stage,
  inputs: {},
  params: {batch: 5},
  options,
});
const inputs = [{port: 'model', name: '', artifact: 'sha256:0'}] as never;

test('a stage reckons from its inputs and params; nothing is left of where they lay', async (t) => {
  const folder = temporaryFolder(t);
  assert.equal(await memoryNeeds(node({threads: 2, resources: {cpu: 4}}), inputs, storeIn(folder, '100')), 503);
  assert.equal(existsSync(join(folder, 'memory-node')), false);
});

test('what the node says itself counts, and a stage that says nothing is not asked', async (t) => {
  const store = storeIn(temporaryFolder(t), '100');
  assert.equal(await memoryNeeds(node({resources: {memory: 9}}), inputs, store), undefined);
  const {memory: _, ...silent} = stage;
  assert.equal(await memoryNeeds({...node(), stage: silent}, inputs, store), undefined);
});

test('a number that is none is an error, and the folder is gone all the same', async (t) => {
  const folder = temporaryFolder(t);
  await assert.rejects(memoryNeeds(node(), inputs, storeIn(folder, 'much')), /“memory” of hungry came to NaN/);
  assert.equal(existsSync(join(folder, 'memory-node')), false);
});
