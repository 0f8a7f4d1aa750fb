/** What a recipe gets wrong about rewards and tasks of one's own is said before anything runs, with the place. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {recipe} from '../../pipeline/recipe.js';
import type {Add} from '../../pipeline/recipe.js';
import {applySet, checkSet} from '../../pipeline/wiring/overrides.js';
import {wire} from '../../pipeline/wiring/wire.js';
import {corpus, evaluate, grpo, pretrain, prompts} from '../../stages/index.js';
import {brevity, format} from '../fixtures/definitions/rewards.js';
import {sorting} from '../fixtures/definitions/sorting.js';
import {dials} from '../fixtures/definitions/tasks.js';

/** The wiring of a few nodes with `sorting`, on which `more` builds. */
const wired = (more: (add: Add, from: ReturnType<typeof ground>) => void) =>
  wire(
    recipe('own', (add) => more(add, ground(add))),
    '.',
  );

function ground(add: Add) {
  const tasks = [sorting];
  const data = add('corpus', corpus, {}, {}, {tasks});
  const asked = add('prompts', prompts, {}, {}, {tasks});
  const base = add('base', pretrain, {...data, validation: asked.validation}, {}, {tasks});
  return {
    policy: base.model,
    prompts: asked.train,
    model: base.model,
    preference: add.source('rm', 'reward-model', 'rm'),
  };
}

/** The mistakes of a `grpo` node; each has the place of its `add`. */
function mistakesOf(...[params, options, inputs]: Parameters<typeof nodeOf>): string[] {
  const result = wired(nodeOf(params, options, inputs));
  if (result.ok) return [];
  for (const {place} of result.error) assert.match(place ?? '', /wired-definitions\.test\.(js|ts):\d+:\d+$/);
  return result.error.map(({message}) => message);
}

const nodeOf =
  (params: object, options: object = {}, inputs: (preference: unknown) => object = () => ({})) =>
  (add: Add, {policy, prompts: asked, preference}: ReturnType<typeof ground>): void =>
    void add('zero', grpo, {policy, prompts: asked, ...inputs(preference)}, params, options);

test('a reward and a task of one’s own are wired beside the params', () => {
  const rewards = {accuracy: 1, brevity: 0.2};
  assert.deepEqual(mistakesOf({rewards}, {rewards: [brevity], tasks: [sorting]}), []);
  const all = {...rewards, helpful: 1, safe: 0};
  assert.deepEqual(
    mistakesOf({rewards: all}, {rewards: [brevity]}, (model) => ({helpful: model, safety: model})),
    [],
  );
});

test('weights without a reward, rewards without a weight and names that are taken are mistakes with a place', () => {
  const cases: [string[], RegExp][] = [
    [
      mistakesOf({rewards: {accuracy: 1, brevity: 0.2}}),
      /“zero”: rewards\.brevity .* nor wired: \{rewards: \[brevity\]\}/,
    ],
    [mistakesOf({}, {rewards: [brevity]}), /“zero”: the reward “brevity” is wired but has no weight/],
    [mistakesOf({}, {}, (helpful) => ({helpful})), /the reward model of “helpful” is wired but has no weight/],
    [mistakesOf({rewards: {safe: 1}}), /rewards\.safe is the weight of a reward model that is not wired/],
    [mistakesOf({rewards: {format: 1}}, {rewards: [format]}), /reward of one's own is called “format”, as a built-in/],
    [mistakesOf({}, {tasks: [dials]}), /task of one's own is called “dials”, as a built-in one is/],
  ];
  for (const [mistakes, message] of cases) {
    assert.equal(mistakes.length, 1, String(message));
    assert.match(mistakes[0]!, message);
  }
});

test('every stage that reads or makes prompts refuses a task whose name is taken', () => {
  const result = wire(
    recipe('taken', (add) => {
      const tasks = [dials];
      const {documents, tokenizer} = add('corpus', corpus, {}, {}, {tasks});
      const {heldOut} = add('prompts', prompts, {}, {}, {tasks});
      const {model} = add('base', pretrain, {documents, tokenizer}, {}, {tasks});
      add('scores', evaluate, {model, prompts: heldOut}, {}, {tasks});
    }),
    '.',
  );
  assert.equal(result.ok ? 0 : result.error.length, 4);
});

test('a weight that is set on the command line is held against the rewards that there are', () => {
  const result = wired(nodeOf({rewards: {accuracy: 1, brevity: 0.2}}, {rewards: [brevity]}));
  assert.ok(result.ok);
  const set = (assignment: string): string => {
    const changed = applySet(result.value, assignment);
    if (!changed.ok) return changed.error;
    const checked = checkSet(result.value, changed.value);
    return checked.ok ? JSON.stringify((checked.value.nodes.get('zero') as {params: object}).params) : checked.error;
  };
  assert.match(set('zero.rewards.brevity=0.5'), /"rewards":\{"accuracy":1,"brevity":0\.5\}/);
  assert.match(set('zero.rewards.format=1'), /"format":1/);
  assert.match(set('zero.rewards.brevty=1'), /^set zero: rewards\.brevty is the weight of a reward that is neither/);
});
