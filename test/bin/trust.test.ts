/** Whose code `resume` and `reproduce` run: projects that moved, and stores that somebody sent. */
import assert from 'node:assert/strict';
import {cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';
import {r1} from '../rig/command.js';
import type {Ended} from '../rig/command.js';
import {forgePlans} from '../rig/forge.js';
import type {Plan} from '../rig/forge.js';
import {temporaryFolder} from '../rig/temporary.js';

const stage = (name: string, more = ''): string => `
export const ${name} = defineStage({
  module: import.meta.url, name: '${name}', inputs: {text: optional('text')}, outputs: {text: 'text'}, params: {}, ${more}
  async run({outputs}) {
    if (process.env.R1_TEST_FAILS === '${name}') throw new StageFailure('as was asked for');
    writeFileSync(outputs.text, '${name}');
  },
});
`;
const HEAD = `
import {writeFileSync} from 'node:fs';
import {StageFailure, defineStage, optional, recipe} from 'r1';
`;
/** A stage in the recipe's own file, one beside it, one in another folder, one of a package, and a failing one last. */
const PROJECT: Readonly<Record<string, string>> = {
  'package.json': '{"name": "my-project", "type": "module"}',
  'recipes/mine.recipe.ts': `${HEAD}
import {beside} from './beside.js';
import {far as elsewhere} from '../lib/far.ts';
import {packed} from 'my-stages';
import {scoped} from '@me/more-stages/deep';
export * from './beside.js';
${stage('own')}
export default recipe('mine', (add) => {
  const a = add('a', own, {});
  const b = add('b', beside, a);
  const c = add('c', elsewhere, b);
  const d = add('d', packed, c);
  const e = add('e', scoped, d);
  add('last', beside, e);
});
`,
  'recipes/beside.ts': HEAD + stage('beside'),
  'lib/far.ts': HEAD + stage('far'),
  'node_modules/my-stages/package.json': '{"name": "my-stages", "type": "module", "exports": "./lib/index.js"}',
  'node_modules/my-stages/lib/index.js': "export {packed} from './packed.js';",
  'node_modules/my-stages/lib/packed.js': HEAD + stage('packed'),
  'node_modules/@me/more-stages/package.json':
    '{"name": "@me/more-stages", "type": "module", "exports": {"./deep": "./d/deep.js"}}',
  'node_modules/@me/more-stages/d/deep.js': HEAD + stage('scoped'),
};
const RECIPE = 'recipes/mine.recipe.ts';

interface Begun {
  /** Everything lies in here, so that it can be moved. */
  readonly root: string;
  readonly project: string;
  readonly store: string;
}

/** A run of the project that failed in its stage `beside` and can be resumed. */
async function failedRun(t: TestContext, files = PROJECT, store = 'store'): Promise<Begun> {
  const root = temporaryFolder(
    t,
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`project/${path}`, text])),
  );
  const begun = {root, project: join(root, 'project'), store: join(root, store)};
  const {code, err} = await r1(t, ['run', RECIPE, '--store', begun.store], {
    cwd: begun.project,
    env: {R1_TEST_FAILS: 'scoped'},
  });
  assert.equal(code, 1, err);
  assert.match(err, /as was asked for/);
  return begun;
}

/** Had code out of a store run, there would be a file. */
function assertRefused(ended: Ended, {root}: Pick<Begun, 'root'>, what: string): void {
  assert.equal(ended.code, 2, `${what}: ${ended.out}${ended.err}`);
  assert.ok(!existsSync(join(root, 'RAN')), `${what}: its code ran`);
  assert.match(ended.err, /^code is run from a trusted place only/, what);
  assert.doesNotMatch(ended.err, /\n\s+at /, what);
}

