import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {copyCheckpoint, newestCheckpoint, openCheckpoints} from '../../../pipeline/job/checkpoints.js';
import {Stopped} from '../../../pipeline/stage.js';
import {temporaryFolder} from '../../rig/temporary.js';

const open = (folder: string, more: {every?: number; stopping?: () => boolean; clock?: () => number} = {}) =>
  openCheckpoints({folder: () => folder, every: undefined, stopping: () => false, onSaved: () => undefined, ...more});

const write = (text: string) => (folder: string) => writeFileSync(join(folder, 'state.txt'), text);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const ENTRY = {path: 'state.txt', bytes: 5, sha256: sha256('at 10')};

const writeManifest = (folder: string, files: readonly unknown[]): void =>
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({version: 1, step: 10, files}));

function pipeOr(what: 'pipe' | 'folder', file: string): void {
  rmSync(file);
  if (what === 'folder') mkdirSync(file);
  else execFileSync('mkfifo', [file]);
}

function linkTo(target: string, file: string): void {
  rmSync(file);
  symlinkSync(target, file);
}

test('the one that was just written stays, whatever else lies there', async (t) => {
  const folder = temporaryFolder(t);
  const checkpoints = open(folder);
  for (const step of [100, 200]) await checkpoints.save(step, write(`at ${step}`));
  for (const name of ['step-0300', 'step-x']) mkdirSync(join(folder, name));
  await checkpoints.save(10, write('at 10'));
  assert.ok(existsSync(join(folder, 'step-10')));
  assert.equal(newestCheckpoint(folder)?.step, 200);
});

test('what is no folder holds no checkpoints', (t) => {
  const file = join(temporaryFolder(t), 'checkpoints');
  assert.equal(newestCheckpoint(file), undefined);
  writeFileSync(file, '');
  assert.equal(newestCheckpoint(file), undefined);
});

test('the newest two checkpoints are kept, and the newest is where the next attempt starts', async (t) => {
  const folder = temporaryFolder(t);
  const checkpoints = open(folder);
  assert.equal(checkpoints.latest, undefined);
  for (const step of [5, 10, 15]) await checkpoints.save(step, write(`at ${step}`));
  assert.deepEqual(readdirSync(folder).sort(), ['step-10', 'step-15']);
  const {latest} = open(folder);
  assert.equal(readFileSync(join(latest!, 'state.txt'), 'utf8'), 'at 15');
});

for (const [damage, harm] of [
  ['a file cut short', (folder: string) => truncateSync(join(folder, 'files', 'state.txt'), 2)],
  ['a flipped byte', (folder: string) => writeFileSync(join(folder, 'files', 'state.txt'), 'ay 10')],
  ['a missing file', (folder: string) => rmSync(join(folder, 'files', 'state.txt'))],
  ['a torn manifest', (folder: string) => truncateSync(join(folder, 'manifest.json'), 20)],
  ['no manifest', (folder: string) => rmSync(join(folder, 'manifest.json'))],
  ['a manifest of nulls', (folder: string) => writeManifest(folder, [null])],
  ['a path that is a number', (folder: string) => writeManifest(folder, [{path: 5, bytes: 1, sha256: 'x'}])],
  [
    'a path that leads out',
    (folder: string) =>
      // Its bytes are as they are said to be; only where they lie is wrong.
      writeManifest(folder, [{path: '../../step-5/files/state.txt', bytes: 4, sha256: sha256('at 5')}]),
  ],
  ['an absolute path', (folder: string) => writeManifest(folder, [{...ENTRY, path: '/etc/hostname'}])],
  ['a folder in the place of a file', (folder: string) => writeManifest(folder, [{...ENTRY, path: 'state.txt/..'}])],
  ['a folder in the place of the manifest', (folder: string) => pipeOr('folder', join(folder, 'manifest.json'))],
  ['a pipe in the place of the manifest', (folder: string) => pipeOr('pipe', join(folder, 'manifest.json'))],
  ['a pipe in the place of a file', (folder: string) => pipeOr('pipe', join(folder, 'files', 'state.txt'))],
  ['a link in the place of a file', (folder: string) => linkTo('/dev/zero', join(folder, 'files', 'state.txt'))],
] as const) {
  test(`a checkpoint with ${damage} is passed over for the one before it`, async (t) => {
    const folder = temporaryFolder(t);
    const checkpoints = open(folder);
    for (const step of [5, 10]) await checkpoints.save(step, write(`at ${step}`));
    harm(join(folder, 'step-10'));
    assert.equal(newestCheckpoint(folder)?.step, 5);
  });
}

