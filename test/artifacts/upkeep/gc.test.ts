import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import {gc, planGc} from '../../../artifacts/upkeep/gc.js';
import {openStore, sha256} from '../../../artifacts/index.js';
import type {Digest} from '../../../artifacts/index.js';
import {pin, tag, untag} from '../../../artifacts/queries/tags.js';
import {keepReasonText} from '../../../artifacts/upkeep/gc-roots.js';
import {verify} from '../../../artifacts/upkeep/verify.js';
import {Bench, edge, fill} from '../temporary.js';
import type {Made} from '../temporary.js';

const out = (content: string, kind = 'model') => ({out: {kind, files: {w: content}}});
const newest = {keepRuns: 1, keepKinds: []};
const blobOf = (bench: Bench, content: string): string => bench.store.parts.blobs.path(sha256(content));

test('what only an older run used goes, and what a kept run reuses stays', async (t) => {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: out('base'), wallMs: 3000});
  const old = await bench.make({
    node: 'sft',
    params: 1,
    inputs: [edge(base, 'out', 'in')],
    outputs: out('old'),
    wallMs: 2000,
  });
  const run = bench.next();
  bench.store.recordDecisions([{run, node: 'base', action: 'reuse', attempt: base.attempt, because: ''}]);
  await bench.make({node: 'sft', params: 2, inputs: [edge(base, 'out', 'in')], outputs: out('new')});
  bench.end();

  const plan = planGc(bench.store, newest);
  assert.deepEqual(
    plan.going.map(({artifact, again}) => [artifact, again.node, again.ms, again.ancestors]),
    [[old.outputs.out!.digest, 'sft', 2000, 0]],
  );
  assert.deepEqual(
    plan.kept.map(({reasons}) => reasons.map(keepReasonText)),
    [['base of run 2'], ['sft of run 2']],
  );
  assert.equal(plan.bytes, 3);
  assert.ok(existsSync(blobOf(bench, 'old')), 'a plan changes nothing');

  const done = await gc(bench.store, newest, 'r1 gc --keep-runs 1');
  assert.deepEqual(done.going, plan.going);
  assert.equal(existsSync(blobOf(bench, 'old')), false);
  assert.ok(existsSync(blobOf(bench, 'base')) && existsSync(blobOf(bench, 'new')));
  assert.match(
    bench.store.whyGone(bench.store.attempt(old.attempt)!.fingerprint)!.because,
    /collected by gc on \d{4}-/,
  );
  assert.deepEqual(planGc(bench.store, newest).going, [], 'what went before is not going again');
  // Verification knows that it was collected, and does not call it missing.
  const steps = verify(bench.store);
  let step = await steps.next();
  while (step.done !== true) step = await steps.next();
  assert.deepEqual([step.value.damaged, step.value.collected], [[], 1]);
});

test('what was collected can be made again', async (t) => {
  const bench = new Bench(t);
  const making = {node: 'base', outputs: out('base')};
  const first = await bench.make(making);
  bench.next();
  await bench.make({node: 'other', outputs: out('other')});
  bench.end();
  await gc(bench.store, newest, '');
  bench.next();
  const second = await bench.make(making);
  assert.notEqual(second.attempt, first.attempt);
  assert.equal(
    bench.store.findByFingerprint(bench.store.attempt(second.attempt)!.fingerprint)?.attempt,
    second.attempt,
  );
  bench.end();
});

test('tags, pins and kinds keep what no run does; a tag taken back no longer does', async (t) => {
  const bench = new Bench(t);
  const tagged = (await bench.make({node: 'a', outputs: out('a')})).outputs.out!.digest;
  const pinned = (await bench.make({node: 'b', outputs: out('b')})).outputs.out!.digest;
  const report = (await bench.make({node: 'c', outputs: out('c', 'report')})).outputs.out!.digest;
  await bench.make({node: 'd', outputs: out('d')});
  bench.next();
  bench.end();
  tag(bench.store, 'best', tagged);
  pin(bench.store, pinned);
  const policy = {keepRuns: 1, keepKinds: ['report']};
  const reasons = (): Record<Digest, string[]> =>
    Object.fromEntries(
      planGc(bench.store, policy).kept.map(({artifact, reasons: why}) => [artifact, why.map(keepReasonText)]),
    );
  assert.deepEqual(reasons(), {[tagged]: ['tagged @best'], [pinned]: ['pinned'], [report]: ['every report is kept']});
  untag(bench.store, 'best');
  assert.deepEqual(Object.keys(reasons()).sort(), [pinned, report].sort());
});

