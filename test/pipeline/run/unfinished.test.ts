/** What a person learns of attempts that were cut short: in the plan, when the next one begins, and afterwards. */
import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openCheckpoints} from '../../../pipeline/job/checkpoints.js';
import {jobFiles} from '../../../pipeline/job/folder.js';
import {whyOf} from '../../../pipeline/inspect/why.js';
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
    /^base {2}run {5}last time: was killed by a signal, from the checkpoint at step 3 of attempt 1\n/,
  );
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
