/**
 * A disk that is really full: a small file system in memory, with the store on it. The run ends with a sentence; when
 * there is room again, the next one ends as if nothing had been.
 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {openDatabase} from '../../artifacts/database/database.js';
import {openStore} from '../../artifacts/index.js';
import {r1, recipeFile} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';
import {assertNothingRuns, assertSound, assertWhole, outputsOf} from './sound.js';

const MIB = 1 << 20;
const SIZE = 16 * MIB;
const RECIPE = recipeFile('pair');
const EVERY = Number(process.env['R1_FAULT_EVERY'] ?? 0);
/** Bytes that are left; a run of the recipe takes some hundred kibibytes. */
const ROOM =
  EVERY > 0
    ? Array.from({length: Math.ceil(400 / EVERY)}, (_, i) => i * EVERY * 4096)
    : [0, 64 << 10, 300 << 10, 700 << 10, 4 << 20];

/** Undefined where this process may not mount. */
function smallDisk(t: TestContext, options = `size=${SIZE}`): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'r1-test-'));
  // One hook for both, as hooks run in the order in which they were given.
  t.after(() => {
    spawnSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', folder]).status !== 0) return undefined;
  return folder;
}

const freeBytes = (folder: string): number => {
  const {bavail, bsize} = statfsSync(folder);
  return bavail * bsize;
};

function reasonOf(cwd: string, node: string): string | undefined {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    return store.attemptsOf(store.latestRun()!.id, node).at(-1)?.outcome?.reason;
  } finally {
    store.close();
  }
}

async function assertGoesOn(t: TestContext, cwd: string, words: readonly string[]): Promise<void> {
  assertSound(cwd, {over: false});
  await assertWhole(cwd);
  const next = await r1(t, words, {cwd});
  assert.equal(next.code, 0, next.err);
  assertSound(cwd, {over: true});
  await assertWhole(cwd);
  assertNothingRuns(cwd);
}

test('with any room that is left, a run ends in order, and the next one makes up for it', async (t) => {
  const cwd = smallDisk(t);
  if (cwd === undefined) {
    t.skip('this process may not mount a small file system');
    return;
  }
  const calm = temporaryFolder(t);
  assert.equal((await r1(t, ['run', RECIPE], {cwd: calm})).code, 0);
  const expected = outputsOf(calm);
  const empty = temporaryFolder(t);
  openStore(join(empty, '.r1')).close();
  let failed = 0;
  for (const room of ROOM) {
    cpSync(empty, cwd, {recursive: true});
    const ballast = join(cwd, 'ballast');
    writeFileSync(ballast, Buffer.alloc(freeBytes(cwd) - room));
    const {code, signal, err} = await r1(t, ['run', RECIPE], {cwd});
    const where = `${room} bytes left: ${err}`;
    assert.equal(signal, null, where);
    assert.doesNotMatch(err, /^\s+at .*:\d+:\d+\)?$|Internal error/m, where);
    if (code !== 0) {
      failed += 1;
      assert.match(err, /disk is full|no space left|ENOSPC|input\/output error/i, where);
    }
    rmSync(ballast);
    await assertGoesOn(t, cwd, ['run', RECIPE]);
    assert.deepEqual(outputsOf(cwd), expected, where);
    rmSync(join(cwd, '.r1'), {recursive: true});
  }
  assert.ok(failed > 0 && failed < ROOM.length, `${failed} of ${ROOM.length} runs failed`);
  t.diagnostic(`${2 * ROOM.length} runs, ${ROOM.length} faults, 0 losses`);
});

test('a stage that fills the disk fails, and harms nothing that was made before', async (t) => {
  const cwd = smallDisk(t);
  if (cwd === undefined) {
    t.skip('this process may not mount a small file system');
    return;
  }
  const stages = (name: string) => JSON.stringify(new URL(`../fixtures/stages/${name}.js`, import.meta.url).href);
  writeFileSync(
    join(cwd, 'filling.js'),
    `import {recipe} from 'r1';
    import {count} from ${stages('count')};
    import {fill} from ${stages('fill')};
    export default recipe('filling', (add) => {
      const first = add('first', count, {}, {steps: 1, ms: 0});
      add('filling', fill, {from: first.count});
    });`,
  );
  const {code, err} = await r1(t, ['run', './filling.js', '--set', 'filling.mebibytes=100'], {cwd});
  assert.equal(code, 1, err);
  assert.doesNotMatch(err, /^\s+at .*:\d+:\d+\)?$|Internal error/m);
  assert.match(err, /filling\s+failed: /);
  assert.ok(freeBytes(cwd) > 5 * MIB, 'what it wrote is not kept, or its failure could not have been recorded');
  assert.equal(reasonOf(cwd, 'filling'), 'stage-exited');
  await assertGoesOn(t, cwd, ['run', './filling.js']);
});

