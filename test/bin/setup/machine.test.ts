import assert from 'node:assert/strict';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, test} from 'node:test';
import {load} from './load.js';

const {chooseDevice, instructions, listGpus} = await load('machine');
const {nvidiaParts} = await load('tensorflow');

const folder = mkdtempSync(path.join(tmpdir(), 'r1-machine-'));
after(() => rmSync(folder, {recursive: true}));

async function listedBy(script: string): Promise<string[]> {
  const before = process.env['PATH'];
  writeFileSync(path.join(folder, 'nvidia-smi'), `#!/bin/sh\n${script}\n`, {mode: 0o755});
  process.env['PATH'] = `${folder}${path.delimiter}${before ?? ''}`;
  try {
    return await listGpus();
  } finally {
    process.env['PATH'] = before;
  }
}

test('without a wish the device is what is there', () => {
  assert.equal(chooseDevice(undefined, []), 'cpu');
  assert.equal(chooseDevice('', ['NVIDIA H100']), 'gpu');
});

test('R1_DEVICE decides, but cannot conjure up a GPU', () => {
  assert.equal(chooseDevice('cpu', ['NVIDIA H100']), 'cpu');
  assert.equal(chooseDevice('gpu', ['NVIDIA H100']), 'gpu');
  assert.throws(() => chooseDevice('gpu', []), /R1_DEVICE=gpu, but this machine has no NVIDIA GPU/);
  assert.throws(() => chooseDevice('tpu', []), /R1_DEVICE=tpu is not a device/);
});

test('GPUs are read by name from nvidia-smi -L', async () => {
  const uuid = 'UUID: GPU-4a3b6f1e-0000-1111-2222-333344445555';
  const found = await listedBy(
    `[ "$1" = -L ] && echo "GPU 0: NVIDIA H100 80GB HBM3 (${uuid})" && echo "GPU 1: Tesla T4 (${uuid})"`,
  );
  assert.deepEqual(found, ['NVIDIA H100 80GB HBM3', 'Tesla T4']);
});

test('an nvidia-smi without its driver finds no GPU', async () => {
  assert.deepEqual(await listedBy('echo "NVIDIA-SMI has failed"; exit 9'), []);
});

test('the instruction set begins with the architecture', () => {
  assert.equal(instructions().split(' ')[0], process.arch);
});

test("NVIDIA's parts are those of the extra and-cuda, without its compiler", () => {
  const metadata = [
    'Name: tensorflow',
    'Requires-Dist: numpy <2.2.0,>=1.26.0',
    "Requires-Dist: nvidia-cublas-cu12 ==12.5.3.2 ; extra == 'and-cuda'",
    "Requires-Dist: nvidia-cuda-nvcc-cu12 ==12.5.82 ; extra == 'and-cuda'",
    "Requires-Dist: nvidia-cudnn-cu12 (==9.3.0.75) ; extra == 'and-cuda'",
  ].join('\n');
  assert.deepEqual(nvidiaParts(metadata), [
    {name: 'nvidia-cublas-cu12', version: '12.5.3.2'},
    {name: 'nvidia-cudnn-cu12', version: '9.3.0.75'},
  ]);
});
