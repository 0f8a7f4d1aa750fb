import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {disk} from '../../../artifacts/files.js';
import {gc} from '../../../artifacts/upkeep/gc.js';
import {UserError, openStore} from '../../../artifacts/index.js';
import type {AttemptId, RunId} from '../../../artifacts/index.js';
import {openFiles} from '../../rig/temporary.js';
import {Bench, fill, temporaryFolder} from '../temporary.js';

const errorOf = (work: () => {close(): void}): UserError => {
  try {
    work().close();
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    assert.ok(error.hint !== undefined || error.remedy !== undefined, `nothing helps: ${error.message}`);
    return error;
  }
  throw new Error('expected an error');
};

/** Every path below a folder. */
const treeOf = (folder: string): readonly string[] => (readdirSync(folder, {recursive: true}) as string[]).sort();

const THESIS = {'tmp/thesis.txt': 'precious', 'trash/thesis.txt': 'precious', 'jobs/7/thesis.txt': 'precious'};
const paths = Object.keys(THESIS);

test('a folder in use gets no store: it is said what lies in it and what to type, and nothing changes', (t) => {
  for (const files of [THESIS, {'notes.txt': ''}, {'.gitignore': ''}, {'blobs/': ''}, {'.DS_Store': ''}]) {
    const folder = fill(temporaryFolder(t), files);
    const before = treeOf(folder);
    for (const options of [{}, {create: false}, {mode: 'read'}] as const) {
      const {reason, message, remedy} = errorOf(() => openStore(folder, options));
      assert.equal(reason, 'folder-in-use');
      assert.match(message, /in use and no store: “\.?\w/);
      assert.deepEqual(remedy, {type: 'use-empty-folder', folder: join(folder, '.r1')});
    }
    assert.deepEqual(treeOf(folder), before);
  }
});

test(
  'a store that cannot be opened to the end leaves no file open',
  {skip: existsSync('/proc/self/fd') ? false : 'open files are seen in /proc'},
  (t) => {
    const folder = temporaryFolder(t);
    const syncNow = (): never => {
      throw Object.assign(new Error('EIO: i/o error, fsync'), {code: 'EIO'});
    };
    assert.throws(() => openStore(folder, {files: {...disk, syncNow}}), {name: 'UserError'});
    assert.deepEqual(openFiles(folder), []);
  },
);

test('a folder that is missing, empty, or the root of a file system becomes a store', (t) => {
  const empty = temporaryFolder(t);
  const root = fill(temporaryFolder(t), {'lost+found/': ''});
  for (const folder of [empty, join(empty, 'a', 'b'), root]) {
    rmSync(join(empty, 'r1-store'), {force: true});
    if (folder.startsWith(join(empty, 'a'))) rmSync(empty, {recursive: true});
    openStore(folder).close();
    openStore(folder, {mode: 'read'}).close();
    assert.ok(readdirSync(folder).includes('r1-store'));
  }
});

test('a folder that another process makes right after it was missed is no link that leads nowhere', (t) => {
  const folder = join(temporaryFolder(t), 'store');
  const missed: string[] = [];
  const statFollowed: typeof disk.statFollowed = (path) => {
    const found = disk.statFollowed(path);
    if (found !== undefined || /\.db|r1-store/.test(path)) return found;
    missed.push(path);
    mkdirSync(path, {recursive: true});
    return undefined;
  };
  openStore(folder, {files: {...disk, statFollowed}}).close();
  assert.ok(missed.includes(folder) && missed.includes(join(folder, 'trash')), missed.join());
  openStore(folder, {mode: 'read'}).close();

  const link = join(temporaryFolder(t), 'link');
  symlinkSync(join(folder, 'nowhere'), link);
  assert.match(errorOf(() => openStore(link)).message, /link that leads nowhere/);
});

test('a store that another process begins to make between two looks is no folder in use', (t) => {
  const folder = temporaryFolder(t);
  let looks = 0;
  const sizeOf: typeof disk.sizeOf = (path) => {
    const bytes = disk.sizeOf(path);
    // The marker is the first that it makes.
    if (path.endsWith('r1-store') && looks++ === 0) writeFileSync(path, 'made by another process');
    return bytes;
  };
  openStore(folder, {files: {...disk, sizeOf}}).close();
  assert.ok(looks > 1);
  openStore(folder, {mode: 'read'}).close();
});

test('no store is made inside of another one, but by a job in its own folder', (t) => {
  const outer = new Bench(t).folder;
  for (const below of ['jobs', 'jobs/7', 'jobs/new', 'tmp', 'tmp/a/b', 'trash', 'locks/x', 'own']) {
    const before = treeOf(outer);
    const {reason, message, remedy} = errorOf(() => openStore(join(outer, below)));
    assert.deepEqual([reason, message], ['folder-in-use', `${join(outer, below)} is inside the store ${outer}`]);
    assert.deepEqual(remedy, {type: 'use-store-around', store: outer});
    assert.deepEqual(treeOf(outer), before);
  }
  openStore(join(outer, 'jobs', '7', 'scratch', '.r1')).close();
});

