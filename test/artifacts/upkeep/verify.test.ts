import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import type {Digest, Store} from '../../../artifacts/index.js';
import {verify} from '../../../artifacts/upkeep/verify.js';
import type {VerifyOptions, VerifyProgress, VerifyReport} from '../../../artifacts/upkeep/verify.js';
import {Bench, edge, fill, temporaryFolder} from '../temporary.js';
import type {Made} from '../temporary.js';

async function report(
  bench: {readonly store: Store},
  options: VerifyOptions = {},
  onStep: (progress: VerifyProgress) => void = () => undefined,
): Promise<VerifyReport> {
  const steps = verify(bench.store, options);
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return step.value;
    onStep(step.value);
  }
}

const blobOf = (bench: Bench, sha: Digest): string => bench.store.parts.blobs.path(sha);

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
}

/** base ─→ data ─→ sft ─→ rl, and `other` beside them. */
async function chain(bench: Bench): Promise<Record<'base' | 'data' | 'sft' | 'rl' | 'other', Made>> {
  const out = (content: string) => ({out: {kind: 'model', files: {w: content}}});
  const base = await bench.make({node: 'base', outputs: out('base base')});
  const data = await bench.make({node: 'data', inputs: [edge(base, 'out', 'in')], outputs: out('data data')});
  const sft = await bench.make({node: 'sft', inputs: [edge(data, 'out', 'in')], outputs: out('sft sft')});
  const rl = await bench.make({node: 'rl', inputs: [edge(sft, 'out', 'in')], outputs: out('rl rl')});
  const other = await bench.make({node: 'other', outputs: out('other')});
  return {base, data, sft, rl, other};
}

test('an untouched store is as recorded', async (t) => {
  const bench = new Bench(t);
  await chain(bench);
  const steps: string[] = [];
  const found = await report(bench, {}, ({step}) => steps.push(step));
  assert.deepEqual(found, {
    artifacts: 5,
    blobs: 5,
    bytes: 35,
    resumedAfter: 0,
    collected: 0,
    database: [],
    manifests: [],
    damaged: [],
    foreign: [],
    putOutOfUse: true,
  });
  assert.deepEqual([...new Set(steps)], ['database', 'manifests', 'bytes']);
});

test('a text of the database that was changed behind its back is named', async (t) => {
  const bench = new Bench(t);
  const {data} = await chain(bench);
  const {db} = bench.store.parts;
  const {id} = db.prepare<{id: number}>('SELECT ingredients AS id FROM attempt WHERE id = ?').get(data.attempt)!;
  for (const table of ['document', 'outcome']) db.prepare(`DROP TRIGGER ${table}_is_never_changed`).run();
  db.prepare("UPDATE document SET json = replace(json, '{', '[') WHERE id = ?").run(id);
  db.prepare("UPDATE outcome SET detail = 'nul' WHERE attempt = ?").run(data.attempt);
  const {database, manifests, damaged} = await report(bench);
  assert.deepEqual(database, [
    `document ${id} has another text than its digest says`,
    `the detail of outcome ${data.attempt} is no JSON`,
  ]);
  assert.deepEqual([manifests, damaged], [[], []]);
});

test('one flipped byte names the blob, its artifact and every descendant, and puts it out of use', async (t) => {
  const bench = new Bench(t);
  const {data, sft, rl} = await chain(bench);
  const {sha256} = data.outputs.out!.files[0]!;
  flip(blobOf(bench, sha256));
  const {damaged} = await report(bench);
  assert.equal(damaged.length, 1);
  const {state, files, descendants, path} = damaged[0]!;
  assert.equal(state, 'damaged');
  assert.equal(path, blobOf(bench, sha256));
  assert.deepEqual(files, [
    {
      artifact: data.outputs.out!.digest,
      kind: 'model',
      path: 'w',
      makers: [{attempt: data.attempt, node: 'data', run: bench.run}],
    },
  ]);
  assert.deepEqual(
    descendants.map(({attempt}) => attempt),
    [sft.attempt, rl.attempt],
  );
  assert.equal(bench.store.findByFingerprint(bench.store.attempt(data.attempt)!.fingerprint), undefined);
  assert.equal((await report(bench)).damaged.length, 1, 'and says so again');
  flip(blobOf(bench, sha256));
  assert.equal((await report(bench)).damaged.length, 0, 'until the byte is flipped back');
  assert.equal(bench.store.findByFingerprint(bench.store.attempt(data.attempt)!.fingerprint)?.attempt, data.attempt);
});

test('a flip that leaves size and stamps alone is found as well', async (t) => {
  const bench = new Bench(t);
  const big = Buffer.alloc(3 << 20, 1);
  const made = await bench.make({node: 'base', outputs: {model: {kind: 'model', files: {w: big}}}});
  const {sha256} = made.outputs.model!.files[0]!;
  flip(blobOf(bench, sha256));
  // As if the disk itself had changed a byte: the stat cache is sure of the file as it is now.
  const {cache, files} = bench.store.parts;
  cache.remember([{stat: files.stat(blobOf(bench, sha256))!, sha256, seenAt: Date.now() + 1000}]);
  assert.equal((await report(bench)).damaged.length, 1);
  await assert.rejects(bench.store.materialise(made.outputs.model!.digest, `${bench.folder}/jobs/x`), {
    reason: 'bytes-damaged',
  });
});