test('bytes that a kept artifact shares are not freed', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'old', outputs: {out: {kind: 'model', files: {config: 'shared', w: 'old'}}}});
  bench.next();
  await bench.make({node: 'new', outputs: {out: {kind: 'model', files: {config: 'shared', w: 'new'}}}});
  bench.end();
  const {bytes, blobs} = await gc(bench.store, newest, '');
  assert.deepEqual([bytes, blobs.map(({sha256: blob}) => blob)], [3, [sha256('old')]]);
  assert.ok(existsSync(blobOf(bench, 'shared')));
});

test('a run that is going on keeps everything it decided on, and an unfinished attempt its inputs', async (t) => {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: out('base')});
  const live = bench.next('other');
  bench.store.recordDecisions([{run: live, node: 'base', action: 'reuse', attempt: base.attempt, because: ''}]);
  const none = {keepRuns: 0, keepKinds: []};
  assert.deepEqual(planGc(bench.store, none).going, []);
  const begun = bench.claim('sft', {inputs: [edge(base, 'out', 'in')]});
  mkdirSync(begun.jobFolder);
  bench.end(); // dies with an attempt in flight
  const plan = await gc(bench.store, none, '');
  assert.deepEqual(plan.going, []);
  assert.deepEqual(plan.kept[0]!.reasons.map(keepReasonText), [
    `input of attempt ${begun.attempt}, which has not ended`,
  ]);
  assert.ok(existsSync(begun.jobFolder));
});

test('what cannot be removed keeps nothing else in the trash, and is said', async (t) => {
  const {folder, store} = new Bench(t);
  const {files} = store.parts;
  const trees = ['1', '2', '3'].map((digit) =>
    join(folder, 'trash', `tree-${digit.repeat(8)}-0000-0000-0000-000000000000`),
  );
  for (const tree of trees) mkdirSync(tree);
  const isStuck = (path: string): boolean => path === trees[0] || path === trees[1];
  const removeFolder = (path: string) =>
    isStuck(path) ? Promise.reject(Object.assign(new Error(path), {code: 'EBUSY'})) : files.removeFolder(path);
  const stuck = new Bench(t, {folder, files: {...files, removeFolder}});
  await assert.rejects(gc(stuck.store, newest, ''), new RegExp(`${trees[0]}$`));
  assert.deepEqual(
    readdirSync(join(folder, 'trash')).map((name) => join(folder, 'trash', name)),
    trees.slice(0, 2),
  );
});

test('what crashes left behind is swept: half files at once, unknown blobs after an hour', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'base', outputs: out('base')});
  bench.end();
  writeFileSync(join(bench.folder, 'tmp', randomUUID()), 'half');
  writeFileSync(join(bench.folder, 'trash', sha256('condemned')), 'x');
  writeFileSync(join(bench.folder, 'blobs', 'sha256', '.DS_Store'), 'not ours');
  const artifact = await bench.store.ingest(fill(join(bench.folder, 'jobs', 'nobody'), {a: 'unrecorded'}), 'model');
  await gc(bench.store, {keepKinds: []}, '');
  assert.deepEqual(readdirSync(join(bench.folder, 'tmp')), []);
  assert.deepEqual(readdirSync(join(bench.folder, 'trash')), []);
  assert.ok(existsSync(blobOf(bench, 'unrecorded')), 'it may be recorded in a moment');
  const {files} = bench.store.parts;
  const later = new Bench(t, {
    folder: bench.folder,
    files: {
      ...files,
      stat(path) {
        const stat = files.stat(path);
        return stat === undefined ? undefined : {...stat, ctimeNs: stat.ctimeNs - 3_700_000_000_000n};
      },
    },
  });
  const {leftovers} = await gc(later.store, {keepKinds: []}, '');
  assert.equal(leftovers, 1);
  assert.equal(existsSync(blobOf(bench, 'unrecorded')), false);
  assert.equal(artifact.files.length, 1);
});

test('job folders of attempts that no kept run decided for go, others stay', async (t) => {
  const bench = new Bench(t);
  const old = await bench.make({node: 'a', outputs: out('a')});
  bench.next();
  const kept = await bench.make({node: 'b', outputs: out('b')});
  bench.end();
  for (const {attempt} of [old, kept]) fill(await bench.store.makeJobFolder(attempt), {'stdout.log': 'hello'});
  await gc(bench.store, newest, '');
  assert.equal(existsSync(bench.store.jobFolder(old.attempt)), false);
  assert.ok(existsSync(bench.store.jobFolder(kept.attempt)));
});