test('no store is made inside of another one through a link, neither to it nor in the way to it', (t) => {
  const outer = new Bench(t).folder;
  const beside = temporaryFolder(t);
  symlinkSync(join(outer, 'tmp'), join(beside, 'link'));
  symlinkSync(outer, join(beside, 'whole'));
  const before = treeOf(outer);
  for (const below of ['link', 'link/new', 'link/a/b', 'whole/new']) {
    const {reason, message, remedy} = errorOf(() => openStore(join(beside, below)));
    const named = below === 'whole/new' ? join(beside, 'whole') : outer;
    assert.deepEqual([reason, message], ['folder-in-use', `${join(beside, below)} is inside the store ${named}`]);
    assert.deepEqual(remedy, {type: 'use-store-around', store: named});
    assert.deepEqual(treeOf(outer), before, below);
  }
  openStore(join(beside, 'whole', 'jobs', '7', 'scratch', '.r1')).close();
});

test('a copy of hard links does not write to the database of the original, until it has its own', (t) => {
  const {folder} = new Bench(t);
  openStore(folder).close();
  const copy = join(temporaryFolder(t), 'copy');
  const link = spawnSync('cp', ['-al', folder, copy]);
  if (link.status !== 0) {
    t.skip('no cp with hard links here');
    return;
  }
  for (const one of [folder, copy]) {
    const {reason, message} = errorOf(() => openStore(one));
    assert.equal(reason, 'refused-file');
    assert.match(message, /store\.db is a hard link/);
    openStore(one, {mode: 'read'}).close();
  }
  const {hint} = errorOf(() => openStore(copy));
  assert.equal(spawnSync('/bin/sh', ['-c', hint!.slice(hint!.indexOf('cd '))]).status, 0);
  for (const one of [folder, copy]) openStore(one).close();
});

test('a store that is moved while it is in use is said to be gone', (t) => {
  const {folder, store} = new Bench(t);
  renameSync(folder, `${folder}-moved`);
  const {reason, message} = errorOf(() => store.holdRunnerLock(1 as RunId) as never);
  assert.equal(reason, 'no-store');
  assert.match(message, /is not there any more$/);
});

test('the marker is written before anything else, and a store that was only begun is finished', (t) => {
  const folder = join(temporaryFolder(t), 'store');
  const {files} = new Bench(t).store.parts;
  for (let operations = 0; ; operations++) {
    let left = operations;
    const spend = (): void => {
      if (left-- === 0) throw new Error('killed here');
    };
    const dying = {
      ...files,
      makeFolder(path: string) {
        spend();
        return files.makeFolder(path);
      },
      writeSmall(path: string, bytes: Uint8Array) {
        spend();
        files.writeSmall(path, bytes);
      },
      syncNow(path: string) {
        spend();
        files.syncNow(path);
      },
    };
    let whole = true;
    try {
      openStore(folder, {files: dying}).close();
    } catch {
      whole = false;
    }
    const names = existsSync(folder) ? readdirSync(folder) : [];
    if (names.length > 0) assert.ok(names.includes('r1-store'), names.join());
    openStore(folder).close();
    openStore(folder, {mode: 'read'}).close();
    rmSync(folder, {recursive: true});
    if (whole) {
      assert.ok(operations > 8, `${operations} operations`);
      return;
    }
  }
});

test('a store of 0.1, which has no marker, is known by its database and gets one; files of others in it stay', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'a', outputs: {out: {kind: 'model', files: {w: 'w'}}}});
  bench.end();
  bench.store.close();
  rmSync(join(bench.folder, 'r1-store'));
  fill(bench.folder, {...THESIS, [`blobs/sha256/ab/notes`]: 'precious', README: 'precious'});
  openStore(bench.folder, {mode: 'read'}).close();
  assert.equal(existsSync(join(bench.folder, 'r1-store')), false, 'a reader writes nothing');
  const store = openStore(bench.folder);
  t.after(() => store.close());
  assert.ok(existsSync(join(bench.folder, 'r1-store')));
  const {foreign} = await gc(store, {keepRuns: 0, keepKinds: []}, '');
  assert.deepEqual([...foreign].sort(), [
    'README',
    'blobs/sha256/ab/notes',
    'jobs/7',
    'tmp/thesis.txt',
    'trash/thesis.txt',
  ]);
  for (const path of [...paths, 'README']) assert.equal(readFileSync(join(bench.folder, path), 'utf8'), 'precious');
  // Whoever cleans up behind an attempt of that number does not reach into it, and its job folder goes elsewhere.
  await store.removeTree(join(bench.folder, 'jobs', '7'));
  assert.ok(existsSync(join(bench.folder, 'jobs', '7', 'thesis.txt')));
  await store.makeJobFolder(7 as AttemptId);
  assert.deepEqual(readdirSync(join(bench.folder, 'jobs', '7')), ['job.json']);
  const [aside] = readdirSync(join(bench.folder, 'set-aside'));
  assert.equal(readFileSync(join(bench.folder, 'set-aside', aside!, 'thesis.txt'), 'utf8'), 'precious');
});

