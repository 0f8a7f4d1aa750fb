/** The answers of the front doors, asked as a program would ask them. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {digestOf, openStore} from '../../../artifacts/index.js';
import {trace} from '../../../artifacts/lineage.js';
import {
  costOf,
  findNode,
  followLog,
  logOf,
  readLog,
  recipe,
  runRecipe,
  runsOf,
  statusOf,
  stopSwitch,
  whyOf,
} from '../../../pipeline/index.js';
import type {LogEnd, RunEvent} from '../../../pipeline/index.js';
import {count} from '../../fixtures/stages/count.js';
import {misbehave} from '../../fixtures/stages/misbehave.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** Names against the alphabet. */
const THREE = recipe('three', (add) => {
  const first = add('z', count, {}, {steps: 1, ms: 0});
  const second = add('m', count, {from: first.count}, {steps: 1, ms: 0});
  add('a', count, {from: second.count}, {steps: 1, ms: 0});
});

const TWO = recipe('two', (add) => {
  const first = add('first', count, {}, {steps: 2, ms: 0});
  add('second', count, {from: first.count}, {steps: 3, ms: 0});
});

test('a program asks how runs stand, why, what they cost and what was printed', async (t) => {
  const folder = join(temporaryFolder(t), 'store');
  await runRecipe({recipe: TWO, store: folder, seed: 4});
  await runRecipe({recipe: TWO, store: folder, seed: 4, set: ['second.steps=5']});
  const store = openStore(folder, {mode: 'read'});
  t.after(() => store.close());

  const runs = await runsOf(store);
  assert.deepEqual(
    runs.map(({run, recipe: name, seed, state, ran, reused}) => ({run, name, seed, state, ran, reused})),
    [
      {run: 2, name: 'two', seed: 4, state: 'succeeded', ran: 1, reused: 1},
      {run: 1, name: 'two', seed: 4, state: 'succeeded', ran: 2, reused: 0},
    ],
  );
  assert.equal((await runsOf(store, {limit: 1})).length, 1);

  const status = await statusOf(store);
  assert.deepEqual([status.run, status.state], [2, 'succeeded']);
  assert.deepEqual(
    status.nodes.map(({node, state}) => `${node}: ${state}`),
    ['first: reused', 'second: done'],
  );
  assert.deepEqual(
    (await statusOf(store, 1)).nodes.map(({state}) => state),
    ['done', 'done'],
  );

  assert.equal((await findNode(store, 'first')).node.action, 'reuse');
  const why = await whyOf(store, 'second');
  assert.equal(why.node.because, 'steps 3 → 5');
  assert.deepEqual(why.attempt?.outcome, {reason: 'succeeded'});
  assert.deepEqual(
    why.attempt.inputs.map(({port, from}) => `${port} ← ${from}`),
    ['from ← first'],
  );
  assert.equal((await whyOf(store, 'second', {run: 1})).attempt?.recorded.run, 1);
  assert.equal((await whyOf(store, '1/second')).attempt?.recorded.run, 1);
  await assert.rejects(
    async () => whyOf(store, '1/second', {run: 2}),
    /“1\/second” is of run 1, and run 2 was asked for/,
  );

  const cost = await costOf(store);
  assert.deepEqual(
    cost.nodes.map(({node, action, attempts, tokens}) => ({node, action, attempts, tokens})),
    [
      {node: 'first', action: 'reuse', attempts: 0, tokens: undefined},
      {node: 'second', action: 'run', attempts: 1, tokens: 50},
    ],
  );
  assert.equal(cost.total.savedMs, cost.nodes[0]!.savedMs);
  assert.ok(cost.total.savedMs > 0 && cost.total.outputBytes > 0);

  const log = await logOf(store, 'second');
  assert.equal(log.attempt, why.attempt.recorded.id);
  const {text, isCut} = await readLog(log);
  assert.match(text, /starts behind step 0/);
  assert.equal(isCut, false);
});

test('the nodes of a run stand in the order of its plan', async (t) => {
  const folder = join(temporaryFolder(t), 'store');
  const stop = stopSwitch();
  stop.press();
  await runRecipe({recipe: THREE, store: folder, seed: 0, stop});
  const store = openStore(folder, {mode: 'read'});
  t.after(() => store.close());
  assert.deepEqual(
    (await statusOf(store)).nodes.map(({node}) => node),
    ['z', 'm', 'a'],
  );
});

/** A chain beside another: in the order of the recipe both nodes of the first stand before the second. */
const CHAINS = recipe('chains', (add) => {
  for (const name of ['one', 'two']) {
    const first = add(name, count, {}, {steps: 1, ms: 0});
    add(`${name}-more`, count, {from: first.count}, {steps: 1, ms: 0});
  }
});

