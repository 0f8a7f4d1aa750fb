import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import type {JobCode} from '../../../pipeline/job/job-code.js';
import {absolutePaths, jobFiles, readJob} from '../../../pipeline/job/folder.js';
import type {Job} from '../../../pipeline/job/folder.js';
import {prepareJobFolder} from '../../../pipeline/job/prepare-folder.js';
import type {Params} from '../../../pipeline/stage.js';
import {Bench} from '../../artifacts/temporary.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** Of a stage that has no file. */
const NO_CODE: JobCode = {
  module: 'file:///stage.js',
  definitions: {},
  snapshot: {},
  bytesOf: () => Buffer.alloc(0),
  byPath: {},
  isAlone: true,
  own: new Map(),
};

test('a stage gets params and named inputs in one order, however they were written', async (t) => {
  const folder = temporaryFolder(t);
  const bench = new Bench(t);
  const made = await bench.make({
    node: 'parts',
    outputs: {a: {kind: 'data', files: {text: 'a'}}, b: {kind: 'data', files: {text: 'b'}}},
  });
  const laid = async (job: string, names: readonly string[], params: Params): Promise<string> => {
    await prepareJobFolder({
      folder: join(folder, job),
      owner: 'test',
      epoch: 'today',
      node: {
        type: 'stage',
        id: 'mix',
        stage: {
          module: 'file:///mix.js',
          name: 'mix',
          inputs: {data: {kind: 'data', many: true}},
          outputs: {out: 'data'},
          params: {},
          run: () => Promise.resolve(),
        },
        inputs: {},
        params,
        options: {},
      },
      exportName: 'mix',
      seed: 0,
      inputs: names.map((name) => ({port: 'data', name, artifact: made.outputs[name]!.digest})),
      store: bench.store,
      code: NO_CODE,
    });
    const text = readFileSync(jobFiles(join(folder, job)).job, 'utf8');
    // Where a job lies is its own.
    const written = JSON.parse(text) as Record<string, unknown>;
    return JSON.stringify({...written, tag: '', folder: ''});
  };
  const one = await laid('one', ['a', 'b'], {shares: {x: 1, y: {p: 1, q: 2}}, steps: 3});
  const other = await laid('other', ['b', 'a'], {steps: 3, shares: {y: {q: 2, p: 1}, x: 1}});
  assert.equal(one, other);
});

test('a port that takes many and was given none is an empty record; a seedless stage is handed no run’s seed', async (t) => {
  const folder = temporaryFolder(t);
  const {store} = new Bench(t);
  const laid = async (job: string, seedless: boolean, seed: number): Promise<Job> => {
    await prepareJobFolder({
      folder: join(folder, job),
      owner: 'test',
      epoch: 'today',
      node: {
        type: 'stage',
        id: 'given',
        stage: {
          module: 'file:///given.js',
          name: 'given',
          inputs: {cards: {kind: 'data', many: true}, policy: {kind: 'model', optional: true}},
          outputs: {out: 'data'},
          params: {},
          ...(seedless ? {seedless} : {}),
          run: () => Promise.resolve(),
        },
        inputs: {cards: {}},
        params: {},
        options: {},
      },
      exportName: 'given',
      seed,
      inputs: [],
      store,
      code: NO_CODE,
    });
    const read = readJob(join(folder, job));
    assert.ok(read.ok);
    return read.value;
  };
  const job = await laid('one', false, 3);
  assert.deepEqual(job.inputs, {cards: {}});
  assert.deepEqual(absolutePaths('/job', job).inputs, {cards: {}});
  assert.equal(job.seed, 3);
  assert.equal((await laid('two', true, 3)).seed, 0);
  assert.equal((await laid('three', true, 4)).seed, 0);
});
