/** Logs and events that something has happened to. */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import {logOf, readLog, recipe, runRecipe, statusOf} from '../../../pipeline/index.js';
import {misbehave} from '../../fixtures/stages/misbehave.js';
import {temporaryFolder} from '../../rig/temporary.js';

test('a pipe in the place of what a stage wrote is not waited at, and a log that went meanwhile is not there any more', async (t) => {
  const folder = join(temporaryFolder(t), 'store');
  const failing = recipe('failing', (add) => add('bad', misbehave, {}, {how: 'exit'}));
  await runRecipe({recipe: failing, store: folder});
  const store = openStore(folder, {mode: 'read'});
  t.after(() => store.close());
  const log = await logOf(store, 'bad');
  for (const path of [log.file, `${log.file}.1`]) {
    rmSync(path, {force: true});
    spawnSync('mkfifo', [path]);
  }
  assert.deepEqual((await statusOf(store)).nodes[0]?.lines ?? [], []);
  await assert.rejects(async () => readLog(log), {name: 'UserError', reason: 'not-found'});
  await assert.rejects(async () => logOf(store, 'bad'), {name: 'UserError', reason: 'not-found'});
  rmSync(log.file);
  await assert.rejects(async () => readLog(log), {name: 'UserError', message: /has no log \(any more\)/});
});
