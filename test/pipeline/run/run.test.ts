/** Runs against a real store, with puppets in the place of processes. */
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {test} from 'node:test';
import {UserError} from '../../../artifacts/index.js';
import type {AttemptId, Digest, Reusable, Store} from '../../../artifacts/index.js';
import {Rig} from '../../rig/rig.js';

test('nodes run after what they need, and side by side where they can', async (t) => {
  //  base ─→ zero ─→ cold
  //     └──→ sft
  const rig = new Rig(t);
  const run = rig.run({base: [], zero: ['base'], cold: ['zero'], sft: ['base']});
  await rig.succeed('base');
  await rig.puppets.at('sft');
  await rig.puppets.at('zero');
  assert.deepEqual([...rig.started].sort(), ['base', 'sft', 'zero']);
  await rig.succeed('zero');
  await rig.succeed('cold');
  await rig.succeed('sft');
  assert.deepEqual(Rig.ends(await run), {base: 'made', zero: 'made', sft: 'made', cold: 'made'});
});

test('a failed stage cancels what needs it, lets the running ones finish and starts nothing new', async (t) => {
  //  base ─→ zero* ─→ cold
  //     └──→ sft ─→ rl
  const rig = new Rig(t);
  const run = rig.run({base: [], zero: ['base'], cold: ['zero'], sft: ['base'], rl: ['sft']});
  await rig.succeed('base');
  await rig.puppets.at('sft');
  await rig.fail('zero');
  await rig.succeed('sft');
  const summary = await run;
  assert.deepEqual(Rig.ends(summary), {
    base: 'made',
    zero: 'stage-failed',
    sft: 'made',
    cold: 'cancelled',
    rl: 'not-started',
  });
  assert.equal(summary.outcome, 'failed');
  const cold = rig.store.nodesOf(summary.run).find(({node}) => node === 'cold');
  assert.equal(cold?.action, 'cancelled');
  assert.equal(cold.because, 'needs “zero”, which failed');
});

test('what goes wrong around a node is told with its reason', async (t) => {
  const rig = new Rig(t);
  const prepared = await rig.prepare({zero: [], sft: []});
  const beginAttempt: Store['beginAttempt'] = ({node}) => {
    if (node === 'zero') throw new UserError('disk-full', 'the disk is full', {remedy: {type: 'free-space'}});
    throw new Error('Internal error: spoilt');
  };
  Object.assign(rig.store, {beginAttempt});
  const summary = await rig.carryOut(prepared, {onFailure: 'continue'});
  assert.deepEqual(Rig.ends(summary), {zero: 'store-failed', sft: 'unexpected-error'});
  const told = rig.events.flatMap((event) => (event.type === 'node-failed' ? [[event.node, event.outcome]] : []));
  assert.deepEqual(told[0], [
    'zero',
    {reason: 'store-failed', message: 'the disk is full', remedy: {type: 'free-space'}},
  ]);
  assert.equal(told.length, 2);
});

test('with --on-failure continue, only what needs the failed node is left out', async (t) => {
  const rig = new Rig(t);
  const run = rig.run({zero: [], cold: ['zero'], sft: [], rl: ['sft']}, {onFailure: 'continue'});
  await rig.fail('zero');
  await rig.succeed('sft');
  await rig.succeed('rl');
  assert.deepEqual(Rig.ends(await run), {zero: 'stage-failed', cold: 'cancelled', sft: 'made', rl: 'made'});
});

test('with --on-failure stop, running stages are asked to stop', async (t) => {
  const rig = new Rig(t);
  const run = rig.run({zero: [], sft: []}, {onFailure: 'stop'});
  const sft = await rig.puppets.at('sft');
  await rig.fail('zero');
  assert.deepEqual(Rig.ends(await run), {zero: 'stage-failed', sft: 'stopped'});
  assert.deepEqual(sft.asked, ['stop']);
});

test('a second run reuses everything and says so', async (t) => {
  const rig = new Rig(t);
  const first = rig.run({base: [], zero: ['base']});
  await rig.succeed('base');
  await rig.succeed('zero');
  await first;
  const second = await rig.run({base: [], zero: ['base']});
  assert.deepEqual(rig.started, ['base', 'zero']);
  assert.deepEqual(Rig.ends(second), {base: 'reused', zero: 'reused'});
  const nodes = rig.store.nodesOf(second.run);
  assert.deepEqual(
    nodes.map(({node, action, attempt}) => [node, action, attempt]),
    [
      ['base', 'reuse', 1],
      ['zero', 'reuse', 2],
    ],
  );
});

