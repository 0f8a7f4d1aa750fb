import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {setImmediate as turn} from 'node:timers/promises';
import {exportArtifact} from '../../../artifacts/export/copy-out.js';
import {exportCommand} from '../../../bin/commands/export.js';
import {Bench, temporaryFolder} from '../../artifacts/temporary.js';
import {spoken} from '../spoken.js';
import {disk} from '../../../artifacts/files.js';
import {UserError} from '../../../artifacts/index.js';

const big = Buffer.alloc(2 << 20, 5);
const outputs = {
  model: {kind: 'model', files: {'config.json': '{}', 'deep/model.safetensors': big, 'empty/': ''}},
  history: {kind: 'history', files: {'rows.jsonl': ''}},
};

test('a model is copied, writable and without any link to the store', async (t) => {
  const bench = new Bench(t);
  const made = await bench.make({node: 'zero', outputs});
  const target = join(temporaryFolder(t), 'out', 'zero');
  const {out, code} = await spoken(exportCommand, bench.folder, ['zero', target]);
  assert.equal(code, 0);
  assert.match(out, /^model @[0-9a-f]{8}: 2 files, 2\.1 MB, in .*, with the model card README\.md$/);
  assert.deepEqual(readFileSync(join(target, 'deep', 'model.safetensors')), big);
  assert.ok(statSync(join(target, 'empty')).isDirectory());
  const stat = statSync(join(target, 'deep', 'model.safetensors'));
  assert.equal(stat.nlink, 1);
  assert.ok((stat.mode & 0o200) !== 0);
  writeFileSync(join(target, 'deep', 'model.safetensors'), 'mine now');
  assert.equal((await bench.store.describe(target, '')).files.length, 3); // with the card
  assert.equal(await bench.store.parts.blobs.check(made.outputs.model!.files[1]!.sha256, big.length), 'intact');
});

test('a wish to stop ends it and leaves nothing; a hangup that is ignored is none', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'zero', outputs});
  const before = process.env['_'];
  t.after(() => (process.env['_'] = before));
  process.env['_'] = '/usr/bin/nohup';
  for (const [signal, expected] of [
    ['SIGHUP', 0],
    ['SIGTERM', 130],
  ] as const) {
    const target = join(temporaryFolder(t), 'out');
    const listening = process.listenerCount(signal);
    const exporting = spoken(exportCommand, bench.folder, ['zero', target]);
    while (process.listenerCount(signal) === listening) await turn();
    process.emit(signal);
    assert.equal((await exporting).code, expected, signal);
    assert.equal(existsSync(target), expected === 0);
  }
});

test('a folder that is not empty is refused and left alone; an empty one is filled', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'zero', outputs});
  const target = temporaryFolder(t);
  writeFileSync(join(target, 'mine'), 'x');
  const refused = await spoken(exportCommand, bench.folder, ['zero', target]);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /is not empty/);
  assert.deepEqual(readdirSync(target), ['mine']);
  assert.equal((await spoken(exportCommand, bench.folder, ['zero', join(target, 'mine')])).code, 2);
  mkdirSync(join(target, 'empty'));
  assert.equal((await spoken(exportCommand, bench.folder, ['zero', join(target, 'empty')])).code, 0);
  const json = JSON.parse(
    (await spoken(exportCommand, bench.folder, ['zero:history', join(target, 'history'), '--json'])).out,
  ) as {kind: string};
  assert.equal(json.kind, 'history');
});

test('damaged bytes are not exported, and nothing is left behind', async (t) => {
  const bench = new Bench(t);
  const made = await bench.make({node: 'zero', outputs});
  const blob = bench.store.parts.blobs.path(made.outputs.model!.files[1]!.sha256);
  chmodSync(blob, 0o644);
  writeFileSync(blob, Buffer.alloc(2 << 20, 6));
  const parent = temporaryFolder(t);
  const {err, code} = await spoken(exportCommand, bench.folder, ['zero', join(parent, 'a', 'b')]);
  assert.equal(code, 2);
  assert.match(err, /deep\/model\.safetensors are damaged in the store/);
  assert.deepEqual(readdirSync(parent), []);
  await bench.store.removeTree(blob);
  await assert.rejects(exportArtifact(bench.store, made.outputs.model!.digest, join(parent, 'x')), {
    reason: 'bytes-missing',
  });
  assert.equal(existsSync(join(parent, 'x')), false);
});

/** Where it is exported to, below a folder with a file `f` and a link `loop` to itself → what is said. */
const NOWHERE: readonly (readonly [target: string, said: RegExp])[] = [
  ['f/x', /could not export to \S+\/f\/x: \S+\/f is a file\ngive another place/],
  ['f/x/y', /could not export to \S+\/f\/x\/y: \S+\/f is a file\ngive another place/],
  ['loop/x', /could not export to \S+\/loop\/x: a link in the path leads to itself\ngive another place/],
  ['n'.repeat(300), /could not export to \S+n: the path is too long\ngive another place/],
];

test('a place that cannot be written to is named, and the store is not blamed for it', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'zero', outputs});
  const parent = temporaryFolder(t);
  writeFileSync(join(parent, 'f'), '');
  symlinkSync('loop', join(parent, 'loop'));
  for (const node of ['zero', 'zero:history']) {
    for (const [target, said] of NOWHERE) {
      const {err, code} = await spoken(exportCommand, bench.folder, [node, join(parent, target)]);
      assert.equal(code, 2);
      assert.match(err, said);
      assert.doesNotMatch(err, /store|left behind/);
    }
  }
  assert.deepEqual(readdirSync(parent), ['f', 'loop']);
});

/** What the system says → what is said of it. */
const DENIED: Readonly<Record<string, RegExp>> = {
  EACCES: /permission denied.*\nfix the permissions there, or give another place/,
  EPERM: /permission denied.*\nfix the permissions there, or give another place/,
  EROFS: /nothing can be written there, only read.*\ngive another place/,
  ENOENT: /there is no such folder.*\ngive another place/,
  ENOSPC: /the disk is full.*\nfree some space there, or give another place/,
  EMLINK: /EMLINK: no.*\ngive another place/,
};

test('so is one to which the system lets nothing be written', async (t) => {
  for (const [code, said] of Object.entries(DENIED)) {
    let target = '';
    const makeFolder = (path: string): boolean => {
      if (path.startsWith(target) && target !== '') throw Object.assign(new Error(`${code}: no`), {code, path});
      return disk.makeFolder(path);
    };
    const bench = new Bench(t, {files: {...disk, makeFolder}});
    const made = await bench.make({node: 'zero', outputs});
    target = join(temporaryFolder(t), 'out');
    await assert.rejects(exportArtifact(bench.store, made.outputs.model!.digest, target), (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      const sentence = `${error.message}\n${error.hint}`;
      assert.ok(sentence.startsWith(`could not export to ${target}: `), sentence);
      assert.match(sentence, said);
      assert.doesNotMatch(sentence, /store/);
      return true;
    });
  }
});
