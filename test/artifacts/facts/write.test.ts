import assert from 'node:assert/strict';
import test from 'node:test';
import {digestOf, openStore} from '../../../artifacts/index.js';
import type {AttemptId, OwnershipId, NewAttempt, RunId, Store} from '../../../artifacts/index.js';
import {Bench, edge, fill, temporaryFolder} from '../temporary.js';

const wanted = (run: RunId, node = 'n', more: Partial<NewAttempt> = {}): NewAttempt => ({
  run,
  node,
  stage: 's',
  fingerprint: digestOf('fingerprint', node),
  ingredients: {node},
  params: {learningRate: 0.1},
  seed: 3,
  because: 'it was never made',
  inputs: [],
  ...more,
});
const fine = {ok: true, reason: 'succeeded', detail: null};
const model = {model: {kind: 'model', files: {w: 'weights'}}};

function claim(store: Store, attempt: NewAttempt): {readonly attempt: AttemptId; readonly ownership: OwnershipId} {
  const begun = store.beginAttempt(attempt);
  assert.ok(begun.state === 'claimed');
  return begun;
}

/** Another process, as far as the store can tell: connections of its own, and a run of its own. */
function other(t: test.TestContext, bench: Bench): Bench {
  return new Bench(t, {folder: bench.folder});
}

test('what was recorded is read back as it was', async (t) => {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: model, params: {steps: 3}});
  const inputs = [
    edge(base, 'model', 'policy'),
    edge(base, 'model', 'scores', 'b'),
    edge(base, 'model', 'scores', 'a'),
  ];
  const codeParts = {files: {'stages/sft.js': 'abc'}, packages: {}};
  const {attempt} = claim(bench.store, wanted(bench.run, 'sft', {inputs, codeParts}));
  const read = bench.store.attempt(attempt)!;
  assert.deepEqual(
    {
      node: read.node,
      stage: read.stage,
      params: read.params,
      seed: read.seed,
      because: read.because,
      outcome: read.outcome,
      run: read.run,
    },
    {
      node: 'sft',
      stage: 's',
      params: {learningRate: 0.1},
      seed: 3,
      because: 'it was never made',
      outcome: undefined,
      run: bench.run,
    },
  );
  assert.deepEqual(read.inputs, [inputs[0], inputs[2], inputs[1]]);
  assert.deepEqual(bench.store.codeParts(attempt), codeParts);
  assert.equal(bench.store.codeParts(base.attempt), undefined);
  const made = bench.store.attempt(base.attempt)!;
  assert.deepEqual(made.outputs, [{port: 'model', kind: 'model', artifact: base.outputs.model!.digest, bytes: 7}]);
  assert.equal(made.outcome?.cost?.wallMs, 5);
  assert.deepEqual(bench.store.artifact(base.outputs.model!.digest), base.outputs.model);
  assert.deepEqual(
    bench.store.nodesOf(bench.run).map(({node, action, attempt: id, because}) => ({node, action, id, because})),
    [
      {node: 'base', action: 'run', id: base.attempt, because: 'it was never made'},
      {node: 'sft', action: 'run', id: attempt, because: 'it was never made'},
    ],
  );
});

test('runs are listed newest first, and a run has ended when its newest session has', (t) => {
  const bench = new Bench(t);
  const first = bench.run;
  bench.store.endRun(first, 'failed');
  const second = bench.begin('other', 7);
  assert.deepEqual(
    bench.store.runs().map(({id, end, sessions, seed}) => ({id, end: end?.outcome, sessions, seed})),
    [
      {id: second, end: undefined, sessions: 1, seed: 7},
      {id: first, end: 'failed', sessions: 1, seed: 0},
    ],
  );
  bench.store.resumeRun(first, 'r1 resume');
  assert.deepEqual(
    {end: bench.store.run(first)!.end, sessions: bench.store.run(first)!.sessions},
    {end: undefined, sessions: 2},
  );
  bench.store.endRun(first, 'succeeded');
  assert.equal(bench.store.run(first)!.end?.outcome, 'succeeded');
  assert.equal(bench.store.latestRun()!.id, second);
  assert.equal(bench.store.latestRun('test')!.id, first);
  assert.equal(bench.store.latestRun('none'), undefined);
  assert.equal(bench.store.runs(1).length, 1);
});