test('identical bytes upstream mean nothing to do downstream', async (t) => {
  //  base* ─→ zero ─→ cold
  const rig = new Rig(t);
  const shape = {base: [], zero: ['base'], cold: ['zero']};
  const first = rig.run(shape);
  await rig.succeed('base', 'the same');
  await rig.succeed('zero');
  await rig.succeed('cold');
  await first;
  rig.code('base', 'export const stage = 1 + 1;');
  assert.deepEqual(await rig.plan(shape), {
    base: 'run: code of base.js',
    zero: 'maybe: runs if base changes',
    cold: 'maybe: runs if zero changes',
  });
  const second = rig.run(shape);
  await rig.succeed('base', 'the same');
  assert.deepEqual(Rig.ends(await second), {base: 'made', zero: 'reused', cold: 'reused'});
});

test('other bytes upstream run what is below, and the reason names the node', async (t) => {
  const rig = new Rig(t);
  const shape = {base: [], zero: ['base']};
  const first = rig.run(shape);
  await rig.succeed('base');
  await rig.succeed('zero');
  await first;
  const second = rig.run(shape, {params: {base: {rate: 2}}});
  await rig.succeed('base');
  await rig.succeed('zero');
  const {run} = await second;
  const because = Object.fromEntries(rig.store.nodesOf(run).map((node) => [node.node, node.because]));
  assert.deepEqual(because, {base: 'rate 1 → 2', zero: 'input base (base)'});
});

test('--force runs a node although nothing changed', async (t) => {
  const rig = new Rig(t);
  const first = rig.run({base: [], zero: ['base']});
  await rig.succeed('base');
  await rig.succeed('zero');
  await first;
  const second = rig.run({base: [], zero: ['base']}, {request: {force: ['base']}});
  await rig.succeed('base');
  assert.deepEqual(Rig.ends(await second), {base: 'made', zero: 'reused'});
});

test('a changed seed runs again, a reverted one is a hit', async (t) => {
  const rig = new Rig(t);
  const first = rig.run({base: []});
  await rig.succeed('base');
  await first;
  const second = rig.run({base: []}, {request: {seed: 1}});
  await rig.succeed('base');
  const {run} = await second;
  assert.equal(rig.store.nodesOf(run)[0]?.because, 'seed 0 → 1');
  assert.deepEqual(Rig.ends(await rig.run({base: []})), {base: 'reused'});
});

test('with several seeds, what changed is told against the last attempt of the same one', async (t) => {
  const rig = new Rig(t);
  const made = async (seed: number, rate?: number): Promise<void> => {
    const params = rate === undefined ? {} : {params: {base: {rate}}};
    const running = rig.run({base: []}, {request: {seed}, ...params});
    await rig.succeed('base', `seed ${seed}, rate ${rate}`);
    await running;
  };
  await made(0);
  await made(1);
  const changed = {params: {base: {rate: 2}}};
  assert.deepEqual(await rig.plan({base: []}, changed), {base: 'run: rate 1 → 2'});
  await made(1, 3);
  assert.deepEqual(await rig.plan({base: []}, changed), {base: 'run: rate 1 → 2'});
  assert.deepEqual(await rig.plan({base: []}, {...changed, request: {seed: 1}}), {base: 'run: rate 3 → 2'});
  assert.deepEqual(await rig.plan({base: []}, {...changed, request: {seed: 2}}), {
    base: 'run: rate 3 → 2, seed 1 → 2',
  });
});

test('a job whose end nobody saw is tried again, in a folder of its own', async (t) => {
  const rig = new Rig(t);
  const running = rig.run({base: []});
  await rig.fail('base', {type: 'unseen'});
  await rig.succeed('base');
  const summary = await running;
  assert.deepEqual(Rig.ends(summary), {base: 'made'});
  const reasons = rig.store.attemptsOf(summary.run, 'base').map(({outcome}) => outcome?.reason);
  assert.deepEqual(reasons, ['lost', 'succeeded']);
});

test('a job whose end nobody sees, however often it is tried, fails', async (t) => {
  const rig = new Rig(t);
  const running = rig.run({base: []});
  for (let tries = 0; tries < 3; tries++) await rig.fail('base', {type: 'unseen'});
  const summary = await running;
  assert.deepEqual(Rig.ends(summary), {base: 'lost'});
  const told = rig.events.flatMap((event) => (event.type === 'node-finished' ? [event.outcome.reason] : []));
  assert.deepEqual(told, ['lost']);
});

test('what an attempt came to stays, though what it left behind cannot be removed', async (t) => {
  const rig = new Rig(t);
  const refuse = () => Promise.reject(new UserError('no-permission', 'permission denied'));
  Object.assign(rig.store, {removeTree: refuse, removeTrees: refuse});
  const running = rig.run({base: []});
  await rig.succeed('base');
  assert.deepEqual(Rig.ends(await running), {base: 'made'});
  assert.ok(rig.events.some((event) => event.type === 'warning' && event.text.includes('permission denied')));
});

