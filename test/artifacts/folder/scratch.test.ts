import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import test from 'node:test';
import {gc} from '../../../artifacts/upkeep/gc.js';
import {Bench, fill} from '../temporary.js';

const all = {keepKinds: []};

test('a scratch folder stays while its process lives, and is swept as a tree when that is dead', async (t) => {
  const bench = new Bench(t);
  bench.end();
  const index = JSON.stringify(new URL('../../../artifacts/index.js', import.meta.url).href);
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const {openStore} = await import(${index}); console.log(openStore(process.argv[1]).scratch('reproduce-1').folder);
       setInterval(() => undefined, 1000);`,
      bench.folder,
    ],
    {stdio: ['ignore', 'pipe', 'inherit']},
  );
  t.after(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const folder = said.toString().trim();
  fill(folder, {'outputs/model/w': 'half', 'job.json': ''});
  await gc(bench.store, all, '');
  assert.ok(existsSync(join(folder, 'outputs', 'model', 'w')), 'its process lives');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const {foreign} = await gc(bench.store, all, '');
  assert.deepEqual(foreign, []);
  for (const name of ['tmp', 'trash']) assert.deepEqual(readdirSync(join(bench.folder, name)), []);
  assert.deepEqual(
    readdirSync(join(bench.folder, 'locks')).filter((name) => name.startsWith('scratch')),
    [],
  );
});

test('a scratch folder goes with all that is in it, and its lock with it', async (t) => {
  const {store, folder} = new Bench(t);
  const scratch = store.scratch('to look at / something');
  assert.match(basename(scratch.folder), /^to-look-at---something\.scratch-/);
  fill(scratch.folder, {'a/b/c': 'x'});
  await scratch.remove();
  assert.deepEqual([readdirSync(join(folder, 'tmp')), readdirSync(join(folder, 'trash'))], [[], []]);
  assert.deepEqual(
    readdirSync(join(folder, 'locks')).filter((name) => name.startsWith('scratch')),
    [],
  );
});

test('a folder into which somebody goes on writing is left to the next collection, which is no error', async (t) => {
  const bench = new Bench(t);
  bench.end();
  const {files, layout} = bench.store.parts;
  let writes = 0;
  const crowded = new Bench(t, {
    folder: bench.folder,
    files: {
      ...files,
      list(folder) {
        const names = files.list(folder);
        // Somebody makes a file between the look and the removal, for as long as this goes on.
        if (folder.startsWith(layout.trash) && folder !== layout.trash && writes < 100) {
          writeFileSync(join(folder, `late ${writes++}`), '');
        }
        return names;
      },
    },
  });
  const scratch = crowded.store.scratch('reproduce-1');
  await scratch.remove();
  assert.equal(existsSync(scratch.folder), false);
  assert.equal(readdirSync(layout.trash).length, 1);
  await gc(crowded.store, all, '');
  assert.ok(writes > 5 && writes < 100, `${writes} writes`);
  crowded.end();
  const later = new Bench(t, {folder: bench.folder});
  await gc(later.store, all, '');
  assert.deepEqual(readdirSync(layout.trash), []);
});
