/** The store under processes that die or collide. Each child is a real process; nothing is simulated. */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import {holdLockFile} from '../../artifacts/database/runner-lock.js';
import {openStore} from '../../artifacts/index.js';
import type {Artifact} from '../../artifacts/index.js';
import {Bench, fill, temporaryFolder} from './temporary.js';

const MIB = 1 << 20;
const INDEX = new URL('../../artifacts/index.js', import.meta.url).href;

/** Runs `body` with `store`, `folder` and `openStore` in a process of its own. */
function child(t: test.TestContext, storeFolder: string, folder: string, body: string): ChildProcess {
  const code = `
    import {openStore} from ${JSON.stringify(INDEX)};
    const [storeFolder, folder] = process.argv.slice(1);
    const store = openStore(storeFolder);
    ${body}`;
  const started = spawn(process.execPath, ['--input-type=module', '-e', code, storeFolder, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => started.kill('SIGKILL'));
  return started;
}

async function lineFrom(process: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of process.stdout!) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text.trim();
}

test('a process that is killed while it stores leaves no half blob, and the next one stores the rest', async (t) => {
  const files = Object.fromEntries(
    Array.from({length: 24}, (_, index) => [`f${index}`, Buffer.alloc(MIB + index, index)]),
  );
  const folder = fill(temporaryFolder(t), files);
  const storeFolder = join(temporaryFolder(t), 'store');
  openStore(storeFolder).close();
  let artifact: Artifact | undefined;
  for (let round = 0; round < 8; round++) {
    const process = child(
      t,
      storeFolder,
      folder,
      `console.log('ready'); await store.ingest(folder, 'model'); console.log('done')`,
    );
    await lineFrom(process);
    await sleep(round * 4);
    process.kill('SIGKILL');
    await once(process, 'exit');
    const store = openStore(storeFolder);
    const {blobs} = store.parts;
    artifact ??= await store.describe(folder, 'model');
    for (const file of artifact.files)
      assert.notEqual(await blobs.check(file.sha256, file.bytes), 'damaged', `round ${round}`);
    store.close();
  }
  const bench = new Bench(t, {folder: storeFolder});
  const stored = await bench.store.ingest(folder, 'model');
  bench.store.recordSource({run: bench.run, node: 'm', artifact: stored, path: folder, because: 'given'});
  assert.equal(bench.store.isPresent(artifact!.digest), true);
});

test('two processes that store the same bytes at once both succeed', async (t) => {
  const files = Object.fromEntries(
    Array.from({length: 40}, (_, index) => [`f${index}`, Buffer.alloc(index * 5000, index)]),
  );
  const folder = fill(temporaryFolder(t), files);
  const storeFolder = join(temporaryFolder(t), 'store');
  openStore(storeFolder).close();
  const body = `console.log((await store.ingest(folder, 'model')).digest)`;
  const lines = await Promise.all([1, 2, 3].map(() => lineFrom(child(t, storeFolder, folder, body))));
  const bench = new Bench(t, {folder: storeFolder});
  const {blobs} = bench.store.parts;
  const artifact = await bench.store.describe(folder, 'model');
  assert.deepEqual(lines, [artifact.digest, artifact.digest, artifact.digest]);
  for (const file of artifact.files) assert.equal(await blobs.check(file.sha256, file.bytes), 'intact');
  assert.deepEqual(readdirSync(join(storeFolder, 'tmp')), []);
});

test('many processes that open a store that was not there yet all get it', async (t) => {
  for (let round = 0; round < 4; round++) {
    const storeFolder = join(temporaryFolder(t), 'store');
    const body = `
      store.close();
      for (let again = 0; again < 50; again++) openStore(storeFolder).close();
      console.log('opened')`;
    const opened = Array.from({length: 6}, () => lineFrom(child(t, storeFolder, '', body)));
    assert.deepEqual(await Promise.all(opened), Array<string>(6).fill('opened'));
    assert.deepEqual(readdirSync(join(storeFolder, 'reserve')), ['0', '1', '2', '3']);
  }
});

test('a file of the reserve that another process makes or removes first is as good', (t) => {
  const {files} = new Bench(t).store.parts;
  const quicker = {
    ...files,
    writeSmall(path: string, bytes: Uint8Array) {
      if (path.includes('/reserve/')) files.writeSmall(path, bytes);
      files.writeSmall(path, bytes);
    },
    remove(path: string) {
      files.remove(path);
      return files.remove(path);
    },
  };
  const folder = join(temporaryFolder(t), 'store');
  openStore(folder, {files: quicker}).close();
  writeFileSync(join(folder, 'reserve', '2'), 'cut short');
  openStore(folder, {files: quicker}).close();
  assert.equal(statSync(join(folder, 'reserve', '2')).size, 64 << 10);
});

test('collections at once beside a runner: each succeeds, what goes is gone, and the runner keeps its lock', async (t) => {
  const bench = new Bench(t, {folder: join(temporaryFolder(t), 'store')});
  const keep = bench.run;
  const body = `
    const {gc} = await import(${JSON.stringify(new URL('../../artifacts/upkeep/gc.js', import.meta.url).href)});
    for (let round = 0; round < 20; round++) await gc(store, {keepRuns: 0, keepKinds: []}, 'r1 gc');
    console.log('collected')`;
  const collecting = [1, 2, 3].map(() => lineFrom(child(t, bench.folder, '', body)));
  const over = new AbortController();
  const watched = (async () => {
    while (!over.signal.aborted) {
      const run = bench.store.beginRun({recipe: 'x', seed: 0, plan: {nodes: []}, command: ''});
      const lock = bench.store.holdRunnerLock(run);
      assert.ok(lock !== undefined && bench.store.isAlive(keep) && bench.store.isAlive(run));
      lock.release();
      await sleep(1);
    }
  })();
  const lines = await Promise.all(collecting);
  over.abort();
  await watched;
  assert.deepEqual(lines, ['collected', 'collected', 'collected']);
  assert.equal(bench.store.isAlive(keep), true);
  assert.deepEqual(readdirSync(join(bench.folder, 'trash')), []);
});

