/** What a runner does with a job whose runner died, by what the executor tells of it. */
import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {UserError} from '../../../artifacts/index.js';
import type {AdoptRequest, Exit} from '../../../pipeline/executors/executor.js';
import {jobFiles, readJob} from '../../../pipeline/job/folder.js';
import type {Puppet} from '../../rig/puppets.js';
import {until} from '../../rig/command.js';
import {Rig} from '../../rig/rig.js';

/** A rig whose first run has left an attempt at `base` open: its process ended well, and its outcome was not recorded. */
async function withOrphan(t: TestContext): Promise<{rig: Rig; run: number; puppet: Puppet}> {
  const rig = new Rig(t);
  const {finishAttemptSoon} = rig.store;
  rig.store.finishAttemptSoon = () => Promise.reject(new UserError('disk-full', 'the disk is full'));
  const first = rig.run({base: []});
  const puppet = await rig.puppets.at('base');
  await rig.succeed('base');
  const {run} = await first;
  rig.store.finishAttemptSoon = finishAttemptSoon;
  assert.equal(rig.store.orphans().length, 1);
  return {rig, run, puppet};
}

const reasonsOf = ({store}: Rig, run: number): (string | undefined)[] =>
  store.attemptsOf(run as never, 'base').map(({outcome}) => outcome?.reason);

test('the executor is asked by what the runner knows of a job: its folder, its tag, and the epoch it was prepared in', async (t) => {
  const {rig, puppet} = await withOrphan(t);
  const asked: AdoptRequest[] = [];
  const {onAdopt} = rig.puppets;
  rig.puppets.onAdopt = (job) => {
    asked.push(job);
    return onAdopt(job);
  };
  assert.deepEqual(Rig.ends(await rig.run({base: []})), {base: 'made'});
  assert.deepEqual(
    asked.map(({folder, tag, epoch}) => ({folder, tag, epoch})),
    [{folder: puppet.folder, tag: puppet.job.tag, epoch: 'stage'}],
  );
  assert.deepEqual(rig.started, ['base'], 'what it made counts');
});

test('a result of another epoch may stand over bytes that are gone, so the node is tried again', async (t) => {
  const {rig, run} = await withOrphan(t);
  rig.puppets.machine = 'stage, after a power cut';
  const second = rig.run({base: []});
  await until('it is tried again', () => rig.started.length === 2);
  await rig.succeed('base');
  assert.deepEqual(Rig.ends(await second), {base: 'made'});
  assert.deepEqual(reasonsOf(rig, run), ['lost']);
});

test('a job of version 0.1, which called its epoch `boot`, is trusted as before', async (t) => {
  const {rig, puppet} = await withOrphan(t);
  const {job} = jobFiles(puppet.folder);
  writeFileSync(job, readFileSync(job, 'utf8').replace('"epoch":', '"boot":'));
  const read = readJob(puppet.folder);
  assert.equal(read.ok ? read.value.epoch : read.error, 'stage');
  assert.deepEqual(Rig.ends(await rig.run({base: []})), {base: 'made'});
  assert.deepEqual(rig.started, ['base']);
});

test('while nobody can tell whether a job runs, its node fails and no second one is started; then it is gone on with', async (t) => {
  const {rig, run} = await withOrphan(t);
  const {onAdopt} = rig.puppets;
  rig.puppets.onAdopt = () => ({state: 'unknown', why: 'the cluster does not answer'});
  const failed = await rig.run({base: []});
  assert.deepEqual(Rig.ends(failed), {base: 'unreachable'});
  const [told] = rig.events.flatMap((event) =>
    event.type === 'node-failed' && event.outcome.reason === 'unreachable' ? [event.outcome.message] : [],
  );
  assert.equal(told, 'attempt 1 may still run: the cluster does not answer');
  assert.deepEqual(rig.started, ['base']);
  assert.deepEqual(reasonsOf(rig, run), [undefined], 'it is open');
  rig.puppets.onAdopt = onAdopt;
  assert.deepEqual(Rig.ends(await rig.run({base: []})), {base: 'made'});
  assert.deepEqual(rig.started, ['base'], 'the work of hours is not done again');
});

