/** What a request puts in the place of a recipe's stages, and what it is told where there is nothing to put there. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {UserError} from '../../../artifacts/index.js';
import {recipe} from '../../../pipeline/recipe.js';
import {defineStage} from '../../../pipeline/stage.js';
import {openStandIns} from '../../../pipeline/wiring/stand-ins.js';
import type {StandInRequest} from '../../../pipeline/wiring/stand-ins.js';
import {wire} from '../../../pipeline/wiring/wire.js';

const run = () => Promise.resolve();
const common = {module: import.meta.url, outputs: {model: 'model', history: 'history'} as const, run};
const data = defineStage({...common, name: 'data', inputs: {}, outputs: {rows: 'dataset'}, params: {}});
const tune = defineStage({
  ...common,
  name: 'tune',
  inputs: {rows: 'dataset'},
  params: {epochs: 2, chunk: 8, batch: 128},
});
const outside = defineStage({
  ...common,
  name: 'outside-tune',
  inputs: {rows: 'dataset'},
  params: {epochs: 1, batch: 64, ranks: 1},
  replaces: {stage: 'tune', trainer: 'other', without: ['chunk']},
});
const poor = defineStage({
  ...common,
  name: 'poor-tune',
  inputs: {rows: 'dataset'},
  outputs: {history: 'history'},
  params: {epochs: 1},
});
const use = defineStage({...common, name: 'use', inputs: {model: 'model'}, outputs: {}, params: {}});

const both = recipe('both', (add) => {
  const {rows} = add('data', data, {});
  add('use', use, {model: add('first', tune, {rows}, {epochs: 3, chunk: 2}, {threads: 2}).model});
  add('second', tune, {rows});
});

async function wiredWith(request: StandInRequest, of = both) {
  const standIns = await openStandIns(request, () => Promise.resolve([data, tune, outside, poor, use]));
  const wired = wire(of, '.', standIns?.at);
  if (wired.ok) standIns?.check(wired.value);
  return wired;
}

const stagesIn = async (request: StandInRequest): Promise<Record<string, string>> => {
  const wired = await wiredWith(request);
  assert.ok(wired.ok, JSON.stringify(wired));
  return Object.fromEntries(
    [...wired.value.nodes.values()].map((node) => [node.id, node.type === 'source' ? '' : node.stage.name]),
  );
};

test('a trainer stands in at every node that it can train', async () => {
  assert.deepEqual(await stagesIn({}), {data: 'data', first: 'tune', use: 'use', second: 'tune'});
  const all = {data: 'data', first: 'outside-tune', use: 'use', second: 'outside-tune'};
  assert.deepEqual(await stagesIn({trainer: 'other'}), all);
  assert.deepEqual(await stagesIn({replace: ['second=outside-tune']}), {...all, first: 'tune'});
  assert.deepEqual(await stagesIn({trainer: 'other', replace: ['first=tune']}), {...all, first: 'tune'});
});

test('it is given what the recipe says, and its own defaults for the rest', async () => {
  const wired = await wiredWith({trainer: 'other'});
  assert.ok(wired.ok);
  const [first, second] = ['first', 'second'].map((id) => wired.value.nodes.get(id)!);
  assert.ok(first?.type === 'stage' && second?.type === 'stage');
  assert.deepEqual(first.params, {batch: 64, epochs: 3, ranks: 1}, 'a param that means nothing to it is left out');
  assert.deepEqual(second.params, {batch: 64, epochs: 1, ranks: 1});
  assert.equal(first.options.threads, 2);
  assert.deepEqual(first.inputs, {rows: {node: 'data', port: 'rows', kind: 'dataset'}});
});

test('what does not fit is a mistake at the place of the call', async () => {
  const wired = await wiredWith({replace: ['first=poor-tune']});
  assert.ok(!wired.ok);
  const [param, input] = wired.error;
  assert.match(param!.message, /node “first”: stage “poor-tune” has no param “chunk”/);
  assert.match(input!.message, /node “use”: input “model” is undefined/);
  for (const {place} of wired.error) assert.match(place!, /stand-ins\.test\.[jt]s:\d+:\d+$/);
});

test('a word that names nothing is refused, with what there is', async () => {
  const refused = (request: StandInRequest, message: RegExp, hint: RegExp, of = both) =>
    assert.rejects(wiredWith(request, of), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
      return true;
    });
  await refused({trainer: 'othr'}, /there is no trainer “othr”.*“other”/, /there is other/);
  await refused({replace: ['first']}, /replace takes NODE=STAGE, not “first”/, /cold-start-sft=trl-sft/);
  await refused({replace: ['first=tun']}, /replace first=tun: there is no stage “tun”.*“tune”/, /there is data, tune/);
  await refused({replace: ['frst=tune']}, /there is no node “frst” in recipe “both”.*“first”/, /^$/);
  await refused({replace: ['first=tune', 'first=outside-tune']}, /a node is given twice/, /leave one/);
  const none = recipe('none', (add) => void add('data', data, {}));
  await refused(
    {trainer: 'other'},
    /recipe “none” has no node that it could train/,
    /stands in for the stages tune/,
    none,
  );
});
