import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {UserError, sha256} from '../../../artifacts/index.js';
import type {AttemptId, Digest, UserErrorReason} from '../../../artifacts/index.js';
import {Bench, fill, temporaryFolder} from '../temporary.js';

/** Above 1 MiB, where files are linked and not copied. */
const big = (byte: number): Uint8Array => new Uint8Array((1 << 20) + 1).fill(byte);

const isUserError = (reason: UserErrorReason) => (error: unknown) =>
  error instanceof UserError && error.reason === reason;

const blobOf = (bench: Bench, sha: Digest): string => bench.store.parts.blobs.path(sha);

test('a large input that was made writable is read-only again in the store, and replacing a link hides nothing', async (t) => {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: {model: {kind: 'model', files: {weights: big(1)}}}});
  const {digest} = base.outputs.model!;
  const blob = blobOf(bench, sha256(big(1)));
  const root = temporaryFolder(t);
  const placed = await bench.store.materialise(digest, join(root, 'first'));
  const input = join(placed.path, 'weights');
  if (statSync(blob).ino !== statSync(input).ino) {
    t.skip('this file system has reflinks');
    return;
  }
  chmodSync(input, 0o666);
  assert.deepEqual(await bench.store.inputsIntact([placed]), []);
  assert.equal(statSync(blob).mode & 0o222, 0);

  writeFileSync(input, big(2));
  rmSync(input);
  writeFileSync(input, big(1));
  assert.deepEqual(await bench.store.inputsIntact([placed]), [{artifact: digest, file: 'weights', blobDamaged: true}]);
  assert.equal(bench.store.isPresent(digest), false);
});

test('what lies in the place of a blob and is none is put out of the way, kept, and replaced by the bytes', async (t) => {
  const bench = new Bench(t);
  const contents = {a: 'aaa', b: big(4)};
  const folder = fill(temporaryFolder(t), contents);
  const artifact = (await bench.make({node: 'n', outputs: {out: {kind: 'dataset', files: contents}}})).outputs.out!;
  const outside = fill(temporaryFolder(t), {'outside/x': 'precious', copy: big(4), small: 'aaa'});
  const replaceBy: Record<string, (blob: string, name: string) => void> = {
    link: (blob, name) => symlinkSync(join(outside, name === 'b' ? 'copy' : 'small'), blob),
    folder: (blob) => fill(blob, {'x/y': 'precious'}),
    pipe: (blob) => assert.equal(spawnSync('mkfifo', [blob]).status, 0),
  };
  for (const [what, replace] of Object.entries(replaceBy)) {
    for (const {path, sha256: name} of artifact.files) {
      rmSync(blobOf(bench, name), {force: true});
      replace(blobOf(bench, name), path);
      assert.equal(bench.store.isPresent(artifact.digest), false, what);
      const target = join(outside, `${what} ${path}`);
      await assert.rejects(bench.store.materialise(artifact.digest, target), isUserError('bytes-missing'));
      await bench.store.ingest(folder, 'dataset');
      assert.ok(bench.store.isPresent(artifact.digest));
      await bench.store.materialise(artifact.digest, target);
    }
  }
  // Where the folder of blobs itself is a file, or leads out of the store.
  const shard = join(blobOf(bench, artifact.files[0]!.sha256), '..');
  for (const replace of [() => writeFileSync(shard, 'precious'), () => symlinkSync(join(outside, 'outside'), shard)]) {
    rmSync(shard, {recursive: true});
    replace();
    const later = new Bench(t, {folder: bench.folder});
    await later.store.ingest(folder, 'dataset');
    assert.ok(later.store.isPresent(artifact.digest));
    assert.ok(statSync(shard).isDirectory());
  }
  assert.equal(readdirSync(join(bench.folder, 'set-aside')).length, 8);
  assert.deepEqual(readdirSync(join(outside, 'outside')), ['x']);
});

test('a blob that may not be read is as good as damaged, and stored anew', async (t) => {
  const bench = new Bench(t);
  const contents = {b: big(4)};
  const folder = fill(temporaryFolder(t), contents);
  const artifact = (await bench.make({node: 'n', outputs: {out: {kind: 'dataset', files: contents}}})).outputs.out!;
  const {files} = bench.store.parts;
  const blob = blobOf(bench, artifact.files[0]!.sha256);
  let denied = true;
  const hindered = new Bench(t, {
    folder: bench.folder,
    files: {
      ...files,
      // As of somebody else who has made it and keeps it to himself; root could read it.
      stat: (path) => {
        const stat = files.stat(path);
        return path === blob && denied && stat !== undefined ? {...stat, ctimeNs: stat.ctimeNs + 1n} : stat;
      },
      read: (path, onChunk) =>
        path === blob && denied
          ? Promise.reject(Object.assign(new Error('EACCES: permission denied'), {code: 'EACCES'}))
          : files.read(path, onChunk),
      rename(from, to) {
        files.rename(from, to);
        if (to === blob) denied = false;
      },
    },
  });
  const target = join(temporaryFolder(t), 'x');
  await assert.rejects(hindered.store.materialise(artifact.digest, target), isUserError('bytes-damaged'));
  assert.equal(hindered.store.isPresent(artifact.digest), false);
  await hindered.store.ingest(folder, 'dataset', {own: true});
  assert.equal(denied, false);
  assert.ok(hindered.store.isPresent(artifact.digest));
});

test('who still holds an output open cannot change what was stored of it, or is found out', async (t) => {
  const bench = new Bench(t);
  const job = fill(await bench.store.makeJobFolder(1 as AttemptId), {'out/small': 'clean', 'out/large': big(1)});
  const held = ['small', 'large'].map((name) => openSync(join(job, 'out', name), 'r+'));
  const out = await bench.store.ingest(join(job, 'out'), 'model', {own: true});
  const linked = statSync(blobOf(bench, sha256(big(1)))).nlink > 1;
  for (const file of held) {
    writeSync(file, 'EVIL', 0);
    closeSync(file);
  }
  assert.equal(readFileSync(blobOf(bench, sha256('clean')), 'utf8'), 'clean');
  const {db, blobs} = bench.store.parts;
  assert.deepEqual(await blobs.changedSince(), linked ? [sha256(big(1))] : []);
  assert.equal(db.prepare<{n: number}>('SELECT count(*) AS n FROM quarantine').get()?.n, linked ? 1 : 0);
  assert.equal(out.files.length, 2);
});

test('a large file that is written to between its hash and its place is not vouched for', async (t) => {
  const bench = new Bench(t);
  const {files} = bench.store.parts;
  let evil = true;
  const raced = new Bench(t, {
    folder: bench.folder,
    files: {
      ...files,
      clone: () => false,
      link(from, to) {
        if (evil) writeFileSync(from, 'EVIL', {flag: 'r+'});
        evil = false;
        files.link(from, to);
      },
    },
  });
  const job = fill(await raced.store.makeJobFolder(1 as AttemptId), {'out/large': big(1)});
  await raced.store.ingest(join(job, 'out'), 'model', {own: true});
  assert.equal(evil, false);
  assert.deepEqual(await raced.store.parts.blobs.changedSince(), [sha256(big(1))]);
});