test('what was prefetched and is gone when the run begins is made again', async (t) => {
  const rig = new Rig(t);
  const shape = {base: [], zero: ['base']};
  const first = rig.run(shape);
  await rig.succeed('base');
  await rig.succeed('zero');
  await first;
  const {plan} = await rig.prepare(shape);
  const prefetched = new Map<Digest, Reusable>();
  for (const node of plan.nodes.values()) {
    assert.ok(node.action === 'reuse' && node.fingerprint !== undefined);
    prefetched.set(node.fingerprint, {attempt: node.attempt as AttemptId, outputs: node.outputs});
  }
  const made = plan.nodes.get('base')!;
  assert.ok(made.action === 'reuse');
  const [file] = rig.store.artifact(made.outputs['out']!)!.files;
  rmSync(rig.store.parts.blobs.path(file!.sha256));
  const prepared = await rig.prepare(shape, {prefetched});
  assert.equal(prepared.plan.nodes.get('base')!.action, 'reuse', 'a plan believes what was prefetched');
  const second = rig.carryOut(prepared);
  await rig.succeed('base');
  assert.deepEqual(Rig.ends(await second), {base: 'made', zero: 'reused'});
});

test('two nodes with the same fingerprint run once', async (t) => {
  //  Not two names of one stage: the very same ingredients, as two recipes' branches may have.
  const rig = new Rig(t);
  const prepared = await rig.prepare({base: [], twin: []});
  const [base, twin] = ['base', 'twin'].map((id) => prepared.wiring.nodes.get(id)!);
  assert.ok(base?.type === 'stage' && twin?.type === 'stage');
  const plan = {...prepared.plan, nodes: new Map(prepared.plan.nodes)};
  const planned = plan.nodes.get('base')!;
  assert.equal(planned.action, 'run');
  plan.nodes.set('twin', {...planned, node: {...base, id: 'twin'}});
  const run = rig.carryOut({...prepared, plan});
  await rig.succeed(await firstStarted(rig));
  const ends = Object.values(Rig.ends(await run)).sort();
  assert.deepEqual(ends, ['made', 'reused']);
  assert.equal(rig.started.length, 1);
});

async function firstStarted(rig: Rig): Promise<string> {
  return (await Promise.race([rig.puppets.at('base'), rig.puppets.at('twin')])).node;
}

test('a second runner waits for what the first one makes, and uses it', async (t) => {
  const one = new Rig(t);
  const two = new Rig(t, one);
  const first = one.run({base: []});
  await one.puppets.at('base');
  const second = two.run({base: []});
  const waiting = new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (!two.events.some(({type}) => type === 'node-waiting')) return;
      clearInterval(look);
      resolve();
    }, 5);
  });
  await waiting;
  await one.succeed('base');
  assert.deepEqual(Rig.ends(await first), {base: 'made'});
  assert.deepEqual(Rig.ends(await second), {base: 'reused'});
  assert.deepEqual(two.started, []);
});

test('when the attempt that a second runner waits for fails, it tries for itself', async (t) => {
  const one = new Rig(t);
  const two = new Rig(t, one);
  const first = one.run({base: []});
  await one.puppets.at('base');
  const second = two.run({base: []});
  await one.fail('base');
  await two.succeed('base');
  assert.deepEqual(Rig.ends(await first), {base: 'stage-failed'});
  assert.deepEqual(Rig.ends(await second), {base: 'made'});
});

test('a stop asks the running stages, starts nothing new and ends the run as stopped', async (t) => {
  const rig = new Rig(t);
  const run = rig.run({base: [], zero: ['base']});
  await rig.puppets.at('base');
  rig.stop.press();
  const summary = await run;
  assert.deepEqual(Rig.ends(summary), {base: 'stopped', zero: 'cancelled'});
  assert.equal(summary.outcome, 'stopped');
  assert.equal(rig.store.run(summary.run)?.end?.outcome, 'stopped');
});

test('a second stop kills what did not obey the first', async (t) => {
  const rig = new Rig(t);
  rig.puppets.onSignal = (puppet, signal) => {
    if (signal === 'kill') puppet.end({type: 'signalled', signal: 'SIGKILL'});
  };
  const run = rig.run({base: []});
  const base = await rig.puppets.at('base');
  rig.stop.press();
  rig.stop.press();
  assert.deepEqual(Rig.ends(await run), {base: 'stopped'});
  assert.deepEqual(base.asked, ['stop', 'kill']);
});

