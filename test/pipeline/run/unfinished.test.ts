/** What a person learns of attempts that were cut short: in the plan, when the next one begins, and afterwards. */
import assert from 'node:assert/strict';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {AttemptId} from '../../../artifacts/index.js';
import {openCheckpoints} from '../../../pipeline/job/checkpoints.js';
import {jobFiles} from '../../../pipeline/job/folder.js';
import {whyOf} from '../../../pipeline/inspect/why.js';
import {planWarnings} from '../../../pipeline/plan/warnings.js';
import type {RunSummary} from '../../../pipeline/run/options.js';
import {whyText} from '../../../bin/render/why.js';
import {planText} from '../../../bin/render/plan.js';
import {Rig} from '../../rig/rig.js';

/** Leaves what a stage leaves that has saved its state after this step. */
async function saveAfter(step: number, folder: string): Promise<void> {
  const {checkpoints} = jobFiles(folder);
  const open = {folder: () => checkpoints, every: 1, stopping: () => false, onSaved: () => undefined};
  await openCheckpoints(open).save(step, (files) => writeFileSync(join(files, 'state'), `at ${step}`));
}

const outcomeOf = (rig: Rig, {run}: RunSummary): unknown => rig.store.attemptsOf(run, 'base').at(-1)?.outcome?.detail;

const DRAWN = {colours: false, width: 100};

test('an attempt that was killed before its first checkpoint was whole is the reason, and nothing of it is used', async (t) => {
  const rig = new Rig(t);
  const first = rig.run({base: []});
  await rig.fail('base', {type: 'signalled', signal: 'SIGKILL'});
  assert.deepEqual(outcomeOf(rig, await first), {reason: 'killed-by-signal', signal: 'SIGKILL', step: null});
  const because =
    'last time: was killed by a signal; attempt 1 left no whole checkpoint, so it starts from the beginning';
  assert.deepEqual(await rig.plan({base: []}), {base: `run: ${because}`});
  const second = rig.run({base: []});
  await rig.succeed('base');
  await second;
  const why = whyText(whyOf(rig.store, 'base'));
  assert.match(why, new RegExp(`^run 2: base ran: ${because}\n`));
  assert.match(why, /\nbefore: attempt 1, run 1: was killed by SIGKILL \(.*\), without a checkpoint\n/);
});

test('where there is a checkpoint, plan and outcome say after which step', async (t) => {
  const rig = new Rig(t);
  const first = rig.run({base: []});
  await saveAfter(3, (await rig.puppets.at('base')).folder);
  await rig.fail('base', {type: 'signalled', signal: 'SIGKILL'});
  assert.deepEqual(outcomeOf(rig, await first), {reason: 'killed-by-signal', signal: 'SIGKILL', step: 3});
  const {plan} = await rig.prepare({base: []});
  assert.match(
    planText(plan, DRAWN),
    /^base {2}run {5}last time: was killed by a signal, from the checkpoint at step 3 of attempt 1 if its bytes are whole\n/,
  );
});

/** Two attempts that were killed, the first with these checkpoints. */
async function killedAfter(rig: Rig, steps: readonly number[]): Promise<string> {
  const run = rig.run({base: []});
  const {folder} = await rig.puppets.at('base');
  for (const step of steps) await saveAfter(step, folder);
  await rig.fail('base', {type: 'signalled', signal: 'SIGKILL'});
  await run;
  return jobFiles(folder).checkpoints;
}

const warningsOf = (rig: Rig): readonly string[] =>
  rig.events.flatMap((event) => (event.type === 'warning' ? event.text : []));

test('a checkpoint that is not whole is told by the run that passes it over, with where it starts instead', async (t) => {
  const rig = new Rig(t);
  const checkpoints = await killedAfter(rig, [3, 5]);
  const state = join(checkpoints, 'step-5', 'files', 'state');
  writeFileSync(state, 'at 6'); // as long as before
  const {plan} = await rig.prepare({base: []});
  assert.match(planText(plan, DRAWN), /, from the checkpoint at step 5 of attempt 1 if its bytes are whole\n/);
  const second = rig.run({base: []});
  await rig.puppets.at('base');
  assert.deepEqual(warningsOf(rig), [
    'base: the checkpoint at step 5 of attempt 1 is not whole (files/state has other bytes than its manifest.json says); ' +
      'it starts from that at step 3 of attempt 1',
  ]);
  await rig.fail('base', {type: 'signalled', signal: 'SIGKILL'});
  await second;
  assert.equal(rig.store.attempt(2 as AttemptId)?.continues?.step, 3);
});