test('a project that moved, and one in another clone, is resumed and reproduced', async (t) => {
  for (const store of ['store', 'project/.store']) {
    const {root, project, store: before} = await failedRun(t, PROJECT, store);
    const moved = join(root, 'somewhere', 'else');
    mkdirSync(join(root, 'somewhere'));
    renameSync(project, moved);
    const now = existsSync(before) ? before : join(moved, '.store');
    const copy = join(root, 'clone');
    cpSync(moved, copy, {recursive: true});
    rmSync(join(copy, '.store'), {recursive: true, force: true});
    const resumed = await r1(t, ['resume', '--store', now], {cwd: join(copy, 'lib')});
    assert.equal(resumed.code, 0, resumed.err);
    assert.match(resumed.err, /2 ran, 4 reused/);
    assert.doesNotMatch(resumed.err, /changed since/);
    const again = await r1(t, ['reproduce', '1', '--store', now], {cwd: moved});
    assert.equal(again.code, 0, again.out + again.err);
    assert.equal(again.out.match(/reproducible/g)?.length, 6);
  }
});

test('without a package.json the folder in which r1 is typed is the project', async (t) => {
  const {'package.json': _, ...files} = PROJECT;
  const {project, store, root} = await failedRun(t, files);
  const below = await r1(t, ['resume', '--store', store], {cwd: join(project, 'lib')});
  assertRefused(below, {root}, 'another folder');
  assert.match(below.err, /its recipe recipes\/mine\.recipe\.ts is not in the project/);
  const resumed = await r1(t, ['resume', '--store', store], {cwd: project});
  assert.equal(resumed.code, 0, resumed.err);
});

test('from elsewhere r1 says what to type, and that works', async (t) => {
  const {project, store, root} = await failedRun(t);
  const elsewhere = temporaryFolder(t);
  const words = ['resume', '1', '--store', store];
  const refused = await r1(t, words, {cwd: elsewhere});
  assertRefused(refused, {root}, 'elsewhere');
  assert.ok(refused.err.includes(`r1 resume 1 --store ${store} --recipe PATH/mine.recipe.ts\n`), refused.err);
  const wrong = await r1(t, [...words, '--recipe', join(project, 'lib', 'far.ts')], {cwd: elsewhere});
  assert.equal(wrong.code, 2, wrong.err);
  const none = await r1(t, [...words, '--recipe', 'tniy'], {cwd: elsewhere});
  assert.match(none.err, /there is no recipe “tniy”, did you mean “tiny”/);
  const resumed = await r1(t, [...words, '--recipe', join(project, RECIPE)], {cwd: elsewhere});
  assert.equal(resumed.code, 0, resumed.err);
  const one = await r1(t, ['reproduce', 'c', '--store', store, '--recipe', join(project, RECIPE)], {cwd: elsewhere});
  assert.equal(one.code, 0, one.out + one.err);
  const notFound = await r1(t, ['reproduce', 'c', '--store', store], {cwd: elsewhere});
  assertRefused(notFound, {root}, 'reproduce from elsewhere');
  assert.match(notFound.err, /r1 reproduce c --store .* --recipe PATH\/mine\.recipe\.ts\n/);
});

/** As r1 0.1 wrote it. */
const oldPlan = (project: string) => (plan: Plan) => {
  const files: Record<string, string> = {
    a: RECIPE,
    b: 'recipes/beside.ts',
    c: 'lib/far.ts',
    d: 'node_modules/my-stages/lib/packed.js',
    e: 'node_modules/@me/more-stages/d/deep.js',
    last: 'recipes/beside.ts',
  };
  for (const [id, node] of Object.entries(plan.nodes)) node.module = pathToFileURL(join(project, files[id]!)).href;
  const {file: _, ...rest} = plan;
  return {...rest, version: 1};
};

test('a plan of version 1 is resumed where its addresses lie in the project, else with --recipe', async (t) => {
  const near = await failedRun(t);
  forgePlans(near.store, oldPlan(near.project));
  const resumed = await r1(t, ['resume', '--store', near.store], {cwd: near.project});
  assert.equal(resumed.code, 0, resumed.err);

  const {root, project, store} = await failedRun(t);
  forgePlans(store, oldPlan(project));
  assertRefused(await r1(t, ['resume', '--store', store], {cwd: near.project}), {root}, 'outside');
  const moved = join(root, 'moved');
  renameSync(project, moved);
  const gone = await r1(t, ['resume', '--store', store], {cwd: moved});
  assert.match(gone.err, /there is no .*mine\.recipe\.ts/);
  const typed = await r1(t, ['resume', '--store', store, '--recipe', RECIPE], {cwd: moved});
  assert.equal(typed.code, 0, typed.err);
});

