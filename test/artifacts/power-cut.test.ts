/**
 * The power goes after any operation of the store. Whatever is left must open without a hand being laid on it, every
 * record must point at whole bytes, and going on must end with the same artifacts.
 */
import assert from 'node:assert/strict';
import {copyFileSync, existsSync, mkdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {gc} from '../../artifacts/upkeep/gc.js';
import {digestOf, openStore} from '../../artifacts/index.js';
import type {Artifact, AttemptId, Digest, AttemptEnd, Store} from '../../artifacts/index.js';
import {verify} from '../../artifacts/upkeep/verify.js';
import {Recorder, diskAfter} from './crash-disk.js';
import {fill, temporaryFolder} from './temporary.js';

const LARGE = Buffer.alloc((1 << 20) + 5, 7);

/** One node as a runner does it: reuse, or run, ingest and record. Returns its output. */
async function node(
  store: Store,
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  input?: Artifact & {readonly madeBy: number},
): Promise<Artifact & {madeBy: number}> {
  const run = store.latestRun()!.id;
  for (;;) {
    const fingerprint = digestOf('fingerprint', {name});
    const inputs =
      input === undefined ? [] : [{port: 'in', name: '', artifact: input.digest, madeBy: input.madeBy as never}];
    const begun = store.beginAttempt({
      run,
      node: name,
      stage: 's',
      fingerprint,
      ingredients: {},
      params: {},
      seed: 0,
      because: '',
      inputs,
    });
    if (begun.state === 'busy') throw new Error('nobody else is here');
    if (begun.state === 'done') {
      assert.deepEqual(
        store.recordDecisions([{run, node: name, action: 'reuse', attempt: begun.attempt, because: ''}]),
        [],
      );
      return {...store.artifact(store.attempt(begun.attempt)!.outputs[0]!.artifact)!, madeBy: begun.attempt};
    }
    if (begun.state === 'orphan') {
      const ownership = store.adopt({attempt: begun.attempt, run, because: ''})!;
      store.finishAttempt({
        attempt: begun.attempt,
        ownership,
        outcome: {ok: false, reason: 'runner-died', detail: null},
      });
      continue;
    }
    await store.makeJobFolder(begun.attempt);
    if (input !== undefined) await store.materialise(input.digest, join(begun.jobFolder, 'inputs', 'in'));
    const folder = fill(join(begun.jobFolder, 'outputs', 'out'), files);
    const out = await store.withoutGc(async () => {
      const artifact = await store.ingest(folder, 'model', {own: true});
      const outcome = {ok: true, reason: 'succeeded', detail: null} as const;
      await store.finishAttemptSoon({...begun, outcome, outputs: {out: artifact}});
      return artifact;
    });
    await store.removeTree(begun.jobFolder);
    return {...out, madeBy: begun.attempt};
  }
}

/** Two runs and a collection. `folder` holds a file from outside. */
async function work(store: Store, folder: string): Promise<readonly Digest[]> {
  const begin = () => store.holdRunnerLock(store.beginRun({recipe: 'r', seed: 0, plan: null, command: ''}))!;
  let lock = begin();
  const source = await store.ingest(folder, 'prompts');
  const madeBy = store.recordSource({
    run: store.latestRun()!.id,
    node: 'source',
    artifact: source,
    path: 'x',
    because: '',
  });
  const base = await node(store, 'base', {'config.json': '{}', w: LARGE}, {...source, madeBy});
  const old = await node(store, 'old', {'config.json': '{}', w: 'old'}, base);
  store.endRun(store.latestRun()!.id, 'succeeded');
  lock.release();
  lock = begin();
  store.recordSource({run: store.latestRun()!.id, node: 'source', artifact: source, path: 'x', because: ''});
  await node(store, 'base', {'config.json': '{}', w: LARGE}, {...source, madeBy});
  const next = await node(store, 'next', {'config.json': '{}', w: 'next', same: LARGE}, base);
  store.endRun(store.latestRun()!.id, 'succeeded');
  lock.release();
  await gc(store, {keepRuns: 1, keepKinds: []}, 'r1 gc');
  return [source, base, old, next].map(({digest}) => digest);
}

/**
 * Copies of the database as it was after each durable commit and each sync of its log, with how many operations had gone
 * before.
 */
function keepCommits(
  store: Store,
  recorder: Recorder,
  folder: string,
): {readonly operations: number; readonly copy: string}[] {
  const commits: {operations: number; copy: string}[] = [];
  const keep = (): void => {
    const copy = join(folder, String(commits.length));
    mkdirSync(copy, {recursive: true});
    for (const name of ['store.db', 'store.db-wal']) {
      if (existsSync(join(store.folder, name))) copyFileSync(join(store.folder, name), join(copy, name));
    }
    commits.push({operations: recorder.operations.length, copy});
  };
  recorder.onSync = (path) => {
    if (path.endsWith('-wal')) keep();
  };
  const db = store.parts.db as {transact: <T>(work: () => T) => T};
  const transact = db.transact;
  let depth = 0;
  db.transact = (inside) => {
    depth += 1;
    try {
      return transact(inside);
    } finally {
      depth -= 1;
      if (depth === 0) keep();
    }
  };
  keep();
  return commits;
}

async function problems(store: Store): Promise<readonly unknown[]> {
  const steps = verify(store);
  let step = await steps.next();
  while (step.done !== true) step = await steps.next();
  const {database, manifests, damaged} = step.value;
  return [...database, ...manifests, ...damaged];
}

test('after a power cut at any operation the store opens, its records are true, and going on ends the same', async (t) => {
  const root = join(temporaryFolder(t, {inMemory: true}), 'store');
  const outside = fill(temporaryFolder(t, {inMemory: true}), {'prompts.jsonl': '{}\n'});
  const recorder = new Recorder();
  const recorded = openStore(root, {files: recorder.files});
  const commits = keepCommits(recorded, recorder, temporaryFolder(t, {inMemory: true}));
  // What the store has promised, and how many operations had gone before.
  const promised: {readonly attempt: AttemptId; readonly operations: number}[] = [];
  const {finishAttemptSoon} = recorded;
  Object.assign(recorded, {
    finishAttemptSoon: async (finished: AttemptEnd) => {
      const state = await finishAttemptSoon(finished);
      promised.push({attempt: finished.attempt, operations: recorder.operations.length});
      return state;
    },
  });
  const expected = await work(recorded, outside);
  recorded.close();

  const total = recorder.operations.length;
  // Making a store is mostly 256 times the same; from the first commit on, every operation counts.
  const first = commits[0]!.operations;
  const cuts = [
    ...Array.from({length: 12}, (_, index) => Math.floor((index * first) / 12)),
    ...Array.from({length: total - first + 1}, (_, index) => first + index),
  ];
  let continued = 0;
  let disks = 0;
  for (const [index, count] of cuts.entries()) {
    for (const luck of [undefined, count * 7 + 1]) {
      const target = join(temporaryFolder(t, {inMemory: true}), 'store');
      diskAfter(recorder.operations, {count, root, target, ...(luck === undefined ? {} : {luck})});
      const commit = commits.filter(({operations}) => operations <= count).at(-1);
      for (const name of ['store.db', 'store.db-wal']) {
        if (commit !== undefined && existsSync(join(commit.copy, name)))
          copyFileSync(join(commit.copy, name), join(target, name));
      }
      disks += 1;
      const store = openStore(target);
      const at = `power cut after ${count} of ${total} operations${luck === undefined ? '' : `, luck ${luck}`}`;
      assert.deepEqual(await problems(store), [], at);
      for (const {attempt} of promised.filter(({operations}) => operations <= count)) {
        assert.equal(store.attempt(attempt)?.outcome?.reason, 'succeeded', `${at}: attempt ${attempt} was promised`);
      }
      if (index % 9 === 0) {
        continued += 1;
        assert.deepEqual(await work(store, outside), expected, at);
        assert.deepEqual(await problems(store), [], at);
      }
      store.close();
      rmSync(target, {recursive: true});
    }
  }
  assert.equal(promised.length, 3);
  assert.ok(total - first > 60 && continued > 10, `${total - first} operations, ${continued} continued`);
  t.diagnostic(`${disks + continued} runs, ${disks} faults, 0 losses`);
});