test('a node that another live runner is at is busy, and done once it has ended', async (t) => {
  const bench = new Bench(t);
  const rival = other(t, bench);
  const mine = claim(bench.store, wanted(bench.run));
  assert.deepEqual(rival.store.beginAttempt(wanted(rival.run)), {state: 'busy', attempt: mine.attempt, run: bench.run});
  assert.deepEqual(bench.store.beginAttempt(wanted(bench.run, 'twin', {fingerprint: wanted(bench.run).fingerprint})), {
    state: 'busy',
    attempt: mine.attempt,
    run: bench.run,
  });
  const artifact = await bench.store.ingest(fill(temporaryFolder(t), {w: '1'}), 'model');
  assert.equal(bench.store.finishAttempt({...mine, outcome: fine, outputs: {model: artifact}}), 'recorded');
  assert.deepEqual(rival.store.beginAttempt(wanted(rival.run)), {state: 'done', attempt: mine.attempt});
  assert.equal(claim(rival.store, wanted(rival.run, 'n', {force: true})).attempt, mine.attempt + 1);
});

test('a failed attempt is never used again', (t) => {
  const bench = new Bench(t);
  const first = claim(bench.store, wanted(bench.run));
  bench.store.finishAttempt({...first, outcome: {ok: false, reason: 'stage-exited', detail: {exitCode: 3}}});
  assert.equal(bench.store.findByFingerprint(wanted(bench.run).fingerprint), undefined);
  assert.equal(bench.store.whyGone(wanted(bench.run).fingerprint), undefined);
  const second = claim(bench.store, wanted(bench.run));
  assert.deepEqual(
    bench.store.attemptsOf(bench.run, 'n').map(({id, outcome}) => [id, outcome?.reason]),
    [
      [first.attempt, 'stage-exited'],
      [second.attempt, undefined],
    ],
  );
  assert.deepEqual(
    bench.store.attemptsByFingerprint(wanted(bench.run).fingerprint).map(({id}) => id),
    [second.attempt, first.attempt],
  );
  assert.equal(bench.store.latestAttempt('test', 'n')!.id, second.attempt);
  assert.equal(bench.store.latestSuccess('test', 'n'), undefined);
});

test('the attempt of a dead runner is an orphan; who adopts it may record, and its old owner may not', (t) => {
  const bench = new Bench(t);
  const dead = openStore(bench.folder);
  const run = dead.beginRun({recipe: 'test', seed: 0, plan: null, command: ''});
  const lock = dead.holdRunnerLock(run)!;
  const lost = claim(dead, wanted(run));
  assert.deepEqual(bench.store.orphans(), [], 'its runner lives');
  assert.equal(bench.store.adopt({attempt: lost.attempt, run: bench.run, because: ''}), undefined);
  lock.release(); // as the system does when a process dies
  const orphan = {
    attempt: lost.attempt,
    run,
    node: 'n',
    fingerprint: wanted(run).fingerprint,
    jobFolder: bench.store.jobFolder(lost.attempt),
  };
  assert.deepEqual(bench.store.orphans(), [orphan]);
  assert.deepEqual(bench.store.beginAttempt(wanted(bench.run)), {
    state: 'orphan',
    attempt: lost.attempt,
    run,
    jobFolder: orphan.jobFolder,
  });
  const taken = bench.store.adopt({attempt: lost.attempt, run: bench.run, node: 'n', because: 'its runner died'});
  assert.ok(taken !== undefined);
  assert.deepEqual(bench.store.orphans(), []);
  assert.equal(bench.store.adopt({attempt: lost.attempt, run: bench.run, because: ''}), undefined, 'only once');
  // The old owner wakes up.
  assert.equal(dead.finishAttempt({...lost, outcome: fine}), 'superseded');
  assert.equal(
    bench.store.finishAttempt({
      attempt: lost.attempt,
      ownership: taken,
      outcome: {ok: false, reason: 'runner-died', detail: null},
    }),
    'recorded',
  );
  assert.equal(dead.finishAttempt({...lost, outcome: fine}), 'superseded');
  assert.equal(
    bench.store.finishAttempt({attempt: lost.attempt, ownership: taken, outcome: fine}),
    'superseded',
    'an outcome is recorded once',
  );
  assert.equal(bench.store.attempt(lost.attempt)!.outcome?.reason, 'runner-died');
  assert.deepEqual(
    bench.store.nodesOf(bench.run).map(({node, attempt}) => [node, attempt]),
    [['n', lost.attempt]],
  );
  dead.close();
});