test('a missing blob is told', async (t) => {
  const bench = new Bench(t);
  const {base, rl} = await chain(bench);
  await bench.store.removeTree(blobOf(bench, base.outputs.out!.files[0]!.sha256));
  const {damaged} = await report(bench);
  assert.deepEqual(
    damaged.map(({state}) => state),
    ['missing'],
  );
  assert.equal(damaged[0]!.descendants.at(-1)!.attempt, rl.attempt);
});

test('an interrupted verification goes on where it was, and still tells what it had found', async (t) => {
  const bench = new Bench(t);
  // More blobs than are read between two marks.
  const files = Object.fromEntries(Array.from({length: 2100}, (_, index) => [`f${index}`, `content ${index}`]));
  const made = await bench.make({node: 'many', outputs: {data: {kind: 'dataset', files}}});
  const first = [...made.outputs.data!.files].sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1))[0]!;
  flip(blobOf(bench, first.sha256));
  for await (const {step, done} of verify(bench.store)) if (step === 'bytes' && done > 0) break; // interrupted
  const resumed = await report(bench);
  assert.equal(resumed.resumedAfter, 2000);
  assert.deepEqual(
    resumed.damaged.map(({sha256}) => sha256),
    [first.sha256],
  );
  assert.equal((await report(bench)).resumedAfter, 0, 'a finished one leaves no mark');
});

test('a changed record is told from a changed file', async (t) => {
  const bench = new Bench(t);
  const {base} = await chain(bench);
  const {db} = bench.store.parts;
  db.prepare('DROP TRIGGER artifact_file_is_never_changed').run();
  db.prepare(`UPDATE artifact_file SET path = 'v' WHERE artifact = 1`).run();
  const found = await report(bench);
  assert.deepEqual(found.manifests, [base.outputs.out!.digest]);
  assert.deepEqual(found.damaged, []);
});

test('a link, a folder, a pipe and a file of another size in the place of a blob are named, never opened, and put out of use', async (t) => {
  const bench = new Bench(t);
  const outside = fill(temporaryFolder(t), {copy: 'rl rl'});
  const made = await chain(bench);
  const pathOf = (name: keyof typeof made): string =>
    bench.store.parts.blobs.path(made[name].outputs.out!.files[0]!.sha256);
  const replace = (name: keyof typeof made, by: (path: string) => void): void => {
    rmSync(pathOf(name));
    by(pathOf(name));
  };
  replace('base', (path) => fill(path, {'x/y': 'precious'}));
  replace('data', (path) => assert.equal(spawnSync('mkfifo', [path]).status, 0));
  replace('rl', (path) => symlinkSync(join(outside, 'copy'), path));
  replace('other', (path) => writeFileSync(path, 'longer than before'));
  const shard = dirname(pathOf('sft'));
  renameSync(shard, join(outside, 'shard'));
  symlinkSync(join(outside, 'shard'), shard);

  const reader = openStore(bench.folder, {mode: 'read'});
  const seen = await report({store: reader});
  reader.close();
  assert.equal(seen.damaged.length, 5, 'a reader names them');
  assert.equal(existsSync(join(bench.folder, 'set-aside')), false, 'and changes nothing');

  const {damaged} = await report(bench);
  const because = Object.fromEntries(
    damaged.map(({files, because: why}) => [files[0]!.makers[0]!.node, why.replace(/; it was moved to .*/, '; moved')]),
  );
  assert.deepEqual(because, {
    base: 'a folder is in its place; moved',
    data: 'something that is neither a file nor a folder is in its place; moved',
    sft: 'a symbolic link is in the place of its folder; moved',
    rl: 'a symbolic link is in its place; moved',
    other: '18 bytes instead of 5',
  });
  for (const {outputs} of Object.values(made)) assert.equal(bench.store.isPresent(outputs.out!.digest), false);
  assert.equal(readFileSync(join(outside, 'copy'), 'utf8'), 'rl rl');
  // What is made again goes where it belongs.
  const again = new Bench(t, {folder: bench.folder});
  for (const content of ['base base', 'data data', 'sft sft', 'rl rl', 'other'])
    await again.store.ingest(fill(temporaryFolder(t), {w: content}), 'model');
  assert.deepEqual((await report(again)).damaged, []);
});

test('a blob that somebody made writable is read-only again', async (t) => {
  const bench = new Bench(t);
  const {base} = await chain(bench);
  const blob = bench.store.parts.blobs.path(base.outputs.out!.files[0]!.sha256);
  chmodSync(blob, 0o644);
  assert.deepEqual((await report(bench)).damaged, []);
  assert.equal(statSync(blob).mode & 0o222, 0);
});