/** Takes all the room that is left, or all the inodes. */
const FILL = {
  blocks(cwd: string) {
    const file = openSync(join(cwd, 'ballast'), 'w');
    try {
      for (;;) writeSync(file, Buffer.alloc(1024));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    } finally {
      closeSync(file);
    }
  },
  inodes(cwd: string) {
    mkdirSync(join(cwd, 'ballast'));
    try {
      for (let i = 0; ; i++) writeFileSync(join(cwd, 'ballast', String(i)), '');
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  },
};

for (const [what, fill] of Object.entries(FILL)) {
  test(`on a disk without free ${what} the store can be looked at, verified and collected, and then used again`, async (t) => {
    const cwd = smallDisk(t, `size=${4 * MIB},nr_inodes=300`);
    if (cwd === undefined) {
      t.skip('this process may not mount a small file system');
      return;
    }
    assert.equal((await r1(t, ['run', RECIPE], {cwd})).code, 0);
    assert.equal((await r1(t, ['run', RECIPE, '--seed', '1'], {cwd})).code, 0);
    const blobs = () =>
      (readdirSync(join(cwd, '.r1', 'blobs'), {recursive: true}) as string[]).filter((name) => name.length > 60);
    const before = blobs();
    fill(cwd);

    for (const words of [['runs'], ['status'], ['gc', '--dry-run', '--keep-runs', '1']])
      assert.equal((await r1(t, words, {cwd})).code, 0, words.join(' '));
    const verified = await r1(t, ['verify'], {cwd});
    assert.deepEqual([verified.code, verified.err.split('\n').length], [0, 2], verified.err);
    assert.match(verified.err, /the disk is full; the store is only read/);
    assert.match(verified.out, /everything is as recorded/);
    // What is damaged is named all the same, and nobody claims that it was put out of use.
    const newest = join(cwd, '.r1', 'blobs', before.at(-1)!);
    const whole = readFileSync(newest);
    chmodSync(newest, 0o644);
    const flipped = Buffer.from(whole);
    flipped[0]! ^= 1;
    overwrite(newest, flipped);
    const damaged = await r1(t, ['verify'], {cwd});
    assert.equal(damaged.code, 1);
    assert.match(damaged.out, /other bytes than its name says[^]*was not quarantined/);
    overwrite(newest, whole);

    const collected = await r1(t, ['gc', '--keep-runs', '1', '--keep-kind', 'none'], {cwd});
    assert.equal(collected.code, 0, collected.err);
    assert.match(collected.out, /freed .*the disk was full: this used the room that the store keeps for it/s);
    assert.ok(blobs().length < before.length);
    rmSync(join(cwd, 'ballast'), {recursive: true});
    assert.equal((await r1(t, ['run', RECIPE], {cwd})).code, 0);
    await assertWhole(cwd);
    assert.deepEqual(
      readdirSync(join(cwd, '.r1', 'reserve')),
      ['0', '1', '2', '3'],
      'the next command keeps room again',
    );
  });
}

/** In place, since there is no room for another file. */
function overwrite(path: string, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, 0);
  closeSync(file);
}

test('a store of an older format is read where there is no room for a copy of it', async (t) => {
  const cwd = smallDisk(t, `size=${4 * MIB}`);
  if (cwd === undefined) {
    t.skip('this process may not mount a small file system');
    return;
  }
  assert.equal((await r1(t, ['run', RECIPE], {cwd})).code, 0);
  const expected = outputsOf(cwd);
  const db = openDatabase(join(cwd, '.r1', 'store.db'));
  db.prepare('ALTER TABLE artifact_file DROP COLUMN executable').run();
  db.prepare('PRAGMA user_version = 2').run();
  db.close();
  FILL.blocks(cwd);
  const [node] = Object.keys(expected);
  const {code, out, err} = await r1(t, ['show', node!.split(':')[0]!, '--json'], {cwd, env: {TMPDIR: cwd}});
  assert.equal(code, 0, err);
  assert.ok(out.includes('"sha256"'), out);
});

test('a store of 0.1, which keeps no room, needs a little of it by hand, and says so', async (t) => {
  const cwd = smallDisk(t, `size=${4 * MIB}`);
  if (cwd === undefined) {
    t.skip('this process may not mount a small file system');
    return;
  }
  assert.equal((await r1(t, ['run', RECIPE], {cwd})).code, 0);
  assert.equal((await r1(t, ['run', RECIPE, '--seed', '1'], {cwd})).code, 0);
  rmSync(join(cwd, '.r1', 'reserve'), {recursive: true});
  rmSync(join(cwd, '.r1', 'r1-store'));
  const little = join(cwd, 'little');
  writeFileSync(little, Buffer.alloc(256 << 10));
  FILL.blocks(cwd);
  const words = ['gc', '--keep-runs', '1', '--keep-kind', 'none'];
  const first = await r1(t, words, {cwd});
  // The job folders that nobody wants may be enough.
  if (first.code === 0) return;
  assert.match(first.err, /the disk is full[^]*free 256 KiB on this disk by hand/);
  rmSync(little);
  const second = await r1(t, words, {cwd});
  assert.equal(second.code, 0, second.err);
  assert.match(second.out, /freed/);
});
