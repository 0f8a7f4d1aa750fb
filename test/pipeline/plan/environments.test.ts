/** Environments that stages declare, as plans and attempts see them; here they are records, and nothing is made. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';
import {graphOf, planWiring} from '../../../pipeline/plan/prepare.js';
import type {Prepared} from '../../../pipeline/plan/prepare.js';
import {environmentNeedText, environmentNeeds} from '../../../pipeline/plan/environments.js';
import {recipe} from '../../../pipeline/recipe.js';
import {StageFailure, Stopped, defineStage} from '../../../pipeline/stage.js';
import type {EnvironmentIdentity, StageEnvironment} from '../../../pipeline/stage.js';
import {wire} from '../../../pipeline/wiring/wire.js';
import {until} from '../../rig/command.js';
import {Rig} from '../../rig/rig.js';

class FakeEnvironment implements StageEnvironment {
  asked = 0;
  opened = 0;
  state = () => Promise.resolve({state: 'missing', what: 'there is no lamp'} as const);
  runtime = ({threads, gpus}: {threads: number; gpus: number}) => ({machine: 'mine', threads, gpus});
  open: StageEnvironment['open'] = () => Promise.resolve({lamp: '/bin/lamp'});

  constructor(public parts: EnvironmentIdentity) {}

  identity(): Promise<EnvironmentIdentity> {
    this.asked++;
    return Promise.resolve(this.parts);
  }
}

/** `one` and `other` share an environment, `plain` has none; the first two compute with tensors. */
async function prepare(rig: Rig, environment: StageEnvironment): Promise<Prepared> {
  rig.file('stage.js', '');
  const module = pathToFileURL(join(rig.folder, 'stage.js')).href;
  const base = {
    module,
    inputs: {},
    outputs: {out: 'data'},
    params: {},
    run: () => Promise.reject(new Error('a puppet')),
  };
  const lit = (name: string) =>
    defineStage({
      ...base,
      name,
      tensor: true,
      environment,
      argv: (context) => [(context as unknown as {lamp: string}).lamp, '--on'],
    });
  const plain = defineStage({...base, name: 'plain'});
  const wired = wire(
    recipe('test', (add) => {
      add('one', lit('one'), {});
      add('other', lit('other'), {});
      add('plain', plain, {});
    }),
    rig.folder,
  );
  assert.ok(wired.ok, JSON.stringify(wired));
  const {nodes} = wired.value;
  return planWiring({
    wiring: wired.value,
    graph: graphOf(wired.value),
    selected: new Set(nodes.keys()),
    seed: 0,
    force: new Set(),
    exports: new Map([...nodes.values()].flatMap((node) => (node.type === 'stage' ? [[node.stage, 'stage']] : []))),
    store: rig.store,
    runtimeOf: () => assert.fail('the machine is the environment’s to name'),
  });
}

async function makeBoth(t: TestContext, environment: StageEnvironment) {
  const rig = new Rig(t);
  const running = rig.carryOut(await prepare(rig, environment));
  for (const node of ['one', 'other', 'plain']) await rig.succeed(node);
  return {rig, summary: await running};
}

test('an environment is asked once a plan, and counts where it is declared', async (t) => {
  const environment = new FakeEnvironment({trl: '1.15.0'});
  const rig = new Rig(t);
  const {plan} = await prepare(rig, environment);
  assert.equal(environment.asked, 1);
  const known = (id: string) => {
    const planned = plan.nodes.get(id)!;
    assert.ok(planned.action === 'run');
    return planned.known;
  };
  assert.deepEqual(known('one').environment, {trl: '1.15.0'});
  assert.deepEqual(known('one').runtime, {machine: 'mine', threads: 1, gpus: 1});
  assert.ok(!('environment' in known('plain')));
  const needs = await environmentNeeds(plan);
  assert.deepEqual(needs.map(environmentNeedText), ['one, other: there is no lamp']);
});