test('who waits for a job that cannot be taken over hears why, and does not wait for ever', async (t) => {
  const {rig} = await withOrphan(t);
  const prepared = await rig.prepare({base: [], twin: []});
  const base = prepared.wiring.nodes.get('base');
  const planned = prepared.plan.nodes.get('base');
  assert.ok(base?.type === 'stage' && planned?.action === 'run');
  const nodes = new Map(prepared.plan.nodes).set('twin', {...planned, node: {...base, id: 'twin'}});
  rig.puppets.onAdopt = () => {
    throw new Error('the cluster has no such command');
  };
  const summary = await rig.carryOut({...prepared, plan: {...prepared.plan, nodes}}, {onFailure: 'continue'});
  assert.deepEqual(Rig.ends(summary), {base: 'unexpected-error', twin: 'unexpected-error'});
});

test('a job that nobody wants, and of which nobody can tell whether it runs, stays as it is', async (t) => {
  const {rig, run} = await withOrphan(t);
  rig.puppets.onAdopt = () => ({state: 'unknown', why: 'the cluster does not answer'});
  const other = rig.run({other: []});
  await rig.succeed('other');
  assert.deepEqual(Rig.ends(await other), {other: 'made'});
  const warnings = rig.events.flatMap((event) => (event.type === 'warning' ? [event.text] : []));
  assert.deepEqual(warnings, ['attempt 1, which nobody wants any more, may still run: the cluster does not answer']);
  assert.deepEqual(reasonsOf(rig, run), [undefined]);
});

test('a process that runs is adopted, and how it ends is seen', async (t) => {
  const {rig, run} = await withOrphan(t);
  let end!: (exit: Exit) => void;
  const exit = new Promise<Exit>((resolve) => (end = resolve));
  const nothing = () => Promise.resolve();
  rig.puppets.onAdopt = () => ({
    state: 'running',
    running: {exit, stop: nothing, kill: nothing, usage: () => Promise.resolve({user: 1, system: 2, memory: 3})},
  });
  const second = rig.run({base: []});
  await until('it is adopted', () =>
    rig.events.some((event) => event.type === 'node-started' && event.adopted === true),
  );
  assert.deepEqual(reasonsOf(rig, run), [undefined]);
  end({how: {type: 'unseen'}, leftovers: []});
  assert.deepEqual(Rig.ends(await second), {base: 'made'});
  assert.deepEqual(rig.started, ['base']);
});

test('where the end of a process cannot be told, its attempt is closed with what was thrown', async (t) => {
  const {rig, run} = await withOrphan(t);
  let fail!: (error: Error) => void;
  const exit = new Promise<Exit>((_, reject) => (fail = reject));
  const nothing = () => Promise.resolve();
  rig.puppets.onAdopt = () => ({
    state: 'running',
    running: {exit, stop: nothing, kill: nothing, usage: () => Promise.resolve(undefined)},
  });
  const second = rig.run({base: []});
  await until('it is adopted', () =>
    rig.events.some((event) => event.type === 'node-started' && event.adopted === true),
  );
  fail(new Error('the process table cannot be read'));
  assert.deepEqual(Rig.ends(await second), {base: 'unexpected-error'});
  assert.deepEqual(reasonsOf(rig, run), ['unexpected-error']);
});

test('that a process could not be ended by force is told, and its end is waited for', async (t) => {
  const rig = new Rig(t);
  const {puppets} = rig;
  puppets.onSignal = () => {
    throw new Error('the cluster does not answer');
  };
  const running = rig.run({base: []});
  await rig.puppets.at('base');
  rig.stop.press();
  rig.stop.press();
  await until('both are told', () => rig.events.filter(({type}) => type === 'warning').length === 2);
  await rig.fail('base');
  assert.deepEqual(Rig.ends(await running), {base: 'stage-failed'});
  assert.deepEqual(
    rig.events.flatMap((event) => (event.type === 'warning' ? [event.text] : [])),
    [
      'could not write down that “base” was asked to stop: the cluster does not answer',
      'could not end “base” by force: the cluster does not answer',
    ],
  );
});
