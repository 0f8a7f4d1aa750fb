/** Definitions of a person's own in real runs: whose nodes run again when one is edited, and which bytes run. */
import assert from 'node:assert/strict';
import {existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {ownUrl} from '../../../pipeline/modules/own-package.js';
import {r1, until} from '../../rig/command.js';
import {forgePlans} from '../../rig/forge.js';
import {GRADERS, grader} from '../../rig/graders.js';
import {WAIT, attemptOf, madeBy, newer, project, reading, runIt, succeeded} from '../../rig/project.js';
import type {Project} from '../../rig/project.js';

const SHORT = grader('short', `'old short ' + help + text`, `import {help} from './help.js';`);
const LONG = grader('long', `'old long ' + text`);
const HELP = `export const help: string = 'old help ';`;

/** A recipe of these lines, beside `short`, which has a helper, and `long`. */
const graded = (lines: string, stages = './stages.js') => ({
  ...GRADERS,
  'wait.js': WAIT,
  'short.ts': SHORT,
  'long.ts': LONG,
  'help.ts': HELP,
  'main.ts': `
    import {resolve} from 'node:path';
    import {recipe} from 'r1';
    import {long} from './long.js';
    import {short} from './short.js';
    import * as stages from '${stages}';
    import {wait} from './wait.js';
    export default recipe('graded', (add) => {
      ${lines}
    });`,
});

const edit = ({cwd}: Project, name: string, change: (text: string) => string): void =>
  writeFileSync(join(cwd, name), change(readFileSync(join(cwd, name), 'utf8')));

const WAITS = `const {out: after} = add('first', wait, {}, {go: resolve('..', 'go')});`;

test('definitions that are edited or removed while a run goes on change neither what runs nor what is recorded', async (t) => {
  const where = project(
    t,
    graded(`${WAITS}
      add('plain', stages.grades, {after});
      add('one', stages.grades, {after}, {weights: {short: 1}}, {graders: [short]});
      add('both', stages.grades, {after}, {weights: {short: 1, long: 2}}, {graders: [short, long]});`),
  );
  const running = runIt(t, where);
  await until('the first stage runs', () => existsSync(`${where.go}.started`));
  for (const name of ['short.ts', 'help.ts']) edit(where, name, newer);
  rmSync(join(where.cwd, 'long.ts'));
  writeFileSync(where.go, '');
  succeeded(await running.ended);
  const short = ['short', 'old short old help a'];
  const long = ['long', 'old long a'];
  for (const [node, said] of Object.entries({plain: [], one: [short], both: [long, short]})) {
    assert.deepEqual(JSON.parse(await madeBy(t, node, where)), {here: said, thread: said, others: 0}, node);
  }
});

test('a stage of this package runs them as they were, too, in its threads and in the processes that it forks', async (t) => {
  const lines = `${WAITS}
      add('both', stages.graded, {after}, {}, {graders: [short, long]});
      add('lone', stages.graded, {after}, {}, {graders: [lone]});`;
  const stages = ownUrl('test/fixtures/stages/graded.js');
  const files = graded(lines, stages);
  // A module of one file, which names nothing that could start anything.
  const lone = "export const lone = {kind: 'grader', name: 'lone', module: import.meta.url, grade: () => 'old'};";
  const main = `import {lone} from './lone.js';${files['main.ts']}`;
  const where = project(t, {...files, 'main.ts': main, 'lone.js': lone});
  const running = runIt(t, where);
  await until('the first stage runs', () => existsSync(`${where.go}.started`));
  for (const name of ['short.ts', 'long.ts', 'help.ts', 'lone.js']) edit(where, name, newer);
  writeFileSync(where.go, '');
  succeeded(await running.ended);
  const said = [
    ['long', 'old long a'],
    ['short', 'old short old help a'],
  ];
  assert.deepEqual(JSON.parse(await madeBy(t, 'both', where)), {here: said, thread: said, forked: said});
  const old = [['lone', 'old']];
  assert.deepEqual(JSON.parse(await madeBy(t, 'lone', where)), {here: old, thread: old, forked: old});
});

/** Node → why it runs, or `reuse`, as `r1 plan` has it. */
async function planned(t: TestContext, {cwd, store}: Project): Promise<Record<string, string>> {
  const {code, out, err} = await r1(t, ['plan', 'main.ts', '--store', store, '--json'], {cwd});
  assert.equal(code, 0, err);
  const {nodes} = JSON.parse(out) as {nodes: {node: string; action: string; because: string}[]};
  return Object.fromEntries(nodes.map(({node, action, because}) => [node, action === 'reuse' ? action : because]));
}

test('an edited definition, or a helper of it, makes exactly the nodes run that are wired with it; a comment none', async (t) => {
  const lines = `add('plain', stages.grades, {});
      add('short', stages.grades, {}, {weights: {short: 1}}, {graders: [short]});
      add('long', stages.grades, {}, {weights: {long: 1}}, {graders: [long]});
      add('both', stages.grades, {}, {weights: {short: 1}}, {graders: [short, long]});`;
  const where = project(t, graded(lines));
  const all = {plain: 'reuse', short: 'reuse', long: 'reuse', both: 'reuse'};
  succeeded(await runIt(t, where).ended);
  const ingredients = attemptOf(where, 'plain').ingredients as Record<string, unknown>;
  assert.ok(!('definitions' in ingredients), 'a node that is given none has no such ingredient');
  const digests = ['short', 'long', 'both'].map(
    (node) => (attemptOf(where, node).ingredients as {definitions: Record<string, string>}).definitions,
  );
  assert.deepEqual(digests[2], {...digests[1], ...digests[0]});
  assert.deepEqual(Object.keys(digests[2]), ['graders/long', 'graders/short']);

  for (const name of ['short.ts', 'help.ts', 'long.ts']) edit(where, name, (text) => `// Said better.\n${text}`);
  assert.deepEqual(await planned(t, where), all);

  edit(where, 'help.ts', newer);
  const because = 'graders/short: code of help.ts';
  assert.deepEqual(await planned(t, where), {...all, short: because, both: because});
  succeeded(await runIt(t, where).ended);
  assert.equal(attemptOf(where, 'both').because, because);
  const told = {cwd: where.cwd};
  const why = await r1(t, ['why', 'both', '--store', where.store], told);
  assert.match(why.out, /both ran: graders\/short: code of help\.ts\n/);
  assert.match(why.out, /\n {2}code {5}\w{12} of graders\/short\n/);
  const diff = await r1(t, ['diff', '1', '2', '--store', where.store], told);
  assert.match(diff.out, /first difference: short, definition graders\/short: help\.ts {2}@\w+ → /);

  // The others keep what they have, though recipe and node list are not what they were.
  edit(where, 'main.ts', (text) =>
    text.replace("add('plain'", `add('new', stages.grades, {}, {}, {graders: [long], others: [short]});\n add('plain'`),
  );
  assert.deepEqual(await planned(t, where), {...all, new: 'never made before'});
  edit(where, 'main.ts', (text) => text.replace('{graders: [short, long]}', '{graders: [short], others: [long]}'));
  assert.deepEqual(await planned(t, where), {
    ...all,
    new: 'never made before',
    both: 'graders/long is gone, others/long is new',
  });
});

const PACKED = `export const packed = {
  kind: 'grader', name: 'packed', module: import.meta.url,
  grade: (text) => { if (process.env.R1_TEST_FAILS) throw new Error('as was asked for'); return 'old packed ' + text; },
};`;

/** One definition in the recipe's own file, one beside it, one of a package. */
const SPREAD = {
  ...GRADERS,
  'package.json': '{"name": "mine", "type": "module"}',
  'help.ts': HELP,
  'short.ts': SHORT,
  'node_modules/my-graders/package.json': '{"name": "my-graders", "type": "module", "exports": "./lib/index.js"}',
  'node_modules/my-graders/lib/index.js': "export {packed} from './packed.js';",
  'node_modules/my-graders/lib/packed.js': PACKED,
  'main.ts': `
    import {recipe} from 'r1';
    import {packed} from 'my-graders';
    import {short} from './short.js';
    import {grades} from './stages.js';
    ${grader('mine', `'old mine ' + text`)}
    export default recipe('spread', (add) => {
      add('plain', grades, {});
      add('graded', grades, {}, {}, {graders: [short, packed, mine]});
    });`,
};

const SAID = [
  ['mine', 'old mine a'],
  ['packed', 'old packed a'],
  ['short', 'old short old help a'],
];

async function failedRun(t: TestContext): Promise<Project> {
  const where = project(t, SPREAD);
  const words = ['run', 'main.ts', '--store', where.store];
  const {code, err} = await r1(t, words, {cwd: where.cwd, env: {R1_TEST_FAILS: '1'}});
  assert.equal(code, 1, err);
  assert.match(err, /as was asked for/);
  return where;
}

interface FrozenDefinitions {
  readonly version: number;
  readonly nodes: Readonly<Record<string, {readonly definitions?: Readonly<Record<string, readonly object[]>>}>>;
}

test('a run with definitions is resumed and reproduced, also where the project has moved', async (t) => {
  const before = await failedRun(t);
  const plan = reading(before, (store) => store.latestRun()!.plan) as unknown as FrozenDefinitions;
  assert.equal(plan.version, 3);
  assert.deepEqual(plan.nodes['graded']!.definitions, {
    graders: [
      {export: 'mine', module: 'recipe:', name: 'mine'},
      {export: 'packed', module: 'npm:my-graders/lib/packed.js', name: 'packed'},
      {export: 'short', module: './short.ts', name: 'short'},
    ],
  });
  assert.ok(!('definitions' in plan.nodes['plain']!));
  const where = {...before, cwd: join(before.cwd, '..', 'moved', 'here')};
  mkdirSync(join(where.cwd, '..'));
  renameSync(before.cwd, where.cwd);
  const typed = (...words: string[]) => r1(t, [...words, '--store', where.store], {cwd: where.cwd});
  const resumed = await typed('resume');
  succeeded(resumed);
  assert.doesNotMatch(resumed.err, /changed since/);
  assert.deepEqual(JSON.parse(await madeBy(t, 'graded', where)), {here: SAID, thread: SAID, others: 0});
  const again = await typed('reproduce', 'graded');
  succeeded(again);
  assert.match(again.out, /reproducible/);

  edit(where, 'node_modules/my-graders/lib/packed.js', newer);
  const changed = await typed('reproduce', 'graded');
  assert.match(changed.out + changed.err, /changed since: graders\/packed: code of \S*packed\.js/);
  rmSync(join(where.cwd, 'short.ts'));
  const gone = await typed('reproduce', 'graded');
  assert.match(gone.out + gone.err, /there is no \S*short\.ts/);
});

test('what is resumed says which definition changed, and what of a definition is not there any more', async (t) => {
  const where = await failedRun(t);
  const resume = () => r1(t, ['resume', '--store', where.store], {cwd: where.cwd});
  edit(where, 'help.ts', (text) => text.replace('export const help', 'export const helps'));
  edit(where, 'short.ts', (text) => text.replace('{help}', '{helps as help}').replace('short =', 'brief ='));
  edit(where, 'main.ts', (text) => text.replace('{short}', '{brief as short}'));
  const gone = await resume();
  assert.equal(gone.code, 2, gone.out);
  assert.match(
    gone.err,
    /node “graded”, stage “grades”: \S*short\.ts exports no definition “short” as “short” any more/,
  );
  edit(where, 'short.ts', (text) => text.replace('brief =', 'short ='));
  edit(where, 'main.ts', (text) => text.replace('{brief as short}', '{short}'));
  const resumed = await resume();
  succeeded(resumed);
  assert.match(
    resumed.err,
    /graded: changed since attempt \d: graders\/mine: code of help\.ts, .*graders\/short: code of short\.ts/,
  );
});

test('a plan that somebody sent runs no definition from elsewhere, and one that is none is damage', async (t) => {
  const where = await failedRun(t);
  const ran = join(where.cwd, 'RAN');
  writeFileSync(
    join(where.cwd, '..', 'evil.mjs'),
    `import 'r1'; import {writeFileSync} from 'node:fs'; writeFileSync(${JSON.stringify(ran)}, '');`,
  );
  writeFileSync(join(where.cwd, 'unasked.mjs'), readFileSync(join(where.cwd, '..', 'evil.mjs')));
  const resume = (): ReturnType<typeof r1> => r1(t, ['resume', '--store', where.store], {cwd: where.cwd});
  const forgeList = (list: unknown): void =>
    forgePlans(where.store, (plan) => {
      plan.nodes['graded']!['definitions'] = {graders: list};
      return plan;
    });
  for (const module of ['../evil.mjs', './unasked.mjs']) {
    forgeList([{name: 'short', module, export: 'short'}]);
    const {code, err} = await resume();
    assert.equal(code, 2, err);
    assert.match(err, /^code is run from a trusted place only/, module);
  }
  assert.ok(!existsSync(ran));
  const short = {name: 'short', module: './short.ts', export: 'short'};
  for (const [list, said] of [
    [[short, short], /“graders” lists “short” twice; leave one of them out/],
    [[{...short, export: 'toString'}], /exports no definition “short” as “toString” any more/],
    [
      [{...short, module: 7}],
      /the plan of run 1 is not one, node “graded”: its definitions are not lists of definitions/,
    ],
    ['short', /the plan of run 1 is not one, node “graded”: its definitions are not lists of definitions/],
  ] as const) {
    forgeList(list);
    assert.match((await resume()).err, said);
  }
  forgeList([short]);
  // Of the right name, and no stage for all that.
  edit(where, 'stages.ts', (text) => `${text}\nexport const thing = {name: 'thing'};`);
  forgePlans(where.store, (plan) => {
    Object.assign(plan.nodes['graded']!, {stage: 'thing', export: 'thing'});
    return plan;
  });
  assert.match((await resume()).err, /exports no stage “thing” as “thing” any more/);
});