test('a lock file that is taken away while it is being locked is made again', (t) => {
  const file = join(temporaryFolder(t), 'run-1.lock');
  writeFileSync(file, '');
  const {pragma} = Sqlite.prototype;
  const take = function (this: Sqlite.Database, ...words: Parameters<typeof pragma>): unknown {
    rmSync(file, {force: true});
    return pragma.apply(this, words);
  };
  t.mock.method(Sqlite.prototype, 'pragma', take, {times: 1});
  const lock = holdLockFile(file);
  assert.ok(lock !== undefined && existsSync(file));
  lock.close();
});

test('a runner’s lock dies with it, and its attempt is an orphan then', async (t) => {
  const storeFolder = join(temporaryFolder(t), 'store');
  const bench = new Bench(t, {folder: storeFolder});
  const process = child(
    t,
    storeFolder,
    '',
    `const run = store.beginRun({recipe: 'x', seed: 0, plan: null, command: ''});
     globalThis.lock = store.holdRunnerLock(run);
     const begun = store.beginAttempt({run, node: 'n', stage: 's', fingerprint: '0'.repeat(64), ingredients: {}, params: {}, seed: 0, because: '', inputs: []});
     console.log(begun.state, run);
     setInterval(() => undefined, 1000);`,
  );
  const [state, id] = (await lineFrom(process)).split(' ');
  assert.equal(state, 'claimed');
  const run = bench.store.runs()[0]!.id;
  assert.equal(run, Number(id));
  assert.equal(bench.store.isAlive(run), true);
  assert.equal(bench.store.holdRunnerLock(run), undefined);
  process.kill('SIGSTOP');
  assert.equal(bench.store.isAlive(run), true, 'suspended is not dead');
  process.kill('SIGKILL');
  await once(process, 'exit');
  assert.equal(bench.store.isAlive(run), false);
  assert.deepEqual(
    bench.store.orphans().map(({node}) => node),
    ['n'],
  );
  assert.ok(bench.store.holdRunnerLock(run) !== undefined);
});

test('a sweep takes the locks of dead runs and leaves those of living ones', async (t) => {
  const storeFolder = join(temporaryFolder(t), 'store');
  const bench = new Bench(t, {folder: storeFolder});
  bench.end();
  const process = child(
    t,
    storeFolder,
    '',
    `const run = store.beginRun({recipe: 'x', seed: 0, plan: null, command: ''});
     globalThis.lock = store.holdRunnerLock(run);
     console.log(run);
     setInterval(() => undefined, 1000);`,
  );
  const run = Number(await lineFrom(process)) as typeof bench.run;
  const mine = bench.begin();
  const {layout, locks} = bench.store.parts;
  locks.sweep();
  const left = readdirSync(layout.locks).filter((name) => /^run-.*lock$/.test(name));
  assert.deepEqual(left, [`run-${run}.lock`, `run-${mine}.lock`]);
  assert.equal(bench.store.isAlive(run), true);
  assert.equal(bench.store.isAlive(mine), true);
  assert.equal(bench.store.holdRunnerLock(run), undefined);
  // A run whose lock was swept can be held again, by one at a time.
  const other = openStore(storeFolder);
  t.after(() => other.close());
  assert.ok(other.holdRunnerLock(1 as typeof bench.run) !== undefined);
  assert.equal(bench.store.holdRunnerLock(1 as typeof bench.run), undefined);
});

test('eight processes that want the same node run it once', async (t) => {
  const storeFolder = join(temporaryFolder(t), 'store');
  openStore(storeFolder).close();
  const body = `
    import {mkdirSync, writeFileSync} from 'node:fs';
    const run = store.beginRun({recipe: 'x', seed: 0, plan: null, command: ''});
    globalThis.lock = store.holdRunnerLock(run);
    for (;;) {
      const begun = store.beginAttempt({run, node: 'n', stage: 's', fingerprint: '1'.repeat(64), ingredients: {}, params: {}, seed: 0, because: '', inputs: []});
      if (begun.state === 'claimed') {
        mkdirSync(begun.jobFolder + '/out', {recursive: true});
        writeFileSync(begun.jobFolder + '/out/w', 'weights');
        await new Promise((done) => setTimeout(done, 50));
        await store.withoutGc(async () => {
          const model = await store.ingest(begun.jobFolder + '/out', 'model', {own: true});
          store.finishAttempt({...begun, outcome: {ok: true, reason: 'succeeded', detail: null}, outputs: {model}});
        });
        console.log('ran');
        break;
      }
      if (begun.state === 'done') {
        console.log('reused', store.recordDecisions([{run, node: 'n', action: 'reuse', attempt: begun.attempt, because: ''}]).length);
        break;
      }
      await new Promise((done) => setTimeout(done, 5));
    }`;
  const lines = await Promise.all(Array.from({length: 8}, () => lineFrom(child(t, storeFolder, '', body))));
  assert.deepEqual(lines.sort(), ['ran', ...Array<string>(7).fill('reused 0')]);
});