test('nodes stand in the order of the recipe, and one that was not started says why', async (t) => {
  const folder = join(temporaryFolder(t), 'store');
  const stop = stopSwitch();
  stop.press();
  await runRecipe({recipe: CHAINS, store: folder, stop});
  const store = openStore(folder, {mode: 'read'});
  t.after(() => store.close());
  assert.deepEqual(
    (await statusOf(store)).nodes.map(({node, state, because}) => `${node} ${state}: ${because}`),
    ['one', 'one-more', 'two', 'two-more'].map((node) => `${node} not started: you stopped the run before its turn`),
  );
});

test('a run whose runner is dead is interrupted, and so is the node that it was at', async (t) => {
  const store = openStore(join(temporaryFolder(t), 'store'));
  t.after(() => store.close());
  const plan = {version: 1, recipe: 'dead', seed: 0, nodes: {}};
  const run = store.beginRun({recipe: 'dead', seed: 0, plan, command: ''});
  const lock = store.holdRunnerLock(run)!;
  const nothing = {ingredients: {}, params: {}, seed: 0, because: '', inputs: []};
  store.beginAttempt({run, node: 'n', stage: 's', fingerprint: digestOf('f', 1), ...nothing});
  const states = async (): Promise<string[]> => {
    const {state, nodes} = await statusOf(store, run);
    return [state, ...nodes.map((node) => node.state)];
  };
  assert.deepEqual(await states(), ['running', 'running']);
  lock.release();
  assert.deepEqual(await states(), ['interrupted', 'interrupted']);
});

test('a program asks about a node that failed, and gets its outcome and its last words', async (t) => {
  const folder = join(temporaryFolder(t), 'store');
  const bad = recipe('bad', (add) => add('bad', misbehave, {}, {how: 'throw'}));
  await runRecipe({recipe: bad, store: folder});
  const store = openStore(folder, {mode: 'read'});
  t.after(() => store.close());
  const [node] = (await statusOf(store)).nodes;
  assert.equal(node?.state, 'failed');
  assert.equal(node.outcome?.reason, 'stage-threw');
  assert.match(node.place ?? '', /misbehave\.[jt]s:\d+:\d+$/);
  const {attempt} = await whyOf(store, 'bad');
  assert.equal(attempt?.outcome?.reason, 'stage-threw');
  assert.equal(attempt.lastWords.place, node.place);
});

test('a program reads along while a stage prints, and is told why nothing more comes', async (t) => {
  const folder = join(temporaryFolder(t), 'store');
  const stop = stopSwitch();
  const slow = recipe('slow', (add) => add('first', count, {}, {steps: 100_000, ms: 5}));
  let running: Promise<{readonly outcome: string}> | undefined;
  await new Promise<void>((begun) => {
    const onEvent = ({type}: RunEvent) => {
      if (type === 'node-progress') begun();
    };
    running = runRecipe({recipe: slow, store: folder, stop, onEvent});
  });
  const store = openStore(folder, {mode: 'read'});
  t.after(() => store.close());
  const [node] = (await statusOf(store)).nodes;
  assert.equal(node?.state, 'running');
  assert.equal(node.total, 100_000);
  const log = await logOf(store, 'first');

  const once = new AbortController();
  const looking = followLog(store, log, {signal: once.signal});
  const first = await looking.next();
  assert.ok(first.done !== true && first.value.includes('starts behind step 0'));
  once.abort();
  assert.deepEqual(await looking.next(), {done: true, value: {reason: 'aborted'}});

  const pieces: string[] = [];
  const following = (async (): Promise<LogEnd> => {
    const all = followLog(store, log);
    for (;;) {
      const piece = await all.next();
      if (piece.done === true) return piece.value;
      pieces.push(piece.value);
      stop.press();
    }
  })();
  assert.deepEqual(await following, {reason: 'ended'});
  assert.match(pieces.join(''), /starts behind step 0/);
  assert.equal((await running)?.outcome, 'stopped');
});

test('what is not there is a UserError that says so by itself', async (t) => {
  const folder = join(temporaryFolder(t), 'store');
  const empty = openStore(folder);
  await assert.rejects(statusOf(empty), {reason: 'not-found', message: 'nothing has run in this store yet'});
  await assert.rejects(whyOf(empty, 'first'), {reason: 'not-found', message: 'nothing has run in this store yet'});
  assert.deepEqual(await runsOf(empty), []);
  empty.close();
  await runRecipe({recipe: TWO, store: folder});
  const store = openStore(folder, {mode: 'read'});
  t.after(() => store.close());
  await assert.rejects(costOf(store, 7), {reason: 'not-found', message: 'there is no run 7'});
  await assert.rejects(findNode(store, 'frist'), {message: 'no run includes a node “frist”, did you mean “first”?'});
  await assert.rejects(logOf(store, 'third', 1), {
    reason: 'not-found',
    message: /^run 1 has decided nothing for “third”/,
  });
  await assert.rejects(trace(store, 'r1'), {reason: 'not-found', message: 'no run has a row “r1”'});
});
