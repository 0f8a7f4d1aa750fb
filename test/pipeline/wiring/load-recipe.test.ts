/** Recipes from files: what is right loads from anywhere, what is wrong is told with its place. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {UserError, openStore} from '../../../artifacts/index.js';
import {loadRecipe} from '../../../pipeline/wiring/load-recipe.js';
import {prepare} from '../../../pipeline/plan/prepare.js';
import type {RunRequest} from '../../../pipeline/plan/prepare.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** Loads, wires and plans `main.ts` of a folder with these files. */
async function planOf(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  request: Partial<RunRequest> = {},
  main = 'main.ts',
) {
  const folder = temporaryFolder(t, files);
  const store = openStore(join(folder, 'store'));
  t.after(() => store.close());
  const loaded = await loadRecipe(join(folder, main), {});
  const prepared = await prepare({loaded, request: {seed: 0, ...request}, store, runtimeOf: (threads) => ({threads})});
  return {folder, ...prepared};
}

/** The message of the error with the temporary folder cut out. */
async function mistakeOf(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  request: Partial<RunRequest> = {},
  main = 'main.ts',
): Promise<string> {
  try {
    await planOf(t, files, request, main);
  } catch (error) {
    assert.equal((error as Error).name, 'UserError', (error as Error).stack);
    return (error as Error).message.replaceAll(/\S*\/r1-test-\w+\//g, '');
  }
  return assert.fail('it loaded');
}

const STAGES = `import {defineStage} from 'r1';
import type {StageContext} from 'r1';
export const corpus = defineStage({
  module: import.meta.url, name: 'corpus', inputs: {}, outputs: {data: 'dataset', words: 'tokenizer'},
  params: {size: 10, name: 'a', nested: {rate: 0.5}}, async run() {},
});
export const train = defineStage({
  module: import.meta.url, name: 'train', inputs: {data: 'dataset'}, outputs: {model: 'model'},
  params: {rate: 0.1}, async run(context: StageContext<{data: 'dataset'}, {model: 'model'}, {rate: number}>) {},
});
`;
const recipe = (body: string): string => `import {recipe} from 'r1';
import {corpus, train} from './stages.js';
export default recipe('mine', (add) => {
${body}
});
`;
const GOOD = recipe(`  const {data} = add('corpus', corpus, {});
  add('train', train, {data}, {rate: 0.2});`);

test('a typed recipe loads from a folder in which nothing is installed', async (t) => {
  const {plan, wiring} = await planOf(t, {'main.ts': GOOD, 'stages.ts': STAGES});
  assert.deepEqual([...plan.nodes.keys()], ['corpus', 'train']);
  const train = wiring.nodes.get('train');
  assert.ok(train?.type === 'stage');
  assert.deepEqual(train.params, {rate: 0.2});
});

test('a recipe in plain JavaScript loads as well', async (t) => {
  const {plan} = await planOf(
    t,
    {
      'main.js': GOOD,
      'stages.js': STAGES.replace(/import type.*\n/, '').replace(/context: StageContext<.*>\)/, 'context)'),
    },
    {},
    'main.js',
  );
  assert.equal(plan.nodes.size, 2);
});

const MISTAKES: Readonly<Record<string, readonly [body: string, said: RegExp]>> = {
  'an unknown stage': [`  add('train', undefined, {});`, /^main\.ts:4:3: node “train” was given no stage/],
  'an unknown param': [
    `  add('corpus', corpus, {}, {sice: 3});`,
    /^main\.ts:4:3: node “corpus”: stage “corpus” has no param “sice”; did you mean “size”\? it has size, name, nested$/,
  ],
  'a param of another type': [
    `  add('corpus', corpus, {}, {size: '3'});`,
    /^main\.ts:4:3: .*param “size” is a number \(default 10\), not "3"$/,
  ],
  'a param that JSON cannot hold': [
    `  add('corpus', corpus, {}, {size: NaN});`,
    /^main\.ts:4:3: node “corpus”: params\.size is NaN; params hold what JSON can carry: /,
  ],
  'an unknown input': [
    `  const {data} = add('corpus', corpus, {});\n  add('train', train, {dat: data, data});`,
    /^main\.ts:5:3: node “train”: stage “train” has no input “dat”, did you mean “data”\?$/,
  ],
  'an input that is not wired': [
    `  add('train', train, {});`,
    /^main\.ts:4:3: node “train”: input “data” \(dataset\) of stage “train” is not wired$/,
  ],
  'a wrong kind': [
    `  const {words} = add('corpus', corpus, {});\n  add('train', train, {data: words});`,
    /^main\.ts:5:3: node “train”: input “data” takes a dataset, but “corpus:words” is of kind tokenizer$/,
  ],
  'a node id twice': [
    `  const {data} = add('corpus', corpus, {});\n\n  for (const rate of [1, 2]) add('train', train, {data}, {rate});`,
    /^main\.ts:6:30: there are two nodes “train”$/,
  ],
  'an id that is none': [`  add('cor/pus', corpus, {});`, /^main\.ts:4:3: “cor\/pus” is not a node id/],
  'a ref made by hand to nowhere': [
    `  add('train', train, {data: {node: 'corpse', port: 'data', kind: 'dataset'}});\n  add('corpus', corpus, {});`,
    /^main\.ts:4:3: node “train”: input “data” is wired to “corpse”, which is not a node, did you mean “corpus”\?$/,
  ],
  'a cycle made by hand': [
    `  const a = add('a', train, {data: {node: 'b', port: 'model', kind: 'model'}});\n  add('b', train, {data: a.model});`,
    /takes a dataset, but/, // the kinds are wrong before the cycle is
  ],
  'an error while wiring': [
    `  const nothing = undefined;\n  nothing.foo;`,
    /^main\.ts:5:11: TypeError: Cannot read properties of undefined/,
  ],
};

