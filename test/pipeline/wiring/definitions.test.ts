/** Definitions of a person's own in a recipe: what does not compile, and what a recipe without a compiler does wrong. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import type {Definition} from '../../../pipeline/definition.js';
import {prepare} from '../../../pipeline/plan/prepare.js';
import type {RunRequest} from '../../../pipeline/plan/prepare.js';
import {recipe} from '../../../pipeline/recipe.js';
import type {Add} from '../../../pipeline/recipe.js';
import {defineStage, many, param} from '../../../pipeline/stage.js';
import type {AnyStage} from '../../../pipeline/stage.js';
import {loadRecipe} from '../../../pipeline/wiring/load-recipe.js';
import {wire} from '../../../pipeline/wiring/wire.js';
import {GRADERS, grader} from '../../rig/graders.js';
import {temporaryFolder} from '../../rig/temporary.js';

const definition = <const K extends string>(kind: K, name: string): Definition<K> => ({
  kind,
  name,
  module: import.meta.url,
});
const [short, long, sorting] = [
  definition('grader', 'short'),
  definition('grader', 'long'),
  definition('task', 'sorting'),
];

const about = {module: import.meta.url, inputs: {}, outputs: {}, run: async () => undefined};
const plain = defineStage({...about, name: 'plain', params: {}});
const grades = defineStage({
  ...about,
  name: 'grades',
  params: {weights: param<Readonly<Record<string, number>>>({})},
  definitions: {graders: 'grader', tasks: 'task'},
  check: ({params, definitions}) =>
    Object.keys(params.weights)
      .filter((name) => !definitions.graders.some((each) => each.name === name))
      .map((name) => `no grader is called “${name}”`),
});

const refuses = (): never => {
  throw new RangeError('no such thing');
};

const added = (addNode: (add: Add) => void) => wire(recipe('graded', addNode), '.');

test('definitions of a kind that the stage does not list there, or that it does not take at all, do not compile', () => {
  const wrong = [
    // @ts-expect-error A task is no grader.
    (add: Add) => add('a', grades, {}, {}, {graders: [sorting]}),
    // @ts-expect-error One definition is no list of them.
    (add: Add) => add('a', grades, {}, {}, {graders: short}),
    // @ts-expect-error The stage has no option of this name.
    (add: Add) => add('a', grades, {}, {}, {grader: [short]}),
    // @ts-expect-error What has no module could not be found again.
    (add: Add) => add('a', grades, {}, {}, {graders: [{kind: 'grader', name: 'short'}]}),
    // @ts-expect-error This stage takes no definitions.
    (add: Add) => add('a', plain, {}, {}, {graders: [short]}),
    // @ts-expect-error Options are still checked beside definitions.
    (add: Add) => add('a', grades, {}, {}, {graders: [short], threads: 'two'}),
  ];
  for (const each of wrong) assert.ok(!added(each).ok, String(each));
  const right = [
    (add: Add) => add('a', grades, {}, {weights: {long: 1}}, {graders: [short, long], tasks: [sorting], threads: 2}),
    (add: Add) => add('a', grades, {}, {}, {tasks: []}),
    (add: Add) => add('a', grades as AnyStage, {}, {}, {threads: 2}),
  ];
  for (const each of right) assert.ok(added(each).ok, String(each));
});

test('a stage’s check gets params with their defaults and its definitions; run gets refs by the options it declares', () => {
  const typed = defineStage({
    ...about,
    name: 'typed',
    params: {rate: 1},
    definitions: {graders: 'grader'},
    check({params, definitions}) {
      const kind: 'grader' | undefined = definitions.graders[0]?.kind;
      // @ts-expect-error It declares no such option.
      const none: undefined = definitions.tasks as undefined;
      return [`${params.rate}, ${kind}, ${none}`];
    },
    async run({definitions}) {
      const modules: readonly string[] = definitions.graders.map(({module}) => module);
      // @ts-expect-error It declares no such option.
      await Promise.resolve([modules, definitions.tasks]);
    },
  });
  const wired = added((add) => add('a', typed, {}, {}, {graders: [short]}));
  assert.deepEqual(wired.ok || wired.error.map(({message}) => message), ['node “a”: 1, grader, undefined']);
});

test('a node holds its definitions sorted by name, however they were listed, and none where it was given none', () => {
  const nodeOf = (options: object) => {
    const wired = added((add) => add('a', grades, {}, {}, options));
    assert.ok(wired.ok);
    return wired.value.nodes.get('a')!;
  };
  const sorted = nodeOf({graders: [short, long], tasks: [], threads: 2});
  assert.deepEqual(sorted, nodeOf({threads: 2, graders: [long, short]}));
  assert.deepEqual('definitions' in sorted && sorted.definitions, {graders: [long, short]});
  assert.ok(sorted.type === 'stage' && !('graders' in sorted.options));
  assert.deepEqual(nodeOf({graders: [], tasks: undefined}), nodeOf({}));
  assert.ok(!('definitions' in nodeOf({})));
});

type Loose = (add: (...words: unknown[]) => void) => void;

/** What a recipe does that no compiler saw → the mistakes, one expression each. */
const WRONG: Readonly<Record<string, readonly [Loose, ...RegExp[]]>> = {
  'an option that the stage does not declare': [
    (add) => add('a', plain, {}, {}, {rewards: [short]}),
    /^node “a”: stage “plain” takes no option “rewards”; it takes threads, resources/,
  ],
  'an option with a slip': [
    (add) => add('a', grades, {}, {}, {grader: [short], timeuot: 3}),
    /stage “grades” takes no option “grader”, did you mean “graders”\?$/,
    /stage “grades” takes no option “timeuot”, did you mean “timeout”\?$/,
  ],
  'a definition of another kind': [
    (add) => add('a', grades, {}, {}, {graders: [short, sorting]}),
    /^node “a”: graders\[1\] is a definition of kind "task" \(“sorting”\), not “grader”$/,
  ],
  'something that is no definition': [
    (add) => add('a', grades, {}, {}, {graders: [undefined, () => 1, {name: 'x'}]}),
    /graders\[0\] is not a definition \(is the import right\?\), but undefined$/,
    /graders\[1\] is not a definition \(is the import right\?\), but a function$/,
    /graders\[2\] is not a definition \(is the import right\?\), but a record$/,
  ],
  'two definitions of one name': [
    (add) => add('a', grades, {}, {}, {graders: [short, long, {...short}]}),
    /^node “a”: “graders” has two definitions called “short”, both from file:\S+definitions\.test\.js; give one of them another name$/,
  ],
  'two definitions of one name from two modules': [
    (add) => add('a', grades, {}, {}, {graders: [short, {...short, module: 'file:///other.js'}]}),
    /“graders” has two definitions called “short”, from file:\S+definitions\.test\.js and file:\/\/\/other\.js; give one/,
  ],
  'one definition twice': [
    (add) => add('a', grades, {}, {}, {graders: [short, short]}),
    /^node “a”: “graders” lists “short” twice; leave one of them out$/,
  ],
  'a definition without a module': [
    (add) => add('a', grades, {}, {}, {graders: [{kind: 'grader', name: 'short'}]}),
    /^node “a”: graders\[0\] \(“short”\) has no module; write `module: import\.meta\.url`$/,
  ],
  'definitions among the params': [
    (add) => add('a', grades, {}, {graders: [short], weights: {short}, tasks: 1}),
    /^node “a”: “graders” holds the definition “short”; definitions go into the last argument of add: \{graders: \[short\]\}$/,
    /^node “a”: “tasks” lists definitions, which go into the last argument of add: \{tasks: \[…\]\}$/,
  ],
  'definitions for a stage that takes none of their kind': [
    (add) => add('a', plain, {graders: short}),
    /^node “a”: “graders” holds the definition “short”; definitions go into the last .* stage “plain” takes none of its kind$/,
  ],
  'a field that no stage has': [
    (add) => add('a', {...plain, seedles: true, author: 'me'}),
    /^stage “plain”: it has no field “seedles”, did you mean “seedless”\?$/,
    /^stage “plain”: it has no field “author”$/,
  ],
  'checkpoints of a stage that is no program': [
    (add) => add('a', {...plain, checkpoints: true}),
    /^stage “plain”: “checkpoints” is for stages that are programs; a `run` has context\.checkpoints$/,
  ],
  'a definition that is no list': [
    (add) => add('a', grades, {}, {}, {graders: short}),
    /^node “a”: “graders” is a record, not a list of definitions of kind “grader”$/,
  ],
  'a definition without a proper name': [
    (add) => add('a', grades, {}, {}, {graders: [{...short, name: 'a/b'}]}),
    /graders\[0\] is called “a\/b”, which is not a name: letters, digits/,
  ],
  'a definition whose module is a path': [
    (add) => add('a', grades, {}, {}, {graders: [{...short, module: './short.js'}]}),
    /graders\[0\] \(“short”\) has the module "\.\/short\.js"; write `module: import\.meta\.url`$/,
  ],
  'params that its check refuses': [
    (add) => add('a', grades, {}, {weights: {short: 1, typo: 1}}, {graders: [short]}),
    /^node “a”: no grader is called “typo”$/,
  ],
  'a check that throws': [
    (add) => add('a', {...grades, check: refuses}, {}, {}, {graders: [short]}),
    /^node “a”: its check threw RangeError: no such thing \(\S+definitions\.test\.[jt]s:\d+:\d+\)$/,
  ],
  'a check that does not say what is wrong': [
    (add) => add('a', {...grades, check: () => [7]}, {}),
    /^node “a”: its check returned a list that holds 7, not a list of sentences$/,
  ],
  'an option of every node that lists definitions': [
    (add) => add('a', {...grades, definitions: {env: 'grader', 'a b': '', kind: 7}}, {}),
    /^stage “grades”: “env” is an option of every node, so it lists no definitions$/,
    /^stage “grades”: “a b” cannot name an option: letters/,
    /^stage “grades”: definitions “a b” are of kind ""$/,
    /^stage “grades”: definitions “kind” are of kind 7$/,
  ],
  'a program that takes definitions': [
    (add) => add('a', {...grades, argv: () => ['true']}, {}),
    /^stage “grades”: it is a program, which is given no definitions$/,
  ],
};

