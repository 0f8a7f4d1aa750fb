import assert from 'node:assert/strict';
import {chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {exportArtifact} from '../../../artifacts/export/copy-out.js';
import {exportCommand} from '../../../bin/commands/export.js';
import {partsOf} from '../../../artifacts/store.js';
import {Bench, temporaryFolder} from '../../artifacts/temporary.js';
import {spoken} from '../spoken.js';

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
  assert.match(out, /^model @[0-9a-f]{8}: 2 files, 2\.1 MB, in /);
  assert.deepEqual(readFileSync(join(target, 'deep', 'model.safetensors')), big);
  assert.ok(statSync(join(target, 'empty')).isDirectory());
  const stat = statSync(join(target, 'deep', 'model.safetensors'));
  assert.equal(stat.nlink, 1);
  assert.ok((stat.mode & 0o200) !== 0);
  writeFileSync(join(target, 'deep', 'model.safetensors'), 'mine now');
  assert.equal((await bench.store.describe(target, '')).files.length, 2);
  assert.equal(await partsOf(bench.store).blobs.check(made.outputs.model!.files[1]!.sha256, big.length), 'intact');
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
  const blob = partsOf(bench.store).blobs.path(made.outputs.model!.files[1]!.sha256);
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