for (const [what, [body, said]] of Object.entries(MISTAKES)) {
  test(`${what} is told with file, line and column`, async (t) => {
    assert.match(await mistakeOf(t, {'main.ts': recipe(body), 'stages.ts': STAGES}), said);
  });
}

test('several mistakes are told at once', async (t) => {
  const body = `  const {data} = add('corpus', corpus, {}, {sise: 1});\n  add('train', train, {data}, {rates: 1});`;
  const lines = (await mistakeOf(t, {'main.ts': recipe(body), 'stages.ts': STAGES})).split('\n');
  assert.deepEqual(
    lines.map((line) => line.slice(0, 11)),
    ['main.ts:4:1', 'main.ts:5:3'],
  );
});

test('a cycle is told with its path and its place', async (t) => {
  const loop = `import {defineStage, recipe} from 'r1';
    export const same = defineStage({
      module: import.meta.url, name: 'same', inputs: {x: 'data'}, outputs: {x: 'data'}, params: {}, async run() {},
    });
    export default recipe('loop', (add) => {
      const a = add('a', same, {x: {node: 'c', port: 'x', kind: 'data'}});
      const b = add('b', same, {x: a.x});
      add('c', same, {x: b.x});
    });`;
  assert.match(await mistakeOf(t, {'main.ts': loop}), /^main\.ts:6:17: recipe “loop” has a cycle: a → c → b → a/);
});

