import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {chmodSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {openDatabase, openLockFile} from '../../../artifacts/database/database.js';
import {UserError, digestOf, openStore} from '../../../artifacts/index.js';
import {Bench, edge, temporaryFolder} from '../temporary.js';

const reasonOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    assert.ok(error.hint !== undefined || error.remedy !== undefined, `nothing helps: ${error.message}`);
    return error.reason;
  }
  return 'no error';
};

test('a store that was written by a newer version is refused and left alone', (t) => {
  const folder = join(temporaryFolder(t), 'store');
  openStore(folder).close();
  const db = openDatabase(join(folder, 'store.db'));
  db.prepare('PRAGMA user_version = 999').run();
  db.close();
  assert.equal(
    reasonOf(() => openStore(folder)),
    'newer-store',
  );
  assert.equal(
    reasonOf(() => openStore(folder, {mode: 'read'})),
    'newer-store',
  );
});

test('a file that is no database, and a database of somebody else, are refused', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(
    join(folder, 'store.db'),
    'this is a text of more than a hundred bytes, which no database begins with '.repeat(20),
  );
  assert.equal(
    reasonOf(() => openStore(folder)),
    'not-a-store',
  );
  const other = temporaryFolder(t);
  const lock = openLockFile(join(other, 'store.db'));
  lock.close();
  const made = spawnSync(
    process.execPath,
    [
      '-e',
      `const D = require('better-sqlite3'); const d = new D(process.argv[1]); d.exec('CREATE TABLE theirs (x)');`,
      join(other, 'store.db'),
    ],
    {cwd: process.cwd(), encoding: 'utf8'},
  );
  assert.equal(made.status, 0, made.stderr);
  assert.equal(
    reasonOf(() => openStore(other)),
    'not-a-store',
  );
});

test('a reader needs a store, and a writer in a place where none can be is told so', (t) => {
  const folder = temporaryFolder(t);
  assert.equal(
    reasonOf(() => openStore(join(folder, 'nothing'), {mode: 'read'})),
    'no-store',
  );
  writeFileSync(join(folder, 'file'), '');
  assert.notEqual(
    reasonOf(() => openStore(join(folder, 'file', 'store'))),
    'no error',
  );
});

test('a store that may only be read is refused to a writer and open to a reader', (t) => {
  const bench = new Bench(t);
  bench.store.close();
  const asSomebody = (mode: string) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `process.setuid?.(65534);
         const {openStore} = await import(${JSON.stringify(new URL('../../../artifacts/index.js', import.meta.url).href)});
         try { console.log(openStore(process.argv[1], {mode: '${mode}'}).runs().length) } catch (error) { console.log(error.reason) }`,
        bench.folder,
      ],
      {encoding: 'utf8'},
    );
  if (process.getuid?.() !== 0) chmodSync(bench.folder, 0o555);
  chmodSync(join(bench.folder, '..'), 0o755);
  const answers = [asSomebody('write').stdout.trim(), asSomebody('read').stdout.trim()];
  chmodSync(bench.folder, 0o755);
  assert.deepEqual(answers, ['no-permission', '1']);
});

test('a store of the first format is brought up to date and keeps what it has', (t) => {
  const folder = join(temporaryFolder(t), 'store');
  const made = openStore(folder);
  made.beginRun({recipe: 'old', seed: 1, plan: null, command: ''});
  made.close();
  const db = openDatabase(join(folder, 'store.db'));
  db.prepare('DROP TABLE store').run();
  db.prepare('ALTER TABLE artifact_file DROP COLUMN executable').run();
  db.prepare('PRAGMA user_version = 1').run();
  db.close();
  for (const mode of ['read', 'write', 'read'] as const) {
    const store = openStore(folder, {mode});
    assert.deepEqual([store.runs()[0]!.recipe, store.id.length], ['old', 32], mode);
    store.close();
  }
});

test('what a store of the second format has keeps its digest, and cannot be executed', async (t) => {
  const bench = new Bench(t);
  const {outputs} = await bench.make({node: 'base', outputs: {model: {kind: 'model', files: {a: '1', b: '2'}}}});
  const artifact = outputs.model!;
  const {folder} = bench;
  bench.store.close();
  const db = openDatabase(join(folder, 'store.db'));
  db.prepare('ALTER TABLE artifact_file DROP COLUMN executable').run();
  db.prepare('PRAGMA user_version = 2').run();
  db.close();
  for (const mode of ['read', 'write', 'read'] as const) {
    const store = openStore(folder, {mode});
    assert.deepEqual(store.artifact(artifact.digest), artifact, mode);
    store.close();
  }
});

test('facts can be added, but neither changed nor deleted nor replaced', async (t) => {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: {model: {kind: 'model', files: {a: '1'}}}});
  await bench.make({node: 'sft', inputs: [edge(base, 'model')], outputs: {model: {kind: 'model', files: {a: '2'}}}});
  const {db} = bench.store.parts;
  const tables = db
    .prepare<{name: string}>(`SELECT DISTINCT tbl_name AS name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name`)
    .all()
    .map(({name}) => name);
  assert.ok(tables.length >= 16, tables.join());
  for (const table of tables) {
    if (db.prepare(`SELECT 1 FROM ${table}`).get() === undefined) continue;
    const column = db.prepare<{name: string}>(`SELECT name FROM pragma_table_info('${table}') LIMIT 1`).get()!.name;
    assert.throws(() => db.prepare(`UPDATE ${table} SET ${column} = ${column}`).run(), /holds facts/, table);
    assert.throws(() => db.prepare(`DELETE FROM ${table}`).run(), /holds facts/, table);
    assert.throws(
      () => db.prepare(`INSERT OR REPLACE INTO ${table} SELECT * FROM ${table}`).run(),
      /holds facts/,
      table,
    );
  }
});

test('every table is STRICT', (t) => {
  const {db} = new Bench(t).store.parts;
  const loose = db
    .prepare<{name: string}>(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'`,
    )
    .all();
  assert.deepEqual(loose, []);
});

test('a transaction that throws leaves nothing behind', (t) => {
  const {db} = new Bench(t).store.parts;
  const count = () => db.prepare<{n: number}>('SELECT count(*) AS n FROM document').get()!.n;
  const before = count();
  assert.throws(
    () =>
      db.transact(() => {
        db.prepare('INSERT INTO document (digest, json) VALUES (?, ?)').run(digestOf('x', 1), '1');
        throw new Error('power cut');
      }),
    /power cut/,
  );
  assert.equal(count(), before);
});

test('two processes may make the same store at once', async (t) => {
  const folder = join(temporaryFolder(t), 'deep', 'store');
  mkdirSync(join(folder, '..'), {recursive: true});
  const module = new URL('../../../artifacts/index.js', import.meta.url).href;
  const code = `import {openStore} from ${JSON.stringify(module)}; const s = openStore(process.argv[1]); s.beginRun({recipe: 'x', seed: 0, plan: null, command: ''}); await s.ingest(process.argv[2], 'file'); s.close();`;
  const {execFile} = await import('node:child_process');
  const {promisify} = await import('node:util');
  const file = join(folder, '..', 'file');
  writeFileSync(file, 'the same for all');
  const open = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', code, folder, file]);
  await Promise.all([open(), open(), open()]);
  const store = openStore(folder);
  assert.equal(store.runs().length, 3);
  const {files} = await store.ingest(file, 'file');
  store.close();
  assert.deepEqual(readdirSync(join(folder, 'blobs', 'sha256')), [files[0]!.sha256.slice(0, 2)]);
});
