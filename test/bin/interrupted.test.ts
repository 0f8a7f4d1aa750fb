/** A stop while what a stage made is being read: nothing of it is lost, and nobody waits for the end of the bytes. */
import assert from 'node:assert/strict';
import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../artifacts/index.js';
import {r1, start, until} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

/** 4 GB without a byte on the disk: to hash it takes longer than the second that a stop waits for storing. */
const RECIPE = `
import {ftruncateSync, openSync, closeSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {defineStage, recipe} from 'r1';

export const sparse = defineStage({
  module: import.meta.url, name: 'sparse', inputs: {}, outputs: {out: 'data'}, params: {},
  run({outputs}) {
    mkdirSync(outputs.out);
    writeFileSync(join(outputs.out, 'a'), 'x');
    const file = openSync(join(outputs.out, 'b'), 'w');
    ftruncateSync(file, 4e9);
    closeSync(file);
    return Promise.resolve();
  },
});

export default recipe('sparse', (add) => { add('sparse', sparse); });
`;

test('a stop while outputs are hashed ends the run in order, and the next one stores them without running again', async (t) => {
  const cwd = temporaryFolder(t, {'sparse.recipe.js': RECIPE});
  for (const presses of [1, 2]) {
    const run = start(t, ['run', './sparse.recipe.js'], {cwd});
    const result = join(cwd, '.r1', 'jobs', '1', 'result.json');
    await until('the stage has ended', () => existsSync(result) && /started|continues/.test(run.err()), 60_000);
    for (let press = 0; press < presses; press++) run.child.kill('SIGINT');
    const {code, err} = await run.ended;
    assert.equal(code, 130, err);
    assert.match(err, /not stored yet: the next run continues from there/);
  }
  const last = await r1(t, ['run', './sparse.recipe.js'], {cwd});
  assert.equal(last.code, 0, last.err);
  assert.match(last.err, /sparse\s+continues: its process had ended, and nobody had recorded what came of it/);
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  t.after(() => store.close());
  assert.equal(store.attempt(1 as never)?.outcome?.reason, 'succeeded');
  assert.equal(store.attempt(2 as never), undefined, 'it ran once');
  assert.deepEqual(readdirSync(join(cwd, '.r1', 'tmp')), []);
});
