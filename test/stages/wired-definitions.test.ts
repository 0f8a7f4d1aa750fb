/** What a recipe gets wrong about rewards and tasks of one's own is said before anything runs, with the place. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {recipe} from '../../pipeline/recipe.js';
import {defineStage} from '../../pipeline/stage.js';
import type {Add} from '../../pipeline/recipe.js';
import {applySet, applySource, checkSet} from '../../pipeline/wiring/overrides.js';
import {wire} from '../../pipeline/wiring/wire.js';
import {coldStartData, corpus, evaluate, grpo, importPrompts, pretrain, prompts} from '../../stages/index.js';
import {defineReward, defineTask} from '../../stages/index.js';
import tiny from '../../stages/recipes/tiny.js';
import tinyControls from '../../stages/recipes/tiny-controls.js';
import {brevity, format} from '../fixtures/definitions/rewards.js';
import {sorting} from '../fixtures/definitions/sorting.js';
import {dials, sums} from '../fixtures/definitions/tasks.js';

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
    void add('zero', grpo, {policy, prompts: asked, ...inputs(preference)}, params, {tasks: [sorting], ...options});

test('a reward and a task of one’s own are wired beside the params', () => {
  const rewards = {accuracy: 1, brevity: 0.2};
  assert.deepEqual(mistakesOf({rewards}, {rewards: [brevity], tasks: [sorting]}), []);
  const all = {...rewards, helpful: 1, safe: 0};
  assert.deepEqual(
    mistakesOf({rewards: all}, {rewards: [brevity]}, (model) => ({helpful: model, safety: model})),
    [],
  );
});

test('a group of one is a mistake: it has nobody to learn from', () => {
  assert.match(mistakesOf({group: 1}).join(), /“zero”: group is 1 and should be a whole number, 2 or more/);
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
    [
      mistakesOf({rewards: {helpful: 1}}, {rewards: [{...brevity, name: 'helpful'}]}),
      /a reward of one's own is called “helpful”/,
    ],
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
    const mistake = checkSet(result.value, changed.value)[0]?.message;
    return mistake ?? JSON.stringify((changed.value.nodes.get('zero') as {params: object}).params);
  };
  assert.match(set('zero.rewards.brevity=0.5'), /"rewards":\{"accuracy":1,"brevity":0\.5\}/);
  assert.match(set('zero.rewards.format=1'), /"format":1/);
  assert.match(set('zero.rewards.brevty=1'), /^rewards\.brevty is the weight of a reward that is neither/);
});

const tasks = [sorting];

/** What is said of a recipe; each mistake has the place of its `add`. */
function said(build: (add: Add) => void): string[] {
  const result = wire(recipe('said', build), '.');
  if (result.ok) return [];
  for (const {place} of result.error) assert.match(place ?? '', /wired-definitions\.test\.(js|ts):\d+:\d+$/);
  return result.error.map(({message}) => message);
}

test('a task that is forgotten where its prompts are read is a mistake of the node that reads them', () => {
  const mistakes = said((add) => {
    const data = add('corpus', corpus, {}, {}, {tasks});
    const {train, validation, heldOut} = add('prompts', prompts, {}, {}, {tasks: [sorting, sums]});
    const {model} = add('base', pretrain, {...data, validation}, {});
    const zero = add('zero', grpo, {policy: model, prompts: train}, {});
    add('cold', coldStartData, {policy: zero.model, prompts: train}, {}, {tasks});
    add('scores', evaluate, {model: zero.model, prompts: heldOut, general: heldOut});
  });
  const both = /which is wired with the tasks “sorting”, “sums”, and it is not: \{tasks: \[sorting, sums\]\}$/;
  const expected = [
    /^node “base”: its validation prompts come from node “prompts”, /,
    /^node “base”: its tokenizer comes from node “corpus”, which is not wired with the task “sums”: add\('corpus', …, \{tasks: \[sorting, sums\]\}\)$/,
    /^node “zero”: its prompts come from node “prompts”, /,
    /^node “cold”: its prompts come from node “prompts”, which is wired with the task “sums”, and it is not: \{tasks: \[sorting, sums\]\}$/,
    /^node “scores”: its prompts come from node “prompts”, /,
    /^node “scores”: its general prompts come from node “prompts”, /,
  ];
  assert.equal(mistakes.length, expected.length, mistakes.join('\n'));
  for (const [index, pattern] of expected.entries()) assert.match(mistakes[index]!, pattern);
  for (const index of [0, 2, 4, 5]) assert.match(mistakes[index]!, both);
});