test('the collector waits for those who store results, and they for the collector', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'old', outputs: out('shared bytes')});
  bench.next();
  bench.end();
  bench.next('live');
  const begun = bench.claim('n');
  const other = openStore(bench.folder);
  t.after(() => other.close());
  let collected = false;
  await bench.store.withoutGc(async () => {
    // The bytes are there already, and only an old run wants them: exactly what the collector is after.
    const model = await bench.store.ingest(fill(begun.jobFolder, {w: 'shared bytes'}), 'model', {own: true});
    const {gcLock} = other.parts;
    assert.throws(() => gcLock.runExclusive(() => (collected = true), 50), {reason: 'store-busy'});
    bench.store.finishAttempt({...begun, outcome: {ok: true, reason: 'succeeded', detail: null}, outputs: {model}});
  });
  assert.equal(collected, false);
  await gc(other, {keepRuns: 0, keepKinds: []}, '');
  assert.ok(existsSync(blobOf(bench, 'shared bytes')), 'the live run keeps it');
  bench.end();
});

test('after any collection every kept artifact is whole, and every other has a reason to be gone', async (t) => {
  const bench = new Bench(t);
  let content = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          files: fc.array(fc.nat(12), {minLength: 1, maxLength: 4}),
          newRun: fc.boolean(),
          tagged: fc.boolean(),
        }),
        {minLength: 1, maxLength: 6},
      ),
      fc.nat(2),
      async (makings, keepRuns) => {
        for (const {files, newRun, tagged} of makings) {
          if (newRun) bench.next();
          const node = `n${content++}`;
          // Few different contents, so that artifacts share blobs.
          const {outputs} = await bench.make({
            node,
            outputs: {
              out: {
                kind: 'model',
                files: Object.fromEntries(files.map((byte, index) => [`f${index}`, `content ${byte}`])),
              },
            },
          });
          if (tagged) tag(bench.store, `t${content}`, outputs.out!.digest);
        }
        bench.next();
        bench.end();
        const plan = await gc(bench.store, {keepRuns, keepKinds: []}, '');
        for (const {artifact} of plan.kept) assert.ok(bench.store.isPresent(artifact));
        for (const {artifact, again} of plan.going) {
          if (bench.store.isPresent(artifact)) continue; // all of its blobs are shared with kept ones
          assert.match(
            bench.store.whyGone(bench.store.attempt(again.attempt)!.fingerprint)?.because ?? '',
            /collected/,
          );
        }
        bench.next();
      },
    ),
    {numRuns: 12},
  );
  bench.end();
});

test('what it takes to make artifacts again is found with a few statements each, however long the chain', async (t) => {
  const bench = new Bench(t);
  const statements = async (length: number): Promise<number> => {
    bench.next();
    let last: Made | undefined;
    for (let i = 0; i < length; i++) {
      const inputs = last === undefined ? [] : [edge(last, 'out', 'in')];
      last = await bench.make({node: `${length}/${i}`, inputs, outputs: out(`${length}/${i}`)});
    }
    bench.end();
    const {db} = bench.store.parts;
    let count = 0;
    const {prepare} = db;
    const counted = (sql: string) => {
      const statement = prepare(sql);
      const count1 =
        (name: 'get' | 'all') =>
        (...args: never[]) => {
          count += 1;
          return statement[name](...args);
        };
      return new Proxy(statement, {
        get: (target, name) =>
          name === 'get' || name === 'all' ? count1(name) : (Reflect.get(target, name, target) as unknown),
      });
    };
    Object.assign(db, {prepare: counted});
    try {
      const {going} = planGc(bench.store, {keepRuns: 0, keepKinds: []});
      assert.equal(Math.max(...going.map(({again}) => again.ancestors)), length - 1);
    } finally {
      Object.assign(db, {prepare});
    }
    await gc(bench.store, {keepRuns: 0, keepKinds: []}, '');
    return count;
  };
  const [few, many] = [await statements(20), await statements(80)];
  assert.ok(many < 5 * few, `${few} statements for 20 artifacts, ${many} for 80 and 20 that went before`);
});

test('ancestors that several ways lead to count once', async (t) => {
  //  a ─┬─ b ─┬─ d ── e
  //     └─ c ─┘
  const bench = new Bench(t);
  const make = (node: string, from: readonly Made[], wallMs: number) =>
    bench.make({node, inputs: from.map((each, i) => edge(each, 'out', `in${i}`)), outputs: out(node), wallMs});
  const a = await make('a', [], 1);
  const b = await make('b', [a], 10);
  const c = await make('c', [a], 100);
  const d = await make('d', [b, c], 1000);
  await make('e', [d], 10_000);
  bench.end();
  const {going} = planGc(bench.store, {keepRuns: 0, keepKinds: []});
  const again = Object.fromEntries(going.map(({again: {node, ms, ancestors}}) => [node, [ms, ancestors]]));
  assert.deepEqual(again, {a: [1, 0], b: [11, 1], c: [101, 1], d: [1111, 3], e: [11_111, 4]});
});
