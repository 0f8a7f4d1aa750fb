import assert from 'node:assert/strict';
import {rmSync, symlinkSync, writeFileSync} from 'node:fs';
import test from 'node:test';
import {digestOf} from '../../../artifacts/index.js';
import type {Digest} from '../../../artifacts/index.js';
import {Bench} from '../temporary.js';
import type {Made, Making} from '../temporary.js';

const fingerprint = digestOf('fingerprint', 'n');
const again = {more: {force: true}};

const make = (bench: Bench, outputs: Making['outputs'], rest: Partial<Making> = {}): Promise<Made> =>
  bench.make({node: 'n', fingerprint, outputs, ...rest});

/** The blobs of one output, by their paths in it. */
function blobsOf(bench: Bench, {outputs}: Made, port = 'out'): ReadonlyMap<string, {sha256: Digest; at: string}> {
  const {blobs} = bench.store.parts;
  return new Map(outputs[port]!.files.map(({path, sha256}) => [path, {sha256, at: blobs.path(sha256)}]));
}

const one = (content: string): Making['outputs'] => ({out: {kind: 'model', files: {w: content}}});

test('a fingerprint is found with every output, of however many files', async (t) => {
  const bench = new Bench(t);
  const made = await make(bench, {
    b: {kind: 'model', files: {'x/1': '1', 'x/2': '2', y: '3'}},
    a: {kind: 'text', files: {z: '4'}},
    empty: {kind: 'dataset', files: {'nothing/': ''}},
  });
  const outputs = Object.fromEntries(Object.entries(made.outputs).map(([port, {digest}]) => [port, digest]));
  const found = bench.store.findByFingerprint(fingerprint);
  assert.deepEqual(found, {attempt: made.attempt, outputs});
  assert.deepEqual(Object.keys(found.outputs), ['a', 'b', 'empty']);
  rmSync(blobsOf(bench, made, 'b').get('x/2')!.at);
  assert.equal(bench.store.findByFingerprint(fingerprint), undefined, 'one file of many is enough to miss');
});

test('an attempt without outputs can be used again', async (t) => {
  const bench = new Bench(t);
  const {attempt} = await make(bench, {});
  assert.deepEqual(bench.store.findByFingerprint(fingerprint), {attempt, outputs: {}});
});

test('a folder without files is there as long as it is known', async (t) => {
  const bench = new Bench(t);
  const {attempt, outputs} = await make(bench, {out: {kind: 'model', files: {}}});
  assert.deepEqual(bench.store.findByFingerprint(fingerprint), {attempt, outputs: {out: outputs.out!.digest}});
});

test('a blob of another size, one in quarantine and a link in its place are a miss', async (t) => {
  const bench = new Bench(t);
  const made = await make(bench, one('weights'));
  const {sha256, at} = blobsOf(bench, made).get('w')!;
  const found = (): number | undefined => bench.store.findByFingerprint(fingerprint)?.attempt;
  assert.equal(found(), made.attempt);
  const {quarantine} = bench.store.parts;
  quarantine.add(sha256, 'other bytes than its name says');
  assert.equal(found(), undefined);
  quarantine.lift(sha256);
  assert.equal(found(), made.attempt);
  rmSync(at);
  writeFileSync(at, 'weight');
  assert.equal(found(), undefined);
  rmSync(at);
  writeFileSync(`${at}.elsewhere`, 'weights');
  symlinkSync(`${at}.elsewhere`, at);
  assert.equal(found(), undefined);
  assert.match(bench.store.whyGone(fingerprint)!.because, /missing/);
});

test('where the newest attempt is gone, an older one that is whole is used', async (t) => {
  const bench = new Bench(t);
  const oldest = await make(bench, one('1'));
  const middle = await make(bench, one('2'), again);
  const newest = await make(bench, one('3'), again);
  const found = (): number | undefined => bench.store.findByFingerprint(fingerprint)?.attempt;
  assert.equal(found(), newest.attempt);
  rmSync(blobsOf(bench, newest).get('w')!.at);
  assert.equal(found(), middle.attempt);
  rmSync(blobsOf(bench, middle).get('w')!.at);
  assert.equal(found(), oldest.attempt);
  rmSync(blobsOf(bench, oldest).get('w')!.at);
  assert.equal(found(), undefined);
});

test('what went on from a checkpoint of other code is passed over for what did not', async (t) => {
  const bench = new Bench(t);
  const clean = await make(bench, one('1'));
  const continues = {attempt: clean.attempt, step: 20, accepted: 'stages/grpo.ts differs'};
  await make(bench, one('2'), {more: {force: true, continues}});
  assert.equal(bench.store.findByFingerprint(fingerprint)?.attempt, clean.attempt);
  rmSync(blobsOf(bench, clean).get('w')!.at);
  assert.equal(bench.store.findByFingerprint(fingerprint), undefined);
});