test('a task that is forgotten where prompts or documents are made is a mistake of those that stand on them', () => {
  const onPrompts = said((add) => {
    const data = add('corpus', corpus, {}, {}, {tasks});
    const {train, validation} = add('asked', prompts, {});
    const {model} = add('base', pretrain, {...data, validation}, {}, {tasks});
    add('zero', grpo, {policy: model, prompts: train}, {}, {tasks});
  });
  const nothing = `it is wired with the task “sorting”, but its prompts come from node “asked”, which is not: add('asked', …, {tasks: [sorting]})`;
  assert.deepEqual(onPrompts, [`node “base”: ${nothing}`, `node “zero”: ${nothing}`]);

  const onCorpus = (gate: number, options: object, asks: boolean) =>
    said((add) => {
      const data = add('ground', corpus, {});
      const {validation} = add('asked', prompts, {}, {}, {tasks});
      add('base', pretrain, {...data, ...(asks ? {validation} : {})}, {gate}, options);
    });
  const ground = `node “base”: its documents and tokenizer come from node “ground”, which is not wired with the task “sorting”: add('ground', …, {tasks: [sorting]})`;
  assert.deepEqual(onCorpus(0.9, {tasks}, true), [ground]);
  assert.deepEqual(onCorpus(0.9, {tasks}, false), [ground]);
  assert.deepEqual(onCorpus(0.9, {}, true).slice(1), [ground]);
  // Nobody reads the validation prompts then.
  assert.deepEqual(onCorpus(0, {}, true), []);
});

test('nothing is said of built-in recipes, nor of prompts and documents of which nothing is known', () => {
  assert.deepEqual(said(tiny.wire), []);
  assert.deepEqual(said(tinyControls.wire), []);
  const maker = defineStage({
    module: 'file:///somebody/prompts.js',
    name: 'prompts',
    inputs: {},
    outputs: {train: 'prompts', documents: 'dataset', tokenizer: 'tokenizer'},
    params: {},
    definitions: {tasks: 'task'},
    run: async () => undefined,
  });
  const mistakes = said((add) => {
    const own = add('own', prompts, {}, {}, {tasks});
    const builtIn = add('built-in', prompts, {});
    const ground = add('corpus', corpus, {}, {}, {tasks});
    const imported = add('imported', importPrompts, {file: add.source('file', 'jsonl', 'questions.jsonl')});
    const made = add('made', maker, {});
    const wired = add('wired', maker, {}, {}, {tasks});
    const model = add.source('model', 'model', 'model');
    const general = builtIn.generalTrain;
    add('a', grpo, {policy: model, prompts: own.train, general}, {}, {tasks});
    add('b', grpo, {policy: model, prompts: imported.train, general}, {}, {tasks});
    add('c', grpo, {policy: model, prompts: made.train, general: builtIn.train}, {}, {tasks});
    add('d', evaluate, {model, prompts: wired.train});
    add('e', evaluate, {model, prompts: add.source('rows', 'prompts', 'rows')}, {}, {tasks});
    // One list of tasks for a whole recipe, of which a node needs some.
    add('f', evaluate, {model, prompts: own.heldOut}, {}, {tasks: [sorting, sums]});
    add('g', pretrain, {documents: made.documents, tokenizer: made.tokenizer, validation: own.validation}, {}, {tasks});
    add('h', pretrain, {...ground, validation: own.validation}, {}, {tasks: [sorting, sums]});
    add('i', pretrain, ground, {});
    add('j', pretrain, {...ground, validation: own.validation}, {gate: 0});
    add('k', evaluate, {model, prompts: own.generalHeldOut});
  });
  assert.deepEqual(mistakes, []);
});