test('for an import of what is not there it is said what to do', async (t) => {
  const hintOf = async (source: string): Promise<string | undefined> => {
    const folder = temporaryFolder(t, {'main.ts': source, 'stages.ts': ''});
    const error: unknown = await loadRecipe(join(folder, 'main.ts'), {}).then(
      () => assert.fail('it loads'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof UserError);
    return error.hint;
  };
  assert.equal(await hintOf(`import './stage.js';`), 'did you mean “stages.js”?');
  assert.match((await hintOf(`import 'not-installed-anywhere';`)) ?? '', / && npm install not-installed-anywhere$/);
  assert.equal(await hintOf(`import './something-else.js';`), undefined);
});

test('a stage that is not exported is told with the place of its node', async (t) => {
  const hidden =
    STAGES.replace('export const corpus', 'const corpus') +
    `import {recipe} from 'r1';\nexport default recipe('x', (add) => {\n  add('corpus', corpus, {});\n});`;
  assert.match(
    await mistakeOf(t, {'main.ts': hidden}),
    /^main\.ts:13:3: node “corpus”: stage “corpus” is not exported by its module/,
  );
});

const BROKEN: Readonly<Record<string, readonly [source: string, said: RegExp]>> = {
  'a mistake of syntax': [`const a = 1;\nconst b: = 2;`, /^main\.ts:2:10: Unexpected token/],
  'what types alone cannot erase': [`enum A {B}`, /^main\.ts:1:1: TypeScript enum: only types are removed/],
  'a name that is not exported': [`\nimport {nope} from './stages.js';`, /^main\.ts:2:9: SyntaxError: .*nope/],
  'a module that is not there': [`\n\nimport './gone.js';`, /^main\.ts:3:11: .*Cannot find module/],
  'an error at load': [`const x = undefined;\n x.y;`, /^main\.ts:2:4: TypeError/],
};

for (const [what, [source, said]] of Object.entries(BROKEN)) {
  test(`${what} in a recipe file is told with file, line and column`, async (t) => {
    assert.match(await mistakeOf(t, {'main.ts': source, 'stages.ts': STAGES}), said);
  });
}

test('a mistake of syntax in plain JavaScript has a place too, in whichever file it is', async (t) => {
  const files = {'main.js': `import './other.js';\nexport default 1;`, 'other.js': `let a = 1;\nlet b = ;`};
  assert.match(await mistakeOf(t, files, {}, 'main.js'), /^other\.js:2:9: /);
});

test('a file that exports no recipe is told so', async (t) => {
  assert.match(await mistakeOf(t, {'main.ts': 'export default 3;'}), /main\.ts: its default export is not a recipe/);
  assert.match(await mistakeOf(t, {'main.ts': 'export const it = 3;'}), /main\.ts: it has no default export/);
});

const FILES = {'main.ts': GOOD, 'stages.ts': STAGES};

test('--set changes a param, as JSON or as a string, nested ones too', async (t) => {
  const {wiring} = await planOf(t, FILES, {set: ['corpus.size=3', 'corpus.name=7', 'corpus.nested.rate=1e-3']});
  const corpus = wiring.nodes.get('corpus');
  assert.ok(corpus?.type === 'stage');
  assert.deepEqual(corpus.params, {size: 3, name: '7', nested: {rate: 0.001}});
});

test('the text of a param that is a string may be in quotes; half a quote is text', async (t) => {
  const nameSet = async (text: string): Promise<unknown> => {
    const {wiring} = await planOf(t, FILES, {set: [`corpus.name=${text}`]});
    const corpus = wiring.nodes.get('corpus');
    return corpus?.type === 'stage' ? corpus.params['name'] : undefined;
  };
  assert.deepEqual([await nameSet('"7"'), await nameSet('"half'), await nameSet('{')], ['7', '"half', '{']);
});

for (const [set, said] of [
  ['corpus.sice=3', /has no param “sice”; did you mean “size”\? it has size, name, nested/],
  ['corpus.size=three', /param “size” is a number \(default 10\), not "three"/],
  ['corpus.size=null', /param “size” is a number/],
  ['corpse.size=3', /there is no node “corpse” in recipe “mine”, did you mean “corpus”\?/],
  ['corpus', /^set takes NODE.PARAM=VALUE/],
] as const) {
  test(`--set ${set} is refused`, async (t) => {
    assert.match(await mistakeOf(t, FILES, {set: [set]}), said);
  });
}

test('--only with a node that is not there names the nearest', async (t) => {
  assert.match(
    await mistakeOf(t, FILES, {only: ['trian']}),
    /^only: there is no node “trian” in recipe “mine”, did you mean “train”\?/,
  );
});

test('--source puts a folder in the place of a node, or of one of its outputs', async (t) => {
  const data = temporaryFolder(t, {'rows.jsonl': '{}'});
  const {plan} = await planOf(t, FILES, {source: [`corpus:data=${data}`]});
  assert.deepEqual(
    [...plan.nodes].map(([id, {action}]) => [id, action]),
    [
      ['corpus-data', 'source'],
      ['corpus', 'run'],
      ['train', 'run'],
    ],
  );
  const only = await planOf(t, FILES, {source: [`train=${data}`]});
  assert.equal(only.plan.nodes.get('train')?.action, 'source');
});

test('--source of a whole node stands for the output that others cannot do without', async (t) => {
  const stages = `${STAGES}
import {many} from 'r1';
export const list = defineStage({
  module: import.meta.url, name: 'list', inputs: {words: many('tokenizer')}, outputs: {out: 'list'}, params: {}, async run() {},
});
export const read = defineStage({
  module: import.meta.url, name: 'read', inputs: {words: 'tokenizer'}, outputs: {out: 'list'}, params: {}, async run() {},
});`;
  const using = (body: string) => ({
    'main.ts': recipe(
      `  const {data, words} = add('corpus', corpus, {});\n  add('train', train, {data});\n${body}`,
    ).replace('{corpus, train}', '{corpus, list, read, train}'),
    'stages.ts': stages,
  });
  const listed = using(`  add('list', list, {words: {corpus: words}});`);
  const {wiring, plan} = await planOf(t, listed, {source: [`corpus=${temporaryFolder(t)}`]});
  assert.equal(plan.nodes.get('corpus')?.action, 'source');
  const [corpus, list] = [wiring.nodes.get('corpus'), wiring.nodes.get('list')];
  assert.ok(corpus?.type === 'source' && list?.type === 'stage');
  assert.equal(corpus.port, 'data');
  assert.deepEqual(list.inputs, {words: {}}, 'a list does without what is no longer made');
  const needed = using(`  add('read', read, {words});`);
  assert.match(
    await mistakeOf(t, needed, {source: ['corpus=/tmp']}),
    /“corpus” has the outputs data, words: say which/,
  );
});

test('--source of a whole node leaves out what was there for it alone, and nothing else', async (t) => {
  const chain = {
    'main.ts': `
      import {recipe} from 'r1';
      import {corpus, train} from './stages.js';
      export default recipe('chain', (add) => {
        add('alone', train, {data: add('fetched', corpus, {}).data});
        const {data} = add('shared', corpus, {});
        add('one', train, {data});
        add('two', train, {data});
        add('beside', train, {data: add.source('given', 'dataset', './nowhere')});
        add('leaf', corpus, {});
      });`,
    'stages.ts': STAGES,
  };
  const data = temporaryFolder(t);
  const nodesWith = async (...source: string[]): Promise<readonly string[]> =>
    [...(await planOf(t, chain, {source: [`given=${data}`, ...source]})).plan.nodes.keys()].sort();
  const all = ['alone', 'beside', 'fetched', 'given', 'leaf', 'one', 'shared', 'two'];
  const without = (...gone: string[]): string[] => all.filter((id) => !gone.includes(id));
  assert.deepEqual(await nodesWith(), all);
  assert.deepEqual(await nodesWith(`alone=${data}`), without('fetched'));
  assert.deepEqual(await nodesWith(`beside=${data}`), without('given'));
  // Another node still needs it.
  assert.deepEqual(await nodesWith(`one=${data}`), all);
  assert.deepEqual(await nodesWith(`one=${data}`, `two=${data}`), without('shared'));
});

test('--source of a path that is not there is told with the node', async (t) => {
  assert.match(await mistakeOf(t, FILES, {source: ['train=./nowhere/at/all']}), /^source “train”: /);
});

test('relative paths of sources start at the recipe’s own file', async (t) => {
  const body = recipe(`  const data = add.source('data', 'dataset', './here');\n  add('train', train, {data});`);
  const {folder, wiring} = await planOf(t, {'main.ts': body, 'stages.ts': STAGES, 'here/rows.jsonl': '{}'});
  const data = wiring.nodes.get('data');
  assert.ok(data?.type === 'source');
  assert.equal(data.path, join(folder, 'here'));
});

test('what only a compiler of TypeScript makes code of is refused with its place and what to write; so is what Node cannot parse', async (t) => {
  const line = GOOD.split('\n').length;
  const said = async (code: string): Promise<string> =>
    mistakeOf(t, {'main.ts': `${GOOD}${code}\n`, 'stages.ts': STAGES});
  for (const [code, what] of Object.entries({
    'enum Color { red }': /enum: only types are removed from a file, and this is code; write a constant: const/,
    'namespace N { export const a = 1; }': /namespace declaration: .*; write a module of its own/,
    'class A { constructor(private a: number) {} }': /parameter property: .*; declare the property/,
    'import fs = require("fs");': /import equals declaration: .*; write import … from and export/,
    '@dec class A {}': /SyntaxError: Unexpected character '@'/,
  })) {
    const mistake = await said(code);
    assert.match(mistake, what);
    assert.match(mistake, new RegExp(`^main\\.ts:${line}:\\d+: `));
  }
});

test('JSX and CommonJS in typed files are refused with their place; .tsx and .mts without either are recipes', async (t) => {
  const plain = {'main.ts': GOOD, 'stages.ts': STAGES};
  assert.equal((await planOf(t, {'main.mts': GOOD, 'stages.ts': STAGES}, {}, 'main.mts')).plan.nodes.size, 2);
  assert.equal((await planOf(t, {'main.tsx': GOOD, 'stages.ts': STAGES}, {}, 'main.tsx')).plan.nodes.size, 2);
  const jsx = `${GOOD}export const view = (\n  <div>\n    text\n  </div>\n);\n`;
  const line = GOOD.split('\n').length + 1;
  assert.match(
    await mistakeOf(t, {...plain, 'main.tsx': jsx}, {}, 'main.tsx'),
    new RegExp(`^main\\.tsx:${line}:3: JSX is not supported: only types are removed`),
  );
  assert.match(
    await mistakeOf(t, {...plain, 'main.cts': `module.exports = require('r1').recipe('x', () => {});`}, {}, 'main.cts'),
    /^main\.cts:1:1: CommonJS in TypeScript \(\.cts\) is not supported: name the file \.ts, and write import and export$/,
  );
  const imports = {...plain, 'lib.cts': 'exports.x = 1;', 'main.ts': `import './lib.cts';\n${GOOD}`};
  assert.match(await mistakeOf(t, imports), /^lib\.cts:1:1: CommonJS in TypeScript/);
});
