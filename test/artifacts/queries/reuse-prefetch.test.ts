import assert from 'node:assert/strict';
import {rmSync, writeFileSync} from 'node:fs';
import test from 'node:test';
import {disk} from '../../../artifacts/files.js';
import {prefetchReusable} from '../../../artifacts/queries/reuse-prefetch.js';
import {UserError, digestOf} from '../../../artifacts/index.js';
import type {Digest} from '../../../artifacts/index.js';
import {Bench, temporaryFolder} from '../temporary.js';
import type {Made, Making} from '../temporary.js';

const fingerprintOf = (node: string): Digest => digestOf('fingerprint', node);

const make = (bench: Bench, node: string, outputs: Making['outputs'], more: Making['more'] = {}): Promise<Made> =>
  bench.make({node, fingerprint: fingerprintOf(node), outputs, more});

const one = (content: string): Making['outputs'] => ({out: {kind: 'text', files: {w: content}}});

const blobOf = (bench: Bench, {outputs}: Made): string => bench.store.parts.blobs.path(outputs.out!.files[0]!.sha256);

/** What is prefetched, by the names of nodes. */
async function prefetched(bench: Bench, nodes: readonly string[]): Promise<Record<string, unknown>> {
  const prefetch = prefetchReusable(bench.store, 'test', {atLeast: 1});
  assert.ok(prefetch);
  try {
    const reusable = await prefetch.reusable;
    assert.equal(
      reusable.size,
      nodes.filter((node) => reusable.has(fingerprintOf(node))).length,
      'nothing else is in it',
    );
    return Object.fromEntries(nodes.map((node) => [node, reusable.get(fingerprintOf(node))]));
  } finally {
    prefetch.close();
  }
}

const foundOneByOne = (bench: Bench, nodes: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(nodes.map((node) => [node, bench.store.findByFingerprint(fingerprintOf(node))]));

test('what a run used is prefetched as it is found one by one', async (t) => {
  const bench = new Bench(t);
  const nodes = ['none', 'several', 'one', 'folder', 'empty'];
  await make(bench, 'none', {});
  await make(bench, 'several', {
    b: {kind: 'model', files: {'x/1': '1', 'x/2': '2', y: '3'}},
    a: {kind: 'text', files: {z: '4'}},
    empty: {kind: 'dataset', files: {'nothing/': ''}},
  });
  await make(bench, 'one', one('weights'));
  await make(bench, 'folder', {out: {kind: 'model', files: {a: 'a', b: 'b'}}});
  await make(bench, 'empty', {out: {kind: 'model', files: {}}});
  const now = await prefetched(bench, nodes);
  assert.deepEqual(now, foundOneByOne(bench, nodes));
  assert.ok(Object.values(now).every((found) => found !== undefined));
});

test('nothing is prefetched that is not there, is damaged, failed, or went on from other code', async (t) => {
  const bench = new Bench(t);
  const gone = await make(bench, 'gone', one('gone'));
  const short = await make(bench, 'short', one('short'));
  const damaged = await make(bench, 'damaged', one('damaged'));
  const [other] = [await make(bench, 'good', one('good'))];
  await make(bench, 'accepted', one('accepted'), {
    continues: {attempt: other.attempt, step: 1, accepted: 'stages/grpo.ts differs'},
  });
  const begun = bench.claim('failed', {fingerprint: fingerprintOf('failed')});
  bench.store.finishAttempt({
    attempt: begun.attempt,
    ownership: begun.ownership,
    outcome: {ok: false, reason: 'exited', detail: null},
    outputs: {},
  });
  rmSync(blobOf(bench, gone));
  rmSync(blobOf(bench, short));
  writeFileSync(blobOf(bench, short), 'shor');
  bench.store.parts.quarantine.add(damaged.outputs.out!.files[0]!.sha256, 'other bytes than its name says');
  const nodes = ['gone', 'short', 'damaged', 'accepted', 'failed', 'good'];
  const now = await prefetched(bench, nodes);
  assert.deepEqual(now, foundOneByOne(bench, nodes));
  assert.deepEqual(
    Object.keys(now).filter((node) => now[node] !== undefined),
    ['good'],
  );
});

test('where something newer was made with the same fingerprint, that counts', async (t) => {
  const bench = new Bench(t);
  await make(bench, 'n', one('first'));
  const old = bench.run;
  bench.next('another');
  const newer = await make(bench, 'n', one('second'), {force: true});
  assert.equal(bench.store.latestRun('test')!.id, old);
  assert.deepEqual(await prefetched(bench, ['n']), {n: undefined});
  assert.equal(bench.store.findByFingerprint(fingerprintOf('n'))!.attempt, newer.attempt);
});

test('only the newest run of the recipe is looked at, and only if it is large', async (t) => {
  const bench = new Bench(t);
  const {attempt} = await make(bench, 'a', one('a'));
  await make(bench, 'b', one('b'));
  const reuse = (node: string) =>
    ({run: bench.run, node, action: 'reuse', attempt, because: 'nothing changed'}) as const;
  bench.next();
  bench.store.recordDecisions([reuse('a'), reuse('like-a')]);
  assert.deepEqual(Object.keys(await prefetched(bench, ['a'])), ['a']);
  assert.equal(prefetchReusable(bench.store, 'test', {atLeast: 3}), undefined);
  assert.equal(prefetchReusable(bench.store, 'test'), undefined);
  assert.equal(prefetchReusable(bench.store, 'unknown', {atLeast: 1}), undefined);
});

test('a store whose disk is reached through another door is not prefetched from', async (t) => {
  const bench = new Bench(t, {files: {...disk}});
  await make(bench, 'a', one('a'));
  assert.equal(prefetchReusable(bench.store, 'test', {atLeast: 1}), undefined);
});

test('what the thread meets is told in plain words', async (t) => {
  const bench = new Bench(t);
  await make(bench, 'a', one('a'));
  const {db} = bench.store.parts;
  db.transact(() => {
    db.prepare('DROP TRIGGER attempt_is_never_changed').run();
    db.prepare("UPDATE attempt SET fingerprint = 'no digest'").run();
  });
  const prefetch = prefetchReusable(bench.store, 'test', {atLeast: 1})!;
  await assert.rejects(prefetch.reusable, (error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.reason, 'store-damaged');
    assert.match(error.message, /no digest/);
    assert.deepEqual(error.remedy, {type: 'restore-database'});
    return true;
  });
  prefetch.close();
});

test('a thread that is no longer wanted ends', async (t) => {
  const bench = new Bench(t, {folder: `${temporaryFolder(t)}/store`});
  await make(bench, 'a', one('a'));
  const prefetch = prefetchReusable(bench.store, 'test', {atLeast: 1})!;
  prefetch.close();
  await assert.rejects(prefetch.reusable, /ended without an answer/);
});