test('the outputs of a kind are those that a run uses, by its newest decisions, and not what failed', async (t) => {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: model});
  const report = {report: {kind: 'report', files: {html: 'a report'}}};
  const first = await bench.make({node: 'report', outputs: report, inputs: [edge(base, 'model', 'model')]});
  await bench.make({node: 'worse', outputs: {}});
  const artifact = first.outputs.report!.digest;
  const found = {node: 'report', attempt: first.attempt, artifact, inputs: 1};
  assert.deepEqual(bench.store.outputsOfKind(bench.run, 'report'), [found]);
  const later = bench.store.beginRun({recipe: 'test', seed: 0, plan: null, command: ''});
  const reuse = {
    run: later,
    node: 'page',
    action: 'reuse',
    attempt: first.attempt,
    because: 'nothing changed',
  } as const;
  bench.store.recordDecisions([reuse]);
  assert.deepEqual(bench.store.outputsOfKind(later, 'report'), [{...found, node: 'page'}]);
  bench.store.recordDecisions([{run: later, node: 'page', action: 'cancelled', because: 'it was stopped'}]);
  assert.deepEqual(bench.store.outputsOfKind(later, 'report'), []);
});

test('a run that is resumed finds the attempts of its dead session as orphans', (t) => {
  const bench = new Bench(t);
  const dead = openStore(bench.folder);
  const run = dead.beginRun({recipe: 'test', seed: 0, plan: null, command: ''});
  const lock = dead.holdRunnerLock(run)!;
  const lost = claim(dead, wanted(run));
  assert.equal(bench.store.holdRunnerLock(run), undefined);
  lock.release();
  assert.ok(bench.store.holdRunnerLock(run) !== undefined);
  bench.store.resumeRun(run, 'r1 resume');
  assert.equal(bench.store.beginAttempt(wanted(run)).state, 'orphan');
  // To a third process the run lives, but not the session that made the claim.
  const third = other(t, bench);
  assert.equal(third.store.isAlive(run), true);
  assert.equal(third.store.beginAttempt(wanted(third.run)).state, 'orphan');
  assert.ok(bench.store.adopt({attempt: lost.attempt, run, node: 'n', because: ''}) !== undefined);
  assert.equal(third.store.beginAttempt(wanted(third.run)).state, 'busy');
  dead.close();
});

test('nobody begins an attempt for a run that it does not hold', (t) => {
  const bench = new Bench(t);
  const rival = other(t, bench);
  assert.throws(() => rival.store.beginAttempt(wanted(bench.run)), /Internal error/);
  assert.equal(bench.store.attemptsOf(bench.run, 'n').length, 0, 'the transaction was rolled back');
});

test('an output that came from a checkpoint of other code never satisfies a fingerprint', async (t) => {
  const bench = new Bench(t);
  const first = claim(bench.store, wanted(bench.run));
  bench.store.finishAttempt({...first, outcome: {ok: false, reason: 'stopped', detail: null}});
  const continues = {attempt: first.attempt, step: 20, accepted: 'stages/grpo.ts differs'};
  const second = claim(bench.store, wanted(bench.run, 'n', {continues}));
  const artifact = await bench.store.ingest(fill(temporaryFolder(t), {w: '1'}), 'model');
  bench.store.finishAttempt({...second, outcome: fine, outputs: {model: artifact}});
  assert.deepEqual(bench.store.attempt(second.attempt)!.continues, continues);
  assert.equal(bench.store.findByFingerprint(wanted(bench.run).fingerprint), undefined);
  assert.match(bench.store.whyGone(wanted(bench.run).fingerprint)!.because, /stages\/grpo\.ts differs/);
});

