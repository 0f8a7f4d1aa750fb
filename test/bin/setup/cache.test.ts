import assert from 'node:assert/strict';
import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {hostname, tmpdir} from 'node:os';
import path from 'node:path';
import {after, beforeEach, test} from 'node:test';
import {promisify} from 'node:util';
import {load, setupFolder} from './load.js';

const {ensureEntry, place} = await load('cache');
const {withLock} = await load('lock');

const folder = mkdtempSync(path.join(tmpdir(), 'r1-cache-'));
process.env['R1_CACHE'] = path.join(folder, 'cache');
after(() => rmSync(folder, {recursive: true}));
beforeEach(() => rmSync(path.join(folder, 'cache'), {recursive: true, force: true}));

/** Fills an entry with one library; counts how often. */
function filler(content = 'bytes') {
  let fills = 0;
  const fill = async (draft: string) => {
    fills++;
    mkdirSync(path.join(draft, 'lib'));
    writeFileSync(path.join(draft, 'lib', 'a.so'), content);
  };
  return {fill, fills: () => fills};
}

test('an entry is filled once, and then found', async () => {
  const {fill, fills} = filler();
  const entry = await ensureEntry('test', 'thing-1.0', fill);
  assert.equal(await ensureEntry('test', 'thing-1.0', fill), entry);
  assert.equal(fills(), 1);
  assert.equal(readFileSync(path.join(entry, 'lib', 'a.so'), 'utf8'), 'bytes');
});

test('one changed byte, one missing file, or a longer file make an entry be filled anew', async () => {
  const {fill, fills} = filler();
  const entry = await ensureEntry('test', 'thing-1.0', fill);
  const file = path.join(entry, 'lib', 'a.so');
  for (const damage of [
    () => writeFileSync(file, 'bytez'),
    () => rmSync(file),
    () => writeFileSync(file, 'bytes and more'),
  ]) {
    damage();
    await ensureEntry('test', 'thing-1.0', fill);
    assert.equal(readFileSync(file, 'utf8'), 'bytes');
  }
  assert.equal(fills(), 4);
});

test('a filling that fails leaves nothing that could be taken for whole', async () => {
  const interrupted = ensureEntry('test', 'thing-1.0', async (draft) => {
    writeFileSync(path.join(draft, 'a.so'), 'half');
    throw new Error('the network went away');
  });
  await assert.rejects(interrupted, /network/);
  assert.deepEqual(readdirSync(path.join(folder, 'cache')), []);
});

test('what a killed set-up left behind is not used', async () => {
  const cache = path.join(folder, 'cache');
  mkdirSync(path.join(cache, 'thing-1.0.part', 'lib'), {recursive: true});
  writeFileSync(path.join(cache, 'thing-1.0.part', 'lib', 'b.so'), 'left behind');
  const entry = await ensureEntry('test', 'thing-1.0', filler().fill);
  assert.deepEqual(readdirSync(path.join(entry, 'lib')), ['a.so']);
  assert.deepEqual(readdirSync(cache), ['thing-1.0']);
});

test('placing links the files, replaces what was there, and leaves the list behind', async () => {
  const entry = await ensureEntry('test', 'thing-1.0', filler().fill);
  const target = path.join(folder, 'clone', 'deps');
  mkdirSync(target, {recursive: true});
  writeFileSync(path.join(target, 'old.so'), 'old');
  await place(entry, target);
  assert.deepEqual(readdirSync(target), ['lib']);
  assert.equal(statSync(path.join(target, 'lib', 'a.so')).ino, statSync(path.join(entry, 'lib', 'a.so')).ino);
});

test('processes that fill the same entry at once fill it once', async () => {
  const log = path.join(folder, 'fills.log');
  const script = `
    import {appendFileSync, writeFileSync} from 'node:fs';
    const {ensureEntry} = await import(${JSON.stringify(new URL('cache.js', setupFolder).href)});
    await ensureEntry('test', 'shared-1.0', async (draft) => {
      appendFileSync(${JSON.stringify(log)}, 'filled\\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
      writeFileSync(draft + '/a.so', 'bytes');
    });`;
  const run = promisify(execFile);
  await Promise.all([1, 2, 3, 4].map(() => run(process.execPath, ['--input-type=module', '-e', script])));
  assert.equal(readFileSync(log, 'utf8'), 'filled\n');
});

test('a lock is waited for while its process lives, and taken over when it was killed', async () => {
  const file = path.join(folder, 'locks', 'clone.lock');
  const script = `
    const {withLock} = await import(${JSON.stringify(new URL('lock.js', setupFolder).href)});
    await withLock(${JSON.stringify(file)}, () => {}, () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000); }));`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {stdio: ['ignore', 'pipe', 'inherit']});
  await once(holder.stdout, 'data');
  let waitedFor = 0;
  const work = withLock(
    file,
    (pid) => {
      waitedFor = pid;
      holder.kill('SIGKILL');
    },
    async () => 'done',
  );
  assert.equal(await work, 'done');
  assert.equal(waitedFor, holder.pid);
  assert.equal(existsSync(file), false);
});

test('a lock whose pid now belongs to another process is stale', async () => {
  const file = path.join(folder, 'reused.lock');
  writeFileSync(file, JSON.stringify({pid: process.pid, start: '1', host: hostname()}));
  assert.equal(
    await withLock(
      file,
      () => assert.fail('nobody holds it'),
      async () => 'done',
    ),
    'done',
  );
});

test('an ended set-up takes its lock along', async () => {
  const file = path.join(folder, 'ended.lock');
  const script = `
    const {withLock} = await import(${JSON.stringify(new URL('lock.js', setupFolder).href)});
    await withLock(${JSON.stringify(file)}, () => {}, () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000); }));`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {stdio: ['ignore', 'pipe', 'inherit']});
  await once(holder.stdout, 'data');
  assert.equal(existsSync(file), true);
  holder.kill('SIGTERM');
  const [code] = (await once(holder, 'close')) as [number | null];
  assert.equal(code, 130);
  assert.equal(existsSync(file), false);
});