const EVIL = (root: string): string => `
import {writeFileSync} from 'node:fs';
import {recipe} from 'r1';
writeFileSync(${JSON.stringify(join(root, 'RAN'))}, 'code of the store ran');
export const own = {name: 'own', inputs: {}, outputs: {}, params: {}};
export default recipe('mine', () => undefined);
`;

test('nothing that a store names runs because the store names it', async (t) => {
  const {root, project, store} = await failedRun(t, PROJECT, 'project/gift/store');
  writeFileSync(join(store, 'evil.mjs'), EVIL(root));
  writeFileSync(join(root, 'evil.mjs'), EVIL(root));
  const forged: Partial<Plan & {module: string}>[] = [
    {version: 1, module: 'file:///proc/self/cwd/gift/store/evil.mjs'},
    {version: 2, module: '../../evil.mjs'},
    {version: 2, module: 'recipe:', file: 'gift/store/evil.mjs'},
  ];
  for (const {module, ...rest} of forged) {
    forgePlans(store, (plan) => {
      for (const node of Object.values(plan.nodes)) node.module = module!;
      return {...plan, ...rest};
    });
    for (const words of ['resume 1', 'reproduce a']) {
      const ended = await r1(t, [...words.split(' '), '--store', store], {cwd: project});
      assertRefused(ended, {root}, `${words} ${module}`);
      assert.match(ended.err, new RegExp(`\nr1 ${words} --store .* --recipe `));
    }
  }
});

test('code that is not what it was is compared before any of it runs', async (t) => {
  const {root, project, store} = await failedRun(t);
  const ran = `writeFileSync(${JSON.stringify(join(root, 'RAN'))}, 'ran');`;
  writeFileSync(join(project, 'lib', 'far.ts'), `${PROJECT['lib/far.ts']!}${ran}`);
  const ended = await r1(t, ['reproduce', 'c', '--store', store], {cwd: project});
  assert.equal(ended.code, 1, ended.err);
  assert.match(ended.out, /cannot be made again: changed since: code of .*far\.ts/);
  assert.ok(!existsSync(join(root, 'RAN')));
  const resumed = await r1(t, ['resume', '--store', store], {cwd: project});
  assert.equal(resumed.code, 0, resumed.err);
});

test('environment variables and wiring of a plan are no way in', async (t) => {
  const {project, store} = await failedRun(t);
  const forged: [string, RegExp, (nodes: Plan['nodes']) => void][] = [
    [
      'env',
      /variable NODE_OPTIONS may decide what code runs/,
      ({last}) => (last!.options['env'] = {NODE_OPTIONS: '--import=./evil.mjs'}),
    ],
    [
      'passEnv',
      /only the plan asks for your environment variable AWS_SECRET/,
      ({last}) => (last!.options['passEnv'] = ['AWS_SECRET_ACCESS_KEY']),
    ],
    ['env of no text', /the store is damaged/, ({last}) => (last!.options['env'] = {A: 1})],
    [
      'port',
      /has no input “..\/..\/x”/,
      ({last}) => (last!['inputs'] = {'../../x': {node: 'a', port: 'text', kind: 'text'}}),
    ],
    [
      'prototype',
      /has no input|takes a/,
      ({last}) => (last!['inputs'] = {constructor: {node: 'a', port: 'text', kind: 'text'}}),
    ],
    ['ref', /which is not a node/, ({last}) => (last!['inputs'] = {text: {node: 'z', port: 'text', kind: 'text'}})],
    ['name', /the store is damaged/, (nodes) => (nodes['../x'] = nodes['last']!)],
    ['threads', /the store is damaged/, ({last}) => (last!.options['threads'] = 'many')],
  ];
  for (const [what, words, change] of forged) {
    const copy = join(temporaryFolder(t), 'store');
    cpSync(store, copy, {recursive: true});
    forgePlans(copy, (plan) => {
      change(plan.nodes);
      return plan;
    });
    const ended = await r1(t, ['resume', '1', '--store', copy], {cwd: project});
    assert.equal(ended.code, 2, `${what}: ${ended.err}`);
    assert.match(ended.err, words, what);
  }
});