test('decisions are recorded together or, when reused bytes went away meanwhile, not at all', async (t) => {
  const bench = new Bench(t);
  const a = await bench.make({node: 'a', outputs: model});
  const b = await bench.make({node: 'b', outputs: {model: {kind: 'model', files: {w: 'other'}}}});
  const run = bench.begin();
  const decisions = [
    {run, node: 'a', action: 'reuse', attempt: a.attempt, because: 'same fingerprint'},
    {run, node: 'b', action: 'reuse', attempt: b.attempt, because: 'same fingerprint'},
    {run, node: 'c', action: 'cancelled', because: 'b failed'},
  ] as const;
  const {blobs} = bench.store.parts;
  await bench.store.removeTree(blobs.path(b.outputs.model!.files[0]!.sha256));
  assert.deepEqual(bench.store.recordDecisions(decisions), ['b']);
  assert.deepEqual(bench.store.nodesOf(run), []);
  assert.match(bench.store.whyGone(bench.store.attempt(b.attempt)!.fingerprint)!.because, /missing/);
  assert.deepEqual(bench.store.recordDecisions([decisions[0], decisions[2]]), []);
  assert.deepEqual(
    bench.store.nodesOf(run).map(({node, action, attempt, outcome}) => [node, action, attempt, outcome?.ok]),
    [
      ['a', 'reuse', a.attempt, true],
      ['c', 'cancelled', undefined, undefined],
    ],
  );
});

test('a source is an attempt, made once per node, path and content', async (t) => {
  const bench = new Bench(t);
  const folder = fill(temporaryFolder(t), {a: '1'});
  const artifact = await bench.store.ingest(folder, 'prompts');
  const source = {node: 'prompts', artifact, path: folder, because: 'given with --source'};
  const first = bench.store.recordSource({run: bench.run, ...source});
  const run = bench.begin();
  assert.equal(bench.store.recordSource({run, ...source}), first);
  assert.notEqual(bench.store.recordSource({run, ...source, node: 'other'}), first);
  const standIn = bench.store.recordSource({run, ...source, port: 'model'});
  assert.deepEqual(
    bench.store.attempt(standIn)!.outputs.map(({port}) => port),
    ['model'],
  );
  assert.deepEqual(bench.store.attempt(first)!.outputs, [
    {port: 'output', kind: 'prompts', artifact: artifact.digest, bytes: 1},
  ]);
  assert.deepEqual(
    bench.store.nodesOf(run).map(({node, action}) => [node, action]),
    [
      ['prompts', 'source'],
      ['other', 'source'],
    ],
  );
});

test('what earlier successes cost is remembered for predictions', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'n', outputs: model, params: 1, wallMs: 10});
  await bench.make({node: 'n', outputs: model, params: 2, wallMs: 20});
  await bench.make({node: 'n', stage: 'another', outputs: model, wallMs: 30});
  assert.deepEqual(
    bench.store.history('n', 'stage').map(({wallMs, outputBytes}) => [wallMs, outputBytes]),
    [
      [20, 7],
      [10, 7],
    ],
  );
  assert.equal(bench.store.history('n', 'stage', 1).length, 1);
});

test('metrics are replaced by a repeated step, and a resumed attempt continues the curve of the one before', (t) => {
  const bench = new Bench(t);
  const {store, run} = bench;
  const first = claim(store, wanted(run));
  const point = (step: number, value: number, name = 'loss') => ({name, step, value});
  store.addMetrics(first.attempt, [point(1, 10), point(2, 9), point(3, 8), point(3, 0.5, 'clip')], 100);
  store.addMetrics(first.attempt, [point(3, 7), point(4, Number.NaN)], 180);
  assert.equal(store.eventsOffset(first.attempt), 180);
  assert.deepEqual(store.metrics(first.attempt, {name: 'loss'}), [
    point(1, 10),
    point(2, 9),
    point(3, 7),
    point(4, Number.NaN),
  ]);
  store.finishAttempt({...first, outcome: {ok: false, reason: 'stopped', detail: null}});
  // Its checkpoint was written after step 2; steps 3 and 4 are done again.
  const second = claim(store, wanted(run, 'n', {continues: {attempt: first.attempt, step: 2}}));
  store.addMetrics(second.attempt, [point(3, 6), point(5, Number.POSITIVE_INFINITY)], 50);
  assert.equal(store.eventsOffset(second.attempt), 50);
  assert.deepEqual(store.metrics(second.attempt), [point(3, 6), point(5, Number.POSITIVE_INFINITY)]);
  assert.deepEqual(store.metrics(second.attempt, {throughCheckpoints: true}), [
    point(1, 10),
    point(2, 9),
    point(3, 6),
    point(5, Number.POSITIVE_INFINITY),
  ]);
});
