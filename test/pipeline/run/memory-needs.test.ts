/** What a stage reckons of memory, from inputs that lie there for as long as it looks at them, and what follows from it. */
import assert from 'node:assert/strict';
import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import type {Store} from '../../../artifacts/index.js';
import {memoryNeeds} from '../../../pipeline/run/memory-needs.js';
import {defineStage} from '../../../pipeline/stage.js';
import type {StageNode} from '../../../pipeline/wiring/nodes.js';
import {Rig} from '../../rig/rig.js';
import {temporaryFolder} from '../../rig/temporary.js';

const stage = defineStage({
  module: import.meta.url,
  name: 'hungry',
  inputs: {model: 'model'},
  outputs: {},
  params: {batch: 3},
  resources: {memory: 7},
  memory: ({inputs, params, threads, cores}) => ({
    mib: Number(readFileSync(join(inputs.model, 'mib'), 'utf8')) * params.batch + threads + cores / 10,
    explain: (there) => `${there} would do with “batch” 1 instead of ${params.batch}`,
  }),
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
  const need = await memoryNeeds(node({threads: 2, resources: {cpu: 4}}), inputs, storeIn(folder, '100'));
  assert.equal(need?.mib, 100 * 5 + 2 + 4 / 10);
  assert.equal(need.explain?.(200), '200 would do with “batch” 1 instead of 5');
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

test('what is wrong with an input is told of the input, not of where it lay for the moment', async (t) => {
  const folder = temporaryFolder(t);
  const looking = {
    ...stage,
    memory: ({inputs: {model}}: {inputs: {model: string}}) => {
      throw new Error(`there is no ${model}/config.json`);
    },
  };
  await assert.rejects(
    memoryNeeds({...node(), stage: looking}, inputs, storeIn(folder, '100')),
    ({message}: Error) => message === 'there is no inputs/model/config.json',
  );
});

test('a node that needs more memory than the run may use says so, and runs when no other one does', async (t) => {
  const rig = new Rig(t);
  const options = {big: {resources: {memory: 3000}}, small: {resources: {memory: 100}}};
  const prepared = await rig.prepare({big: [], small: [], reckoned: []}, {options});
  const reckoned = prepared.wiring.nodes.get('reckoned') as StageNode;
  const explain = (there: number): string => `It would fit ${there} with “batch” 1`;
  Object.assign(reckoned.stage, {memory: () => ({mib: 5120, explain})});
  const run = rig.carryOut(prepared, {capacity: {memory: 2048}});
  const left = new Set(['big', 'small', 'reckoned']);
  while (left.size > 0) {
    await Promise.race([...left].map((id) => rig.puppets.at(id)));
    assert.equal(rig.puppets.running.length, 1, 'what needs all that there is has it for itself');
    const [node] = rig.puppets.running as [string];
    left.delete(node);
    await rig.succeed(node);
  }
  assert.equal((await run).outcome, 'succeeded');
  const alone = 'it starts when no other node that needs memory runs, and none starts beside it';
  const notes = rig.events.flatMap((event) => (event.type === 'node-note' ? [`${event.node}: ${event.text}`] : []));
  assert.deepEqual(notes.sort(), [
    `big: needs about 2.9 GiB of memory, more than the 2.0 GiB that this run may use: ${alone}`,
    `reckoned: needs about 5.0 GiB of memory, more than the 2.0 GiB that this run may use: ${alone}. It would fit 2048 with “batch” 1`,
  ]);
});