test('what stands in the place of a store or of its database is refused and left as it is', (t) => {
  const base = temporaryFolder(t);
  writeFileSync(join(base, 'file'), 'precious');
  symlinkSync(join(base, 'nowhere'), join(base, 'dangling'));
  fill(join(base, 'text'), {'store.db': 'a text that is no database '.repeat(20)});
  fill(join(base, 'zero'), {'store.db': ''});
  fill(join(base, 'folder'), {'store.db/x': ''});
  for (const mode of ['delete', 'wal']) {
    const made = spawnSync(
      process.execPath,
      [
        '-e',
        `const D = require('better-sqlite3'); const d = new D(process.argv[1]);
         d.pragma('journal_mode = ${mode}'); d.exec('CREATE TABLE theirs (x)'); process.kill(process.pid, 'SIGKILL')`,
        join(fill(join(base, mode), {}), 'store.db'),
      ],
      {cwd: process.cwd(), encoding: 'utf8'},
    );
    assert.equal(made.signal, 'SIGKILL', made.stderr);
  }
  const expected = {
    file: 'bad-argument',
    dangling: 'bad-argument',
    text: 'not-a-store',
    zero: 'not-a-store',
    folder: 'not-a-store',
    delete: 'not-a-store',
    wal: 'not-a-store',
    '': 'folder-in-use',
  };
  const before = treeOf(base);
  for (const [name, reason] of Object.entries(expected)) {
    for (const mode of ['write', 'read'] as const)
      assert.equal(errorOf(() => openStore(join(base, name), {mode})).reason, reason, `${name}, ${mode}`);
  }
  assert.deepEqual(treeOf(base), before);
  assert.equal(errorOf(() => openStore('')).reason, 'bad-argument');
});

test('where no folder can be made, and where the current one has gone, that is said', (t) => {
  if (process.platform === 'linux')
    assert.throws(() => openStore('/proc/none/store'), {
      reason: 'bad-argument',
      message: /no folder can be made in \/proc/,
    });
  const gone = temporaryFolder(t);
  const index = JSON.stringify(new URL('../../../artifacts/index.js', import.meta.url).href);
  const code = `
    import {openStore} from ${index};
    try { openStore('.r1'); } catch (error) { console.log(error.name, error.message); }`;
  const module = join(fill(temporaryFolder(t), {'open.mjs': code}), 'open.mjs');
  const script = 'rmdir "$PWD" && exec "$0" "$1"';
  const {stdout} = spawnSync('sh', ['-c', script, process.execPath, module], {cwd: gone, encoding: 'utf8'});
  assert.match(stdout, /^UserError .*the folder you are in has been removed/);
});

test('a store without its database is told from one that was only begun', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'a', outputs: {out: {kind: 'model', files: {w: 'w'}}}});
  bench.end();
  bench.store.close();
  const without = join(bench.folder, '..', 'without');
  for (const make of [
    () => rmSync(join(without, 'store.db')),
    () => writeFileSync(join(without, 'store.db'), ''),
    () => {
      // A database, but without a table.
      const made = spawnSync(
        process.execPath,
        ['-e', `const D = require('better-sqlite3'); new D(process.argv[1]).exec('VACUUM')`, join(without, 'new.db')],
        {cwd: process.cwd(), encoding: 'utf8'},
      );
      assert.equal(made.status, 0, made.stderr);
      cpSync(join(without, 'new.db'), join(without, 'store.db'));
      rmSync(join(without, 'new.db'));
    },
  ]) {
    cpSync(bench.folder, without, {recursive: true});
    for (const name of ['store.db-wal', 'store.db-shm']) rmSync(join(without, name), {force: true});
    make();
    for (const mode of ['write', 'read'] as const)
      assert.equal(errorOf(() => openStore(without, {mode})).reason, 'store-damaged', mode);
    assert.ok(existsSync(join(without, 'blobs', 'sha256')));
    rmSync(without, {recursive: true});
  }
});

test('folders that a copy has lost are made again by a writer, and a reader does without', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'a', outputs: {out: {kind: 'model', files: {w: 'w'}}}});
  bench.end();
  bench.store.close();
  const copy = join(bench.folder, '..', 'copy');
  for (const lost of [['locks'], ['tmp'], ['trash'], ['blobs'], ['jobs'], ['locks', 'tmp', 'trash', 'jobs', 'blobs']]) {
    cpSync(bench.folder, copy, {recursive: true});
    for (const name of lost) rmSync(join(copy, name), {recursive: true});
    const reader = openStore(copy, {mode: 'read'});
    assert.equal(reader.runs().length, 1);
    assert.equal(reader.isAlive(bench.run), false);
    reader.findByFingerprint(reader.attempt(1 as AttemptId)!.fingerprint);
    assert.deepEqual(reader.orphans(), []);
    reader.close();
    assert.deepEqual(
      lost.filter((name) => existsSync(join(copy, name))),
      [],
      'a reader makes nothing',
    );
    const again = new Bench(t, {folder: copy});
    await again.make({node: 'b', outputs: {out: {kind: 'model', files: {w: 'other'}}}});
    again.end();
    await gc(again.store, {keepKinds: []}, '');
    again.store.close();
    mkdirSync(copy, {recursive: true});
    rmSync(copy, {recursive: true});
  }
});
