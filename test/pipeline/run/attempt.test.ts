/** How an attempt is closed when something goes wrong while it is concluded. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {UserError} from '../../../artifacts/index.js';
import {until} from '../../rig/command.js';
import {Rig} from '../../rig/rig.js';

const HALF = '{"type":"metric","at":1,"name":"loss","step":0.5,"value":1}\n';

const eventsOf = (folder: string): string => `store/jobs/${folder.split('/').at(-1)!}/events.jsonl`;

test('an error that would come again closes the attempt, and the next run tries afresh', async (t) => {
  const rig = new Rig(t);
  const {addMetrics} = rig.store;
  rig.store.addMetrics = () => {
    throw new Error('Internal error: spoilt');
  };
  const first = rig.run({base: []});
  const {folder} = await rig.puppets.at('base');
  rig.file(eventsOf(folder), '{"type":"metric","at":1,"name":"loss","step":1,"value":1}\n');
  await rig.succeed('base');
  const failed = await first;
  assert.deepEqual(Rig.ends(failed), {base: 'unexpected-error'});
  assert.equal(rig.store.attemptsOf(failed.run, 'base')[0]?.outcome?.reason, 'unexpected-error');
  assert.deepEqual(rig.store.orphans(), []);
  rig.store.addMetrics = addMetrics;
  const second = rig.run({base: []});
  await rig.succeed('base');
  assert.deepEqual(Rig.ends(await second), {base: 'made'});
});

test('an attempt that was left open with an event which cannot be kept is closed and tried again in one run', async (t) => {
  const rig = new Rig(t);
  const {finishAttemptSoon} = rig.store;
  rig.store.finishAttemptSoon = () => Promise.reject(new UserError('disk-full', 'the disk is full'));
  const first = rig.run({base: []});
  const {folder} = await rig.puppets.at('base');
  rig.file(eventsOf(folder), HALF);
  await rig.succeed('base');
  const {run} = await first;
  assert.equal(rig.store.attemptsOf(run, 'base')[0]?.outcome, undefined, 'it is open');
  rig.store.finishAttemptSoon = finishAttemptSoon;
  const second = rig.run({base: []});
  await rig.succeed('base');
  const summary = await second;
  assert.deepEqual(Rig.ends(summary), {base: 'made'});
  const [old] = rig.store.attemptsOf(run, 'base');
  assert.deepEqual(old?.outcome?.detail, {
    reason: 'events-garbled',
    line: 1,
    text: HALF.trimEnd(),
    message: `the step is 0.5, not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  });
  assert.deepEqual(rig.store.orphans(), []);
});

test('a result that could not be stored for now stays open and is taken over by the next run', async (t) => {
  const rig = new Rig(t);
  const {finishAttemptSoon} = rig.store;
  rig.store.finishAttemptSoon = () => Promise.reject(new UserError('disk-full', 'the disk is full'));
  const first = rig.run({base: []});
  await rig.succeed('base');
  assert.deepEqual(Rig.ends(await first), {base: 'store-failed'});
  rig.store.finishAttemptSoon = finishAttemptSoon;
  assert.deepEqual(Rig.ends(await rig.run({base: []})), {base: 'made'});
  assert.deepEqual(rig.started, ['base'], 'the work of hours is not done again');
});

test('who waits for the same work hears that it could not be stored, and does not wait for ever', async (t) => {
  const rig = new Rig(t);
  const prepared = await rig.prepare({base: [], twin: []});
  const base = prepared.wiring.nodes.get('base');
  const planned = prepared.plan.nodes.get('base');
  assert.ok(base?.type === 'stage' && planned?.action === 'run');
  const nodes = new Map(prepared.plan.nodes).set('twin', {...planned, node: {...base, id: 'twin'}});
  rig.store.finishAttemptSoon = () => Promise.reject(new UserError('disk-full', 'the disk is full'));
  const run = rig.carryOut({...prepared, plan: {...prepared.plan, nodes}}, {onFailure: 'continue'});
  await until('one of the two has started', () => rig.started.length > 0);
  await until('the other one waits', () => rig.events.some(({type}) => type === 'node-waiting'));
  await rig.succeed(rig.started[0]!);
  const ends = Object.values(Rig.ends(await run));
  assert.deepEqual(ends, ['store-failed', 'store-failed']);
});

test('a run that cannot be resumed is not held by who tried', async (t) => {
  const rig = new Rig(t);
  const first = rig.run({base: []});
  await rig.fail('base');
  const {run} = await first;
  rig.store.resumeRun = () => {
    throw new UserError('disk-full', 'the disk is full');
  };
  await assert.rejects(rig.run({base: []}, {resume: run}), {reason: 'disk-full'});
  const lock = rig.store.holdRunnerLock(run);
  assert.ok(lock !== undefined);
  lock.release();
});
