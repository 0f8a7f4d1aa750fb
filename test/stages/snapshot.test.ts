/** A model of a step of a training, taken out of what the training kept; that it keeps them is in resume.test.ts. */
import assert from 'node:assert/strict';
import {existsSync, mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {StageFailure} from '../../pipeline/stage.js';
import {grpo, snapshot} from '../../stages/index.js';
import {linkTree} from '../../stages/link-tree.js';
import {openSnapshots} from '../../stages/train/snapshots.js';
import {temporaryFolder} from '../rig/temporary.js';
import {mistakesOf} from '../rig/wired.js';
import {runHere} from './here.js';

/** What a training of so many steps keeps whose model is a file that says which step it is of. */
async function kept(t: TestContext, steps: readonly number[], last: number): Promise<string> {
  const folder = join(temporaryFolder(t), 'snapshots');
  const snapshots = openSnapshots(folder, steps);
  for (let step = 1; step <= last; step++) await snapshots.take(step, async (to) => save(to, step));
  await snapshots.finish(last, async (to) => save(to, last));
  return folder;
}

function save(folder: string, step: number): void {
  mkdirSync(join(folder, 'more'), {recursive: true});
  writeFileSync(join(folder, 'model.safetensors'), `weights of step ${step}`);
  writeFileSync(join(folder, 'more', 'chat.jinja'), 'a template');
}

test('the model of a step is handed on byte by byte, as a link', async (t) => {
  const snapshots = await kept(t, [2, 5], 8);
  const {out, notes} = await runHere(t, snapshot, {inputs: {snapshots}, params: {step: 5}});
  const file = join(out('model'), 'model.safetensors');
  assert.equal(readFileSync(file, 'utf8'), 'weights of step 5');
  assert.equal(readFileSync(join(out('model'), 'more', 'chat.jinja'), 'utf8'), 'a template');
  assert.equal(statSync(file).ino, statSync(join(snapshots, 'step-5', 'model.safetensors')).ino);
  assert.deepEqual(notes, []);
});

test('of a training that ended before the step it is the last model, and a note says so', async (t) => {
  const snapshots = await kept(t, [2, 5, 7], 4);
  for (const step of [5, 7]) {
    const {out, notes} = await runHere(t, snapshot, {inputs: {snapshots}, params: {step}});
    assert.equal(readFileSync(join(out('model'), 'model.safetensors'), 'utf8'), 'weights of step 4');
    assert.match(notes.join(), new RegExp(`ended after step 4.*not of step ${step}`));
  }
  assert.ok(!existsSync(join(snapshots, 'step-5')));
});

test('a step that was not kept is refused with those that were', async (t) => {
  const run = async (steps: readonly number[]): Promise<string> => {
    const ran = runHere(t, snapshot, {inputs: {snapshots: await kept(t, steps, 8)}, params: {step: 3}});
    return ran.then(
      () => assert.fail('it was handed on'),
      (error: unknown) => (error instanceof StageFailure ? error.message : assert.fail(String(error))),
    );
  };
  assert.equal(await run([2, 5]), 'the training kept no model of step 3; it kept those of 2, 5');
  assert.equal(await run([]), 'the training kept no model of step 3; it kept none at all');
});

test('what has been kept goes into a checkpoint and comes out of it, and nothing else', async (t) => {
  const folder = temporaryFolder(t);
  const before = openSnapshots(join(folder, 'before'), [1, 3]);
  await before.take(1, async (to) => save(to, 1));
  await before.take(2, async (to) => save(to, 2));
  await before.keep(join(folder, 'checkpoint'));
  const after = openSnapshots(join(folder, 'after'), [1, 3]);
  await after.restore(join(folder, 'checkpoint'));
  await after.take(3, async (to) => save(to, 3));
  await after.finish(3, async () => assert.fail('nothing is missing'));
  const weights = (step: number): string =>
    readFileSync(join(folder, 'after', `step-${step}`, 'model.safetensors'), 'utf8');
  assert.deepEqual([weights(1), weights(3)], ['weights of step 1', 'weights of step 3']);
  assert.ok(!existsSync(join(folder, 'after', 'step-2')));
  // A training that has kept nothing yet puts nothing in, and finds nothing.
  await openSnapshots(join(folder, 'none'), []).keep(join(folder, 'empty'));
  assert.ok(!existsSync(join(folder, 'empty')));
  await openSnapshots(join(folder, 'none'), [4]).restore(join(folder, 'empty'));
});

test('a tree is linked where nothing is yet', async (t) => {
  const folder = temporaryFolder(t);
  save(join(folder, 'a'), 1);
  await linkTree(join(folder, 'a'), join(folder, 'b'));
  await assert.rejects(linkTree(join(folder, 'a'), join(folder, 'b')), /EEXIST/);
});

test('steps at which a model is kept are whole numbers, ascending, none twice; one behind the end is a warning', () => {
  const mistakes = (snapshots: unknown): string =>
    mistakesOf(grpo, {steps: 100, snapshots}, {inputs: ['policy', 'prompts']}).join();
  for (const right of [[], [100], [25, 50, 75]]) assert.equal(mistakes(right), '');
  for (const wrong of [[0], [-1], [2.5], [50, 25], [25, 25], ['25'], [null]])
    assert.match(
      mistakes(wrong),
      /^snapshots is \[.*\] and should be a list of steps, ascending, each 1 or more/,
      JSON.stringify(wrong),
    );
  assert.match(mistakes(25), /param “snapshots” is a list/);
  const cautions = (steps: number): readonly string[] =>
    grpo.caution!({...grpo.params, steps, snapshots: [25, 50, 75]});
  assert.deepEqual(cautions(75), []);
  assert.deepEqual(cautions(50), [
    'snapshots: the training ends after step 50, so its last model stands in for step 75',
  ]);
});
