/** Nodes that are finished early: what their run does with them, and what no other run does. */
import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openCheckpoints} from '../../../pipeline/job/checkpoints.js';
import {jobFiles, readFinish} from '../../../pipeline/job/folder.js';
import {statusOf} from '../../../pipeline/inspect/status.js';
import {whyOf} from '../../../pipeline/inspect/why.js';
import {askToFinish} from '../../../pipeline/run/finish.js';
import type {AttemptId} from '../../../artifacts/index.js';
import {whyText} from '../../../bin/render/why.js';
import {Rig} from '../../rig/rig.js';

const CHAIN = {base: [], zero: ['base']};

/** Leaves what a stage leaves that has saved its state after this step. */
async function saveAfter(step: number, folder: string): Promise<void> {
  const {checkpoints} = jobFiles(folder);
  const open = {folder: () => checkpoints, every: 1, stopping: () => false, onSaved: () => undefined};
  await openCheckpoints(open).save(step, (files) => writeFileSync(join(files, 'state'), `at ${step}`));
}

/** A run whose `base` is finished early after step 4 of 10, with a checkpoint of step 3. */
async function finishedEarly(rig: Rig) {
  const running = rig.run(CHAIN);
  const {folder} = await rig.puppets.at('base');
  await saveAfter(3, folder);
  const asked = askToFinish(rig.store, 'base');
  assert.deepEqual([asked.node, asked.run, asked.again, readFinish(folder)], ['base', 1, false, 1]);
  assert.equal(askToFinish(rig.store, 'base', 1).again, true);
  const [status] = statusOf(rig.store).nodes;
  assert.deepEqual([status?.state, status?.isToFinish], ['running', true]);
  await rig.puppets.finishEarly('base', {step: 4, total: 10}, 'what there was');
  await rig.succeed('zero');
  return running;
}

test('the run goes on with what a node had when it was finished early, and says so wherever it is looked at', async (t) => {
  const rig = new Rig(t);
  const summary = await finishedEarly(rig);
  assert.deepEqual([summary.outcome, Rig.ends(summary)], ['succeeded', {base: 'made', zero: 'made'}]);
  const {outcome} = rig.store.attempt(1 as AttemptId)!;
  assert.deepEqual([outcome?.ok, outcome?.detail], [true, {reason: 'finished-early', step: 4, total: 10}]);
  assert.deepEqual(
    statusOf(rig.store).nodes.map(({node, state, outcome}) => [node, state, outcome]),
    [
      ['base', 'done', {reason: 'finished-early', step: 4, total: 10}],
      ['zero', 'done', undefined],
    ],
  );
  assert.match(whyText(whyOf(rig.store, 'base')), /\nattempt 1: finished early, after step 4 of 10, as asked\n/);
});

test('no other run reuses what was finished early: it goes on from the checkpoint, and says why', async (t) => {
  const rig = new Rig(t);
  await finishedEarly(rig);
  assert.deepEqual(
    (await rig.plan(CHAIN))['base'],
    'run: last time: finished early at step 4 of 10 (attempt 1), which only its own run uses',
  );
  const again = rig.run(CHAIN);
  const {folder} = await rig.puppets.at('base');
  assert.equal(readFinish(folder), undefined, 'a request is for one attempt');
  await rig.succeed('base');
  await rig.succeed('zero');
  assert.deepEqual(Rig.ends(await again), {base: 'made', zero: 'made'});
  assert.equal(rig.store.attempt(3 as AttemptId)?.continues?.step, 3);
  assert.deepEqual(Rig.ends(await rig.run(CHAIN)), {base: 'reused', zero: 'reused'});
});

test('who waits for the same work in another run does not take what is finished early', async (t) => {
  const rig = new Rig(t);
  const other = new Rig(t, rig);
  const running = rig.run({base: []});
  await rig.puppets.at('base');
  const waiting = other.run({base: []});
  await rig.puppets.finishEarly('base', {step: 4, total: 10});
  await running;
  await other.succeed('base');
  assert.deepEqual(Rig.ends(await waiting), {base: 'made'});
});

test('a run may be told to finish a node from its checkpoint', async (t) => {
  const rig = new Rig(t);
  const stopped = rig.run({base: []});
  await saveAfter(3, (await rig.puppets.at('base')).folder);
  rig.stop.press();
  await stopped;
  const second = new Rig(t, rig);
  const running = second.run({base: []}, {finish: ['base']});
  assert.equal(readFinish((await second.puppets.at('base')).folder), 1, 'the process finds the request when it starts');
  await second.puppets.finishEarly('base', {step: 3, total: 10});
  assert.deepEqual(Rig.ends(await running), {base: 'made'});
  assert.equal(rig.store.attempt(2 as AttemptId)?.continues?.step, 3);
});

test('what cannot be finished is refused before anything runs, and why', async (t) => {
  const rig = new Rig(t);
  const refused = (finish: string, message: RegExp) =>
    assert.rejects(rig.run(CHAIN, {finish: [finish]}), (error: Error) => message.test(error.message));
  await refused('base', /^“base” has no checkpoint that it could be finished from/);
  await refused('bass', /did you mean “base”/);
  const run = rig.run({base: []});
  await rig.succeed('base');
  await run;
  await refused('base', /^there is nothing to finish: “base” is up to date$/);
});

test('where it only shows in its turn that there is no checkpoint, the node is not started', async (t) => {
  const rig = new Rig(t);
  const running = rig.run(CHAIN, {finish: ['zero']});
  await rig.succeed('base');
  const summary = await running;
  assert.deepEqual([Rig.ends(summary), rig.started], [{base: 'made', zero: 'start-failed'}, ['base']]);
});

test('one that does not run cannot be asked to finish, and what can be done is said', async (t) => {
  const rig = new Rig(t);
  const ask = (node: string) => () => askToFinish(rig.store, node);
  assert.throws(ask('base'), /nothing has run in this store yet/);
  const running = rig.run(CHAIN);
  await rig.puppets.at('base');
  assert.throws(ask('zero'), /^UserError: “zero” of run 1 does not run yet, so there is nothing to finish$/);
  assert.throws(ask('bas'), /run 1 has no node “bas”, did you mean “base”/);
  rig.stop.press();
  await running;
  assert.throws(ask('base'), (error: {remedy?: unknown}) => {
    assert.deepEqual(error.remedy, {type: 'finish-on-resume', run: 1, node: 'base'});
    return true;
  });
});
