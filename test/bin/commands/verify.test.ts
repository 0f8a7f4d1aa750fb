import assert from 'node:assert/strict';
import {chmodSync, existsSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {gcCommand} from '../../../bin/commands/gc.js';
import {verifyCommand} from '../../../bin/commands/verify.js';
import {Bench, edge, temporaryFolder} from '../../artifacts/temporary.js';
import {spoken} from '../spoken.js';

const model = (content: string) => ({model: {kind: 'model', files: {'model.safetensors': content}}});

test('verify ends with 0 when all is well, and with 1 naming what was damaged and what was made from it', async (t) => {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: model('base')});
  await bench.make({node: 'sft', inputs: [edge(base, 'model')], outputs: model('sft')});
  const good = await spoken(verifyCommand, bench.folder, []);
  assert.equal(good.code, 0);
  assert.match(good.out, /^everything is as recorded: 2 files of 2 artifacts, 7 B$/);
  const blob = bench.store.parts.blobs.path(base.outputs.model!.files[0]!.sha256);
  chmodSync(blob, 0o644);
  writeFileSync(blob, 'bose');
  const bad = await spoken(verifyCommand, bench.folder, []);
  assert.equal(bad.code, 1);
  assert.match(bad.out, /damaged: other bytes than its name says/);
  assert.match(bad.out, /is model\.safetensors in model @[0-9a-f]{8}, made by base \(attempt 1, run 1\)/);
  assert.match(bad.out, /made from it: sft \(attempt 2, run 1\)/);
  const json = JSON.parse((await spoken(verifyCommand, bench.folder, ['--json'])).out) as {damaged: unknown[]};
  assert.equal(json.damaged.length, 1);
});

test('verify and gc do not make a store where none is', async (t) => {
  const folder = join(temporaryFolder(t), 'none');
  assert.equal((await spoken(verifyCommand, folder, [])).code, 2);
  assert.equal((await spoken(gcCommand, folder, [])).code, 2);
  assert.equal(existsSync(folder), false);
});

test('gc says in a dry run what stays and why, and how what would go can be had again', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'base', outputs: model('old bytes'), params: 1, wallMs: 61_000});
  bench.next();
  await bench.make({node: 'base', outputs: model('new bytes'), params: 2});
  bench.end();
  const blobs = () =>
    readdirSync(join(bench.folder, 'blobs', 'sha256'), {recursive: true}).filter((name) => String(name).length > 10)
      .length;
  const nothing = await spoken(gcCommand, bench.folder, ['--dry-run']);
  assert.match(nothing.out, /stays: 2 artifacts[\s\S]*nothing to remove\nevery run is kept; `--keep-runs N`/);
  const dry = await spoken(gcCommand, bench.folder, ['--dry-run', '--keep-runs', '1']);
  assert.match(dry.out, /stays: 1 artifacts\n  model @[0-9a-f]{8}  9 B  base of run 2\n/);
  assert.match(
    dry.out,
    /would go: 1 artifacts\n  model @[0-9a-f]{8}  9 B  base of run 1 made it; again in about 1 min 01 s\n/,
  );
  assert.match(dry.out, /would free 9 B in 1 files/);
  assert.equal(blobs(), 2);
  assert.match((await spoken(gcCommand, bench.folder, ['--keep-runs', '1'])).out, /freed 9 B/);
  assert.equal(blobs(), 1);
  const json = JSON.parse((await spoken(gcCommand, bench.folder, ['--dry-run', '--json'])).out) as {
    kept: {reasons: {because: string}[]}[];
  };
  assert.deepEqual(
    json.kept.map(({reasons}) => reasons.map(({because}) => because)),
    [['run']],
  );
});
