/**
 * A disk that is really full: a small file system in memory, with the store on it. The run ends with a sentence; when
 * there is room again, the next one ends as if nothing had been.
 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {cpSync, mkdtempSync, rmSync, rmdirSync, statfsSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
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
function smallDisk(t: TestContext): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'r1-test-'));
  // One hook for both, as hooks run in the order in which they were given.
  t.after(() => {
    spawnSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'none', folder]).status !== 0) return undefined;
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