test('what an environment adds is in the context of argv, and another version runs what uses it', async (t) => {
  const environment = new FakeEnvironment({trl: '1.15.0', lock: 'a'.repeat(64)});
  const {rig, summary} = await makeBoth(t, environment);
  assert.deepEqual(Rig.ends(summary), {one: 'made', other: 'made', plain: 'made'});
  assert.deepEqual(rig.store.attemptsOf(summary.run, 'one')[0]?.ingredients, {
    ...(rig.store.attemptsOf(summary.run, 'plain')[0]?.ingredients as object),
    stage: 'one',
    environment: {trl: '1.15.0', lock: 'a'.repeat(64)},
    runtime: {machine: 'mine', threads: 1, gpus: 1},
  });
  const {environment: none} = rig.store.attemptsOf(summary.run, 'plain')[0]?.ingredients as {environment?: unknown};
  assert.equal(none, undefined);
  environment.parts = {trl: '1.16.0', lock: 'b'.repeat(64)};
  const reasons = async () =>
    [...(await prepare(rig, environment)).plan.nodes].map(([id, {action, because}]) => [id, action, because]);
  const now = (because: string) => [
    ['one', 'run', because],
    ['other', 'run', because],
    ['plain', 'reuse', 'nothing changed'],
  ];
  assert.deepEqual(await reasons(), now('trl 1.15.0 → 1.16.0'));
  environment.parts = {trl: '1.15.0', lock: 'b'.repeat(64)};
  assert.deepEqual(await reasons(), now('content of lock'));
});

test('an environment that is not the planned one any more, or cannot be opened, starts nothing', async (t) => {
  const environment = new FakeEnvironment({trl: '1.15.0'});
  const rig = new Rig(t);
  const prepared = await prepare(rig, environment);
  environment.parts = {trl: '1.16.0'};
  const running = rig.carryOut(prepared, {onFailure: 'continue'});
  await rig.succeed('plain');
  const {run, ends} = await running;
  const message = 'its environment is not the one that was planned with: trl 1.15.0 → 1.16.0; run it again';
  const end = ends.get('one');
  assert.ok(end?.ok === false && end.error.reason === 'start-failed' && end.error.message === message);
  assert.deepEqual(rig.started, ['plain']);
  assert.equal(rig.store.attemptsOf(run, 'one')[0]?.outcome?.reason, 'start-failed');
  assert.ok(rig.events.some((event) => event.type === 'warning' && event.text === 'one, other: there is no lamp'));

  environment.open = ({note}) => {
    note('lighting it');
    return Promise.reject(new StageFailure('there is no lamp: buy one'));
  };
  const again = await rig.carryOut(await prepare(rig, environment), {onFailure: 'continue'});
  const second = again.ends.get('one');
  assert.ok(second?.ok === false && second.error.reason === 'start-failed');
  assert.equal(second.error.message, 'there is no lamp: buy one');
  assert.ok(rig.events.some((event) => event.type === 'node-note' && event.text === 'lighting it'));
});

test('a stop that is asked for while an environment is made ends the attempt as stopped', async (t) => {
  const environment = new FakeEnvironment({trl: '1.15.0'});
  environment.open = ({signal}) => {
    environment.opened++;
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Stopped())));
  };
  const rig = new Rig(t);
  const running = rig.carryOut(await prepare(rig, environment));
  await rig.succeed('plain');
  await until('it is being made', () => environment.opened === 1);
  rig.stop.press();
  const {ends, outcome} = await running;
  assert.equal(outcome, 'stopped');
  const end = ends.get('one');
  assert.ok(end?.ok === false && end.error.reason === 'stopped' && end.error.by === 'person');
  assert.deepEqual(rig.started, ['plain']);
});

test('an environment that cannot say what counts is a mistake that names the node', async (t) => {
  const environment = new FakeEnvironment({});
  environment.identity = () => Promise.reject(new StageFailure('the lock file is gone'));
  await assert.rejects(prepare(new Rig(t), environment), {
    name: 'UserError',
    message: 'node “one”: the lock file is gone',
  });
});