test('what a recipe without a compiler does wrong with definitions is told with the place of the node', () => {
  for (const [what, [wrong, ...said]] of Object.entries(WRONG)) {
    const wired = added((add) => wrong(add as never));
    assert.ok(!wired.ok, what);
    assert.equal(wired.error.length, said.length, `${what}: ${wired.error.map(({message}) => message).join('\n')}`);
    for (const [index, {message, place}] of wired.error.entries()) {
      assert.match(message, said[index]!, what);
      assert.match(place!, /definitions\.test\.[jt]s:\d+:\d+$/, what);
    }
  }
});

/** The mistake of a recipe file, the temporary folder cut out. */
async function mistakeOf(t: TestContext, files: Readonly<Record<string, string>>, request: Partial<RunRequest> = {}) {
  const folder = temporaryFolder(t, {...GRADERS, ...files});
  const store = openStore(join(folder, 'store'));
  t.after(() => store.close());
  const loaded = await loadRecipe(join(folder, 'main.ts'), {});
  const work = prepare({loaded, request: {seed: 0, ...request}, store, runtimeOf: (threads) => ({threads})});
  const error = await work.then(
    () => assert.fail('it is planned'),
    (reason: unknown) => reason as Error,
  );
  assert.equal(error.name, 'UserError', error.stack);
  return error.message.replaceAll(/(?:file:\/\/)?[^\s]*\/r1-test-\w+\//g, '');
}

const MAIN = `import {recipe} from 'r1';
import {grades} from './stages.js';
import {short} from './short.js';
export default recipe('graded', (add) => {
  add('one', grades, {}, {weights: {short: 1}}, {graders: [short]});
});`;

test('a definition that its module does not export, or not alone under its name, is a mistake with file and line', async (t) => {
  const hidden = MAIN.replace("import {short} from './short.js';", grader('short', 'text').replace('export ', ''));
  assert.match(
    await mistakeOf(t, {'main.ts': hidden}),
    /^main\.ts:\d+:3: node “one”: grader “short” is not exported by its module main\.ts; write `export const …`$/,
  );
  const twins = `${grader('short', 'text')}\nexport const other = {...short};`;
  assert.match(
    await mistakeOf(t, {'main.ts': MAIN, 'short.ts': twins}),
    /^main\.ts:5:3: node “one”: short\.ts exports two definitions of kind “grader” with the name “short”, \w+ and \w+, which/,
  );
  const elsewhere = grader('short', 'text').replace('import.meta.url', `new URL('./gone.js', import.meta.url).href`);
  assert.match(
    await mistakeOf(t, {'main.ts': MAIN, 'short.ts': elsewhere}),
    /^main\.ts:5:3: node “one”: grader “short” is not in its module gone\.js, which cannot be imported: Cannot find module/,
  );
});

test('set changes a weight by its name; one of a name that nothing has is refused', async (t) => {
  const files = {'main.ts': MAIN, 'short.ts': grader('short', 'text')};
  const folder = temporaryFolder(t, {...GRADERS, ...files});
  const store = openStore(join(folder, 'store'));
  t.after(() => store.close());
  const loaded = await loadRecipe(join(folder, 'main.ts'), {});
  const request = {seed: 0, set: ['one.weights.short=0.5']};
  const {wiring} = await prepare({loaded, request, store, runtimeOf: (threads) => ({threads})});
  const one = wiring.nodes.get('one');
  assert.ok(one?.type === 'stage');
  assert.deepEqual(one.params['weights'], {short: 0.5});
  assert.equal(await mistakeOf(t, files, {set: ['one.weights.shrot=1']}), 'set one: no grader is called “shrot”');
  assert.match(
    await mistakeOf(t, files, {set: ['one.wieghts.short=1']}),
    /^set one\.wieghts\.short=1: stage “grades” has no param “wieghts”; did you mean “weights”\?/,
  );
  const careless = GRADERS['stages.ts'].replace(
    'check: ({params, definitions}) =>',
    "$& 'long' in params.weights ? (undefined as never as string[]).slice() :",
  );
  assert.match(
    await mistakeOf(t, {...files, 'stages.ts': careless}, {set: ['one.weights.long=1']}),
    /^set one: its check threw TypeError: Cannot read properties of undefined \(reading 'slice'\) \(?stages\.ts:\d+:\d+\)$/,
  );
});

test('a check is told where inputs come from, except for sources', () => {
  const told: unknown[] = [];
  const makes = defineStage({
    ...about,
    name: 'makes',
    outputs: {data: 'data'},
    params: {},
    definitions: {tasks: 'task'},
  });
  const reads = defineStage({
    ...about,
    name: 'reads',
    inputs: {one: 'data', more: many('data')},
    params: {},
    check: ({origins}) => {
      told.push(...origins);
      return [];
    },
  });
  const wired = added((add) => {
    const {data} = add('a', makes, {}, {}, {tasks: [sorting]});
    add('b', reads, {one: data, more: {data, source: add.source('file', 'data', 'file')}});
  });
  assert.ok(wired.ok);
  const from = {
    node: 'a',
    output: 'data',
    stage: {name: 'makes', module: import.meta.url},
    definitions: {tasks: [sorting]},
  };
  assert.deepEqual(told, [
    {input: 'one', ...from},
    {input: 'more', ...from},
  ]);
});
