/** The front door for programs: plan and run without the command line. */
import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {planRecipe, recipe, runRecipe, stopSwitch} from '../../pipeline/index.js';
import type {RunEvent} from '../../pipeline/index.js';
import type {Executor} from '../../pipeline/executors/executor.js';
import {localExecutor} from '../../pipeline/executors/local.js';
import {stageEntry} from '../../pipeline/modules/own-package.js';
import {count} from '../fixtures/stages/count.js';
import {temporaryFolder} from '../rig/temporary.js';

const TWO = recipe('two', (add) => {
  const first = add('first', count, {}, {steps: 2, ms: 0});
  add('second', count, {from: first.count}, {steps: 2, ms: 0});
});

test('a program plans, runs and runs again', async (t) => {
  const store = join(temporaryFolder(t), 'store');
  const before = await planRecipe({recipe: TWO, store});
  assert.deepEqual(
    [...before.nodes.values()].map(({action}) => action),
    ['run', 'run'],
  );
  assert.ok(!existsSync(store), 'a plan leaves nothing behind');
  const events: RunEvent[] = [];
  const summary = await runRecipe({recipe: TWO, store, onEvent: (event) => events.push(event)});
  assert.equal(summary.outcome, 'succeeded');
  assert.deepEqual(
    events.filter(({type}) => type === 'node-finished').map((event) => 'node' in event && event.node),
    ['first', 'second'],
  );
  const after = await planRecipe({recipe: TWO, store, set: ['second.steps=3']});
  assert.deepEqual(
    [...after.nodes.values()].map(({action, because}) => `${action}: ${because}`),
    ['reuse: nothing changed', 'run: steps 2 → 3'],
  );
});

test('a program stops a run, and a stage without a chance to stop is ended', async (t) => {
  const store = join(temporaryFolder(t), 'store');
  const stop = stopSwitch();
  const slow = recipe('slow', (add) => add('first', count, {}, {steps: 100_000, ms: 10}));
  const onEvent = ({type}: RunEvent) => {
    if (type === 'node-progress') stop.press();
  };
  const summary = await runRecipe({recipe: slow, store, stop, onEvent});
  assert.equal(summary.outcome, 'stopped');
});

test('a program brings an executor of its own, which stays open', async (t) => {
  const store = join(temporaryFolder(t), 'store');
  const local = localExecutor(stageEntry());
  t.after(() => local.close?.());
  const started: string[] = [];
  const executor: Executor = {
    epoch: () => local.epoch(),
    capacity: () => local.capacity(),
    isRunning: (job) => local.isRunning(job),
    adopt: (job) => local.adopt(job),
    start(job) {
      started.push(job.folder);
      return local.start(job);
    },
    close: () => assert.fail('it is closed by whoever made it'),
  };
  const summary = await runRecipe({recipe: TWO, store, executor});
  assert.equal(summary.outcome, 'succeeded');
  assert.equal(started.length, 2);
});

test('what a program asks for wrongly is a UserError', async (t) => {
  const store = join(temporaryFolder(t), 'store');
  await assert.rejects(planRecipe({recipe: TWO, store, only: ['frist']}), {
    name: 'UserError',
    message: /did you mean “first”/,
  });
  await assert.rejects(planRecipe({recipe: './nowhere.ts', store}), {
    name: 'UserError',
    message: /there is no recipe file/,
  });
  await assert.rejects(planRecipe({recipe: TWO, store, seed: -1.5}), {
    name: 'UserError',
    message: 'the seed is -1.5, not a whole number from 0',
  });
  await assert.rejects(planRecipe({recipe: TWO, store, only: 'first' as never}), {
    name: 'UserError',
    message: '“only” is "first", not a list of texts',
  });
  const unmade = join(temporaryFolder(t), 'store');
  for (const [asked, said] of [
    [{capacity: {jobs: 0.5}}, '“jobs” is 0.5, not a number from 1'],
    [{capacity: {jobs: NaN}}, '“jobs” is NaN, not a number from 1'],
    [{capacity: {cpu: -1}}, '“cpu” is -1, not a number from 0'],
    [{capacity: {memory: '1' as never}}, '“memory” is "1", not a number from 0'],
    [{grace: -1}, '“grace” is -1, not a number from 0'],
  ] as const) {
    await assert.rejects(runRecipe({recipe: TWO, store: unmade, ...asked}), {name: 'UserError', message: said});
  }
  await assert.rejects(runRecipe({recipe: TWO, store: unmade, set: ['frist.steps=3']}), {name: 'UserError'});
  assert.equal(existsSync(unmade), false, 'and no store is made for it');
});

test('a recipe is wired in a profile that it has, and in no other', async (t) => {
  const store = join(temporaryFolder(t), 'store');
  const profiled = recipe(
    'profiled',
    (add, {profile}) => add('first', count, {}, {steps: profile === 'large' ? 100 : 2, ms: 0}),
    undefined,
    {large: 'for a larger machine'},
  );
  const stepsOf = async (about: {readonly profile?: string}): Promise<unknown> => {
    const plan = await planRecipe({recipe: profiled, store, ...about});
    return [...plan.nodes.values()].map(({node}) => (node.type === 'source' ? undefined : node.params['steps']));
  };
  assert.deepEqual([await stepsOf({}), await stepsOf({profile: 'large'})], [[2], [100]]);
  const wired = recipe('around', (add) => profiled.wire(add).count.node);
  assert.equal((await planRecipe({recipe: wired, store})).nodes.size, 1);
  await assert.rejects(stepsOf({profile: 'gpu'}), {
    message: 'recipe “profiled” has no profile “gpu”',
    hint: 'it has large',
  });
  await assert.rejects(planRecipe({recipe: TWO, store, profile: 'gpu'}), {hint: /it has none/});
  await assert.rejects(planRecipe({recipe: TWO, store, profile: 3 as never}), {
    message: /“profile” is .*3.*, not a text/,
  });
});