test('what follows from a mistake in another node is not said beside it', () => {
  const mistakes = said((add) => {
    const {heldOut} = add('asked', prompts, {}, {}, {tasks: [undefined as never]});
    add('scores', evaluate, {model: add.source('model', 'model', 'model'), prompts: heldOut}, {}, {tasks});
  });
  assert.equal(mistakes.length, 1);
  assert.match(mistakes[0]!, /^node “asked”: tasks\[0\] is not a definition/);
});

test('a gate that is set on the command line has its tasks, unless a source stands in for the prompts', () => {
  const result = wire(
    recipe('gated', (add) => {
      const data = add('corpus', corpus, {}, {}, {tasks});
      const {validation} = add('asked', prompts, {}, {}, {tasks});
      add('base', pretrain, {...data, validation}, {gate: 0});
    }),
    '.',
  );
  assert.ok(result.ok);
  const set = applySet(result.value, 'base.gate=0.9');
  assert.ok(set.ok);
  const mistake = checkSet(result.value, set.value)[0]?.message ?? '';
  assert.match(mistake, /^its validation prompts come from node “asked”/);
  const sourced = applySource(set.value, 'asked:validation', '/rows');
  assert.deepEqual(sourced.ok && checkSet(result.value, sourced.value), []);
});

test('fields that there are not, and a missing module, end the import of a definition at its own line', () => {
  const module = import.meta.url;
  const task = {module, name: 'sorting', problems: sorting.problems};
  const reward = {module, name: 'placed', score: () => 1};
  const cases: [() => unknown, RegExp][] = [
    [
      () => defineTask({...task, reasonning: false} as never),
      /task “sorting”: there is no field “reasonning”, did you mean “reasoning”\?/,
    ],
    [() => defineTask({...task, responds: () => ''} as never), /no field “responds”, did you mean “respond”\?/],
    [() => defineTask({...task, sets: {heldout: 3}} as never), /no field “sets\.heldout”, did you mean “heldOut”\?/],
    [
      () => defineTask({...task, module: undefined} as never),
      /task “sorting”: “module” is missing; write module: import\.meta\.url/,
    ],
    [() => defineTask({...task, name: undefined} as never), /a task: “name” is missing/],
    [
      () => defineReward({...reward, weight: 2} as never),
      /reward “placed”: there is no field “weight”; there are module, name, score/,
    ],
    [() => defineReward({name: 'placed', score: () => 1} as never), /reward “placed”: “module” is missing/],
  ];
  for (const [define, message] of cases) {
    assert.throws(define, (error: Error) => {
      assert.match(error.message, message);
      assert.match(
        error.stack!.split('\n')[1]!,
        /wired-definitions\.test\.[jt]s:\d+:\d+/,
        'the call is the topmost frame',
      );
      return error instanceof TypeError;
    });
  }
  assert.equal(defineTask({...sorting, name: 'again', respond: undefined as never}).name, 'again');
});

test('definitions that stand among params or inputs are to go into the last argument', () => {
  const loose = (build: (add: (...words: unknown[]) => never) => void) => said(build as never);
  assert.deepEqual(
    loose((add) => {
      add('corpus', corpus, {tasks});
      add('prompts', prompts, {}, {tasks});
      const {train} = add('asked', prompts) as {train: unknown};
      add('zero', grpo, {policy: train, prompts: train}, {rewards: [brevity]});
    }).slice(0, 3),
    [
      'node “corpus”: “tasks” holds the definition “sorting”; definitions go into the last argument of add: {tasks: [sorting]}',
      'node “prompts”: “tasks” holds the definition “sorting”; definitions go into the last argument of add: {tasks: [sorting]}',
      'node “zero”: “rewards” holds the definition “brevity”; definitions go into the last argument of add: {rewards: [brevity]}',
    ],
  );
  assert.deepEqual(
    loose((add) => add('prompts', prompts, {}, {tasks: [undefined]})),
    ['node “prompts”: “tasks” lists definitions, which go into the last argument of add: {tasks: […]}'],
  );
});