test('what shows without reading it is told by the plan, and nothing is left where nothing is whole', async (t) => {
  const rig = new Rig(t);
  const checkpoints = await killedAfter(rig, [3, 5]);
  writeFileSync(join(checkpoints, 'step-5', 'files', 'state'), '');
  rmSync(join(checkpoints, 'step-3', 'files', 'state'));
  const told =
    '2 checkpoints are not whole: at step 5 of attempt 1 (files/state has 0 bytes instead of 4), ' +
    'at step 3 of attempt 1 (files/state is missing)';
  assert.deepEqual(await rig.plan({base: []}), {
    base:
      `run: last time: was killed by a signal; ${told}; attempt 1 left no whole checkpoint, ` +
      'so it starts from the beginning',
  });
  const second = rig.run({base: []});
  await rig.succeed('base');
  await second;
  assert.deepEqual(warningsOf(rig), [`base: ${told}; it starts from the beginning`]);
});

test('a checkpoint that other code wrote is told by plan and run, with the run that can go on from it', async (t) => {
  const rig = new Rig(t);
  await killedAfter(rig, [3]);
  rig.code('base', 'export const stage = 2;');
  const prepared = await rig.prepare({base: []});
  const warnings = planWarnings(prepared, {});
  const checkpoint = {attempt: 1, step: 3, run: 1, because: 'code of base.js'};
  assert.deepEqual(warnings, [{problem: 'dropped-checkpoint', nodes: ['base'], checkpoint}]);
  const text = 'base: the checkpoint at step 3 of attempt 1 is not used, because of code of base.js';
  assert.match(
    planText(prepared.plan, DRAWN, warnings),
    new RegExp(`\nwarning: ${text}; r1 resume 1 --accept-checkpoint continues from it\n`),
  );
  const second = rig.carryOut(prepared);
  await saveAfter(1, (await rig.puppets.at('base')).folder);
  assert.deepEqual(warningsOf(rig), [text]);
  await rig.fail('base', {type: 'signalled', signal: 'SIGKILL'});
  await second;
  // From now on there is one of this code.
  assert.deepEqual(planWarnings(await rig.prepare({base: []}), {}), []);
  const changed = await rig.prepare({base: []}, {params: {base: {rate: 2}}});
  assert.deepEqual(planWarnings(changed, {}), [], 'and one of other params is of no use to anybody');
});

test('what made a node run at first stays a reason when that attempt came to nothing', async (t) => {
  const rig = new Rig(t);
  const first = rig.run({base: []});
  await rig.succeed('base');
  await first;
  const params = {base: {rate: 2}};
  const second = rig.run({base: []}, {params});
  await rig.fail('base');
  await second;
  assert.deepEqual(await rig.plan({base: []}, {params}), {
    base: 'run: rate 1 → 2; last time: failed; attempt 2 left no whole checkpoint, so it starts from the beginning',
  });
});

test('a plan names the run that is making a node at this moment', async (t) => {
  const rig = new Rig(t);
  const run = rig.run({base: []});
  await rig.puppets.at('base');
  assert.deepEqual(await new Rig(t, rig).plan({base: []}), {base: 'run: run 1 is making it now (attempt 1)'});
  await rig.succeed('base');
  await run;
});

test('a process whose end nobody saw is told, too, when it is tried again in the same run', async (t) => {
  const rig = new Rig(t);
  const running = rig.run({base: []});
  await rig.fail('base', {type: 'unseen'});
  await rig.succeed('base');
  const {run} = await running;
  const [first, second] = rig.store.attemptsOf(run, 'base');
  assert.equal(first?.because, 'never made before');
  assert.equal(
    second?.because,
    'last time: was killed with its runner, or by a power cut; attempt 1 left no whole checkpoint, so it starts ' +
      'from the beginning',
  );
});

test('a stage that is killed because its grace is over is told with its newest checkpoint', async (t) => {
  for (const [steps, step] of [
    [[1, 2], 2],
    [[], null],
  ] as const) {
    const rig = new Rig(t);
    rig.puppets.onSignal = (puppet, signal) => {
      if (signal === 'kill') puppet.end({type: 'signalled', signal: 'SIGKILL'});
    };
    const run = rig.run({base: []}, {grace: 0.05});
    const {folder} = await rig.puppets.at('base');
    for (const each of steps) await saveAfter(each, folder);
    rig.stop.press();
    assert.deepEqual(outcomeOf(rig, await run), {reason: 'stopped', isForced: true, by: 'person', step});
  }
});
