import assert from 'node:assert/strict';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {cpus, tmpdir} from 'node:os';
import path from 'node:path';
import {after, test} from 'node:test';
import {NotSetUp, readRuntimeFacts, runtimeClass} from '../../../stages/tensorflow/runtime-class.js';

const folder = mkdtempSync(path.join(tmpdir(), 'r1-runtime-'));
after(() => rmSync(folder, {recursive: true}));

const facts = {
  tensorflow: '2.19.1',
  device: 'cpu',
  instructions: 'x64 avx2',
  processor: cpus()[0]?.model.trim() ?? 'unknown',
};

function written(content: unknown): string {
  const file = path.join(folder, 'runtime.json');
  writeFileSync(file, JSON.stringify(content));
  return file;
}

const saying = (message: RegExp) => (error: unknown) => error instanceof NotSetUp && message.test(error.message);

test('the facts are what set-up wrote, and nothing else of the file', () => {
  assert.deepEqual(readRuntimeFacts(written({...facts, gpuTraces: 'no nvidia-smi'}), undefined), facts);
});

test('without set-up the message names the command that helps', () => {
  const missing = path.join(folder, 'nowhere.json');
  assert.throws(() => readRuntimeFacts(missing, undefined), {message: /not set up/, hint: 'npm run setup'});
});

test('facts of another processor are refused', () => {
  const file = written({...facts, processor: 'Z80'});
  assert.throws(() => readRuntimeFacts(file, undefined), saying(/another machine \(Z80;/));
});

test('R1_DEVICE that is not what was set up is refused, and the right one is not', () => {
  const file = written(facts);
  assert.throws(() => readRuntimeFacts(file, 'gpu'), saying(/R1_DEVICE=gpu, but set-up was done for cpu/));
  assert.deepEqual(readRuntimeFacts(file, 'cpu'), facts);
  const gpu = written({...facts, device: 'gpu NVIDIA H100'});
  assert.equal(readRuntimeFacts(gpu, 'gpu').device, 'gpu NVIDIA H100');
  assert.throws(() => readRuntimeFacts(gpu, 'cpu'), saying(/R1_DEVICE=cpu/));
});

test('a file of another shape is refused', () => {
  assert.throws(() => readRuntimeFacts(written({tensorflow: 2}), undefined), saying(/another version/));
});

test('the class carries the declared threads and the Node that runs', () => {
  const {threads, node, tensorflow} = runtimeClass(3);
  assert.equal(threads, 3);
  assert.equal(node, Number(process.versions.node.split('.')[0]));
  assert.match(tensorflow, /^\d+\.\d+\.\d+/);
});
