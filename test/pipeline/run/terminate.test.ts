/** How long a stage that was asked to stop may take. */
import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import type {AttemptId} from '../../../artifacts/index.js';
import type {Running} from '../../../pipeline/executors/executor.js';
import {jobFiles} from '../../../pipeline/job/folder.js';
import {graceFor, stopSwitch} from '../../../pipeline/run/stop.js';
import {Terminator} from '../../../pipeline/run/terminate.js';
import type {Manner} from '../../../pipeline/run/terminate.js';
import {until} from '../../rig/command.js';
import {Rig} from '../../rig/rig.js';

test('a grace of more than a timer can take is no reason to kill at once', async (t) => {
  for (const grace of [Infinity, 2_147_484]) {
    const rig = new Rig(t);
    rig.puppets.onSignal = () => undefined;
    const run = rig.run({base: []}, {grace});
    const base = await rig.puppets.at('base');
    rig.stop.press();
    // Timers go off in the order of their times: one that Node had cut to 1 ms is through by then.
    await sleep(20);
    assert.deepEqual(base.asked, ['stop']);
    base.end({type: 'exited', code: 0});
    await run;
  }
});

test('the grace is twice what a step and a checkpoint take, half a minute at least and ten at most', () => {
  assert.equal(graceFor({}), 30);
  assert.equal(graceFor({stepMs: 9_000, checkpointMs: 2_000}), 30);
  assert.equal(graceFor({stepMs: 25_700, checkpointMs: 11_001}), 74);
  assert.equal(graceFor({stepMs: 3_600_000}), 600);
});

/** A process that is asked to stop, and does not; seconds that pass are those of a clock of its own. */
function stubborn(t: TestContext, manner: Partial<Manner>) {
  t.mock.timers.enable({apis: ['setTimeout']});
  const stop = stopSwitch();
  const did: string[] = [];
  const running: Running = {
    exit: new Promise(() => undefined),
    stop: async () => void did.push('stop'),
    kill: async () => void did.push('kill'),
    usage: async () => undefined,
  };
  const warn = (text: string): never => assert.fail(text);
  const terminator = new Terminator(running, {stop, grace: 30, warn, ...manner}, {node: 'base'});
  t.after(() => terminator.dispose());
  const pass = (seconds: number): string[] => {
    // One after the other, as a timer that is set in between counts from the end of the tick.
    for (let passed = 0; passed < seconds; passed++) t.mock.timers.tick(1000);
    return did;
  };
  return {stop, pass};
}

test('a process that writes a checkpoint when its time is up is left to it, but not for ever', (t) => {
  let isSaving = true;
  const {stop, pass} = stubborn(t, {grace: () => 74, isSaving: () => isSaving});
  stop.press();
  assert.deepEqual(pass(100), ['stop'], 'it is still writing');
  isSaving = false;
  assert.deepEqual(pass(5), ['stop', 'kill'], 'it has written, and goes on');
});

test('one that never gets done with its checkpoint is killed ten minutes after it was asked', (t) => {
  const {stop, pass} = stubborn(t, {isSaving: () => true});
  stop.press();
  assert.deepEqual(pass(599), ['stop']);
  assert.deepEqual(pass(1), ['stop', 'kill']);
});

test('a second request ends a process at once, whatever it is writing', (t) => {
  const told: number[] = [];
  const {stop, pass} = stubborn(t, {isSaving: () => true, asked: (seconds) => told.push(seconds)});
  stop.press();
  stop.press();
  assert.deepEqual(pass(1), ['stop', 'kill']);
  assert.deepEqual(told, [30], 'for how long it would have been waited for is told once');
});

test('who is asked to stop is told of with its time, which its own pace decides', async (t) => {
  const rig = new Rig(t);
  const run = rig.run({base: []}, {grace: undefined});
  const {folder} = await rig.puppets.at('base');
  const events = [
    {type: 'progress', step: 1, total: 9, at: 1_000},
    {type: 'progress', step: 2, total: 9, at: 26_000},
    {type: 'checkpoint', step: 2, ms: 12_000, at: 38_000},
  ];
  writeFileSync(jobFiles(folder).events, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  await until('its pace is known', () => rig.events.some(({type}) => type === 'node-checkpoint'));
  rig.stop.press();
  await run;
  assert.deepEqual(
    rig.events.filter(({type}) => type === 'node-stopping'),
    [{type: 'node-stopping', node: 'base', seconds: 74, forCheckpoint: true}],
  );
  // It had made two steps and saved none of them.
  assert.deepEqual(rig.store.attempt(1 as AttemptId)?.outcome?.detail, {
    reason: 'stopped',
    by: 'person',
    step: null,
    reached: 2,
  });
});