test('what was left of writing one is not a checkpoint', async (t) => {
  const folder = temporaryFolder(t);
  const checkpoints = open(folder);
  await assert.rejects(
    checkpoints.save(5, () => Promise.reject(new Error('disk full'))),
    /disk full/,
  );
  assert.equal(newestCheckpoint(folder), undefined);
  await checkpoints.save(6, write('at 6'));
  assert.equal(newestCheckpoint(folder)?.step, 6);
});

test('a copy is whole and does not change with the original', async (t) => {
  const [from, to] = [temporaryFolder(t), temporaryFolder(t)];
  await open(from).save(7, write('seven'));
  const found = newestCheckpoint(from)!;
  assert.ok(copyCheckpoint(found, to));
  writeFileSync(join(found.folder, 'files', 'state.txt'), 'other');
  assert.equal(newestCheckpoint(to)?.step, 7);
  assert.equal(newestCheckpoint(from), undefined);
});

test('a copy can be executed where the original can', async (t) => {
  const [from, to] = [temporaryFolder(t), temporaryFolder(t)];
  await open(from).save(7, (folder) => {
    writeFileSync(join(folder, 'tool'), '#!/bin/sh\n', {mode: 0o755});
    writeFileSync(join(folder, 'state'), '7');
  });
  assert.ok(copyCheckpoint(newestCheckpoint(from)!, to));
  const isExecutable = (name: string) => (statSync(join(to, 'step-7', 'files', name)).mode & 0o100) !== 0;
  assert.deepEqual(['tool', 'state'].map(isExecutable), [true, false]);
});

test('a checkpoint that is damaged is not copied', async (t) => {
  const [from, to] = [temporaryFolder(t), temporaryFolder(t)];
  await open(from).save(7, write('seven'));
  const found = newestCheckpoint(from)!;
  writeFileSync(join(found.folder, 'files', 'state.txt'), 'other');
  assert.ok(!copyCheckpoint(found, to));
  assert.ok(!existsSync(join(to, 'step-7')));
});

test('with an interval, a checkpoint is due every so many steps', (t) => {
  const {due} = open(temporaryFolder(t), {every: 5});
  assert.deepEqual([1, 4, 5, 6, 10].filter(due), [5, 10]);
});

test('without an interval, one is due once its cost is small beside the work since the last', async (t) => {
  let now = 0;
  const checkpoints = open(temporaryFolder(t), {clock: () => now});
  now = 4_999;
  assert.equal(checkpoints.due(1), false);
  now = 5_000;
  assert.equal(checkpoints.due(2), true);
  await checkpoints.save(2, () => void (now += 1_000)); // took a second: the next one is due after 20
  now = 25_999;
  assert.equal(checkpoints.due(3), false);
  now = 26_000;
  assert.equal(checkpoints.due(4), true);
});

test('when a stop was asked for, one is due at once, and saving it ends the stage', async (t) => {
  const folder = temporaryFolder(t);
  const checkpoints = open(folder, {every: 100, stopping: () => true});
  assert.ok(checkpoints.due(3));
  await assert.rejects(checkpoints.save(3, write('three')), (error) => error instanceof Stopped && error.step === 3);
  assert.equal(newestCheckpoint(folder)?.step, 3);
});