test('a stage that ignores the request to stop is killed when its grace is over', async (t) => {
  const rig = new Rig(t);
  rig.puppets.onSignal = (puppet, signal) => {
    if (signal === 'kill') puppet.end({type: 'signalled', signal: 'SIGKILL'});
  };
  const run = rig.run({base: []}, {grace: 0.05});
  await rig.puppets.at('base');
  rig.stop.press();
  assert.deepEqual(Rig.ends(await run), {base: 'stopped'});
});

test('a stage past its timeout is stopped and recorded as timed out', async (t) => {
  const rig = new Rig(t);
  const run = rig.run({base: []}, {options: {base: {timeout: 0.05}}});
  const summary = await run;
  assert.deepEqual(Rig.ends(summary), {base: 'timed-out'});
});

test('sources are nodes: their content decides, and lineage knows them', async (t) => {
  const rig = new Rig(t);
  rig.file('data/problems.jsonl', 'one');
  const shape = {problems: ['data/problems.jsonl'], zero: ['problems']};
  const first = rig.run(shape);
  await rig.succeed('zero');
  assert.deepEqual(Rig.ends(await first), {problems: 'reused', zero: 'made'});
  const began = rig.events.find((event) => event.type === 'run-started');
  const ended = rig.events.find((event) => event.type === 'run-finished');
  assert.deepEqual([began?.nodes, ended?.ran, ended?.reused], [1, 1, 0], 'counted as in a plan');
  rig.file('data/problems.jsonl', 'two');
  assert.equal((await rig.plan(shape))['zero'], 'run: input problems (problems)');
  rig.file('data/problems.jsonl', 'one');
  assert.equal((await rig.plan(shape))['zero'], 'reuse: nothing changed');
});

test('a success without its output, or with a half-written event, is no success', async (t) => {
  const rig = new Rig(t);
  const run = rig.run({base: [], zero: []}, {onFailure: 'continue'});
  await rig.fail('base', {end: 'succeeded'}); // and wrote nothing
  const zero = await rig.puppets.at('zero');
  rig.file(
    `store/jobs/${zero.folder.split('/').at(-1)!}/events.jsonl`,
    '{"type":"note","at":1,"text":"a"}\n{"type":"me',
  );
  await rig.succeed('zero');
  assert.deepEqual(Rig.ends(await run), {base: 'output-missing', zero: 'events-garbled'});
});

test('the exit of a stage that left no result is told as it was', async (t) => {
  const rig = new Rig(t);
  const run = rig.run({a: [], b: [], c: []}, {onFailure: 'continue'});
  await rig.fail('a', {type: 'exited', code: 3});
  await rig.fail('b', {type: 'signalled', signal: 'SIGSEGV'});
  await rig.fail('c', {end: 'threw', message: 'TypeError: no'});
  const summary = await run;
  assert.deepEqual(Rig.ends(summary), {a: 'stage-exited', b: 'killed-by-signal', c: 'stage-threw'});
  const [a] = rig.store.attemptsOf(summary.run, 'a');
  assert.deepEqual(a?.outcome?.detail, {reason: 'stage-exited', exitCode: 3});
});

test('what failed is tried again by the next run, and the reason says why', async (t) => {
  const rig = new Rig(t);
  const first = rig.run({base: []});
  await rig.fail('base');
  await first;
  assert.deepEqual(await rig.plan({base: []}), {
    base: 'run: last time: failed; attempt 1 left no whole checkpoint, so it starts from the beginning',
  });
  rig.code('base', 'export const stage = 2;');
  assert.deepEqual(await rig.plan({base: []}), {base: 'run: last time: failed; since then: code of base.js'});
  const second = rig.run({base: []});
  await rig.succeed('base');
  assert.deepEqual(Rig.ends(await second), {base: 'made'});
});

test('metrics are kept while the stage runs and are there afterwards', async (t) => {
  const rig = new Rig(t);
  const run = rig.run({base: []});
  const {folder} = await rig.puppets.at('base');
  const metric = (step: number, value: number | string) =>
    JSON.stringify({type: 'metric', at: 1, name: 'loss', step, value});
  rig.file(`store/jobs/${folder.split('/').at(-1)!}/events.jsonl`, `${metric(1, 2.5)}\n${metric(2, 'NaN')}\n`);
  await rig.succeed('base');
  const summary = await run;
  const [attempt] = rig.store.attemptsOf(summary.run, 'base');
  assert.deepEqual(rig.store.metrics(attempt!.id), [
    {name: 'loss', step: 1, value: 2.5},
    {name: 'loss', step: 2, value: NaN},
  ]);
});
