import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {pathToFileURL} from 'node:url';
import type {Door} from '../../../pipeline/modules/rewrite-imports.js';
import {importPlain, withAddresses} from '../../../pipeline/modules/rewrite-imports.js';
import {r1} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

const DOORS = new Map<string, Door>([
  ['r1', {address: 'file:///o/it’s/r1.js', exports: {recipe: 1, many: 2, default: 3}}],
]);
const changed = (text: string): string | undefined => withAddresses(text, DOORS);

test('names at the head become addresses; lines and all that is below stay as they are', () => {
  const text = [
    '// A recipe.',
    "import {readFileSync} from 'node:fs';",
    '/* two',
    '   lines */',
    'import whole, {recipe as made,',
    '  many} from \'r1\' ;import * as all from "r1"',
    'const from = {from: \'r1\', said: "it is from us"};',
    'export default import.meta.url;',
  ].join('\n');
  const expected = text
    .replace("from 'r1' ;", "from 'file:///o/it’s/r1.js' ;")
    .replace('"r1"', '"file:///o/it’s/r1.js"');
  assert.equal(changed(text), expected);
});

test('an address with a quote stays inside its quotes', () => {
  const doors = new Map([['r1', {address: "file:///o'neil/r1.js", exports: {recipe: 1}}]]);
  assert.equal(withAddresses("import {recipe} from 'r1';", doors), "import {recipe} from 'file:///o%27neil/r1.js';");
});

test('a default is asked for only where there is one', () => {
  const doors = new Map([['r1', {address: 'file:///r1.js', exports: {recipe: 1}}]]);
  assert.equal(withAddresses("import whole from 'r1';", doors), undefined);
  assert.equal(withAddresses("import * as whole from 'r1';", doors), "import * as whole from 'file:///r1.js';");
  assert.equal(
    withAddresses("import fs from 'node:fs';\nimport {recipe} from 'r1';", doors),
    "import fs from 'node:fs';\nimport {recipe} from 'file:///r1.js';",
  );
});

for (const [what, text] of [
  ['asks for a package', "import {recipe} from 'r1';\nimport x from 'other';"],
  ['asks for a file beside it', "import {recipe} from 'r1';\nimport './more.js';"],
  ['asks for what is not there', "import {nope} from 'r1';"],
  ['asks Node for what is not there', "import {recipe} from 'r1';\nimport {nope} from 'node:fs';"],
  ['asks again further down', "import {recipe} from 'r1';\nconst x = 1;\nimport {y} from './y.js';"],
  ['asks later', "import {recipe} from 'r1';\nconst more = await import('./more.js');"],
  ['passes something on', "import {recipe} from 'r1';\nexport {x} from './x.js';"],
  [
    'requires',
    "import {recipe} from 'r1';\nimport {createRequire} from 'node:module';\ncreateRequire(import.meta.url)('x'); require('y');",
  ],
  ['has attributes', "import {recipe} from 'r1';\nimport x from './x.json' with {type: 'json'};"],
  ['has a comment in an import', "import {recipe /* it */} from 'r1';"],
  ['has names that are strings', "import {'a b' as c} from 'r1';"],
  ['asks for nothing of ours', "import {readFileSync} from 'node:fs';"],
  ['is cut short', "import {recipe} from 'r1"],
] as const) {
  test(`a module that ${what} is not plain`, () => assert.equal(changed(text), undefined));
}

const canRequireModules = process.features.require_module;

test(
  'a plain module is the module at its address for whoever imports it later',
  {skip: !canRequireModules},
  async (t) => {
    const folder = temporaryFolder(t, {
      'door.js': 'export const given = {};',
      'plain.js': "import {given} from 'r1';\nexport const own = {given};\nexport default import.meta.url;\n",
      'typed.ts': "import {given} from 'r1';\nexport const own: object = given;\n",
    });
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
    const at = (name: string): string => pathToFileURL(join(folder, name)).href;
    const exports = (await import(at('door.js'))) as Record<string, unknown>;
    const doors = new Map([['r1', {address: at('door.js'), exports}]]);
    const imported = (name: string) => importPlain(at(name), readFileSync(join(folder, name), 'utf8'), doors);
    const plain = imported('plain.js') as {own: {given: unknown}; default: string};
    assert.equal(plain.own.given, exports['given']);
    assert.equal(plain.default, at('plain.js'));
    const again = (await import(at('plain.js'))) as {own: unknown};
    assert.equal(again.own, plain.own);
    assert.equal(imported('typed.ts'), undefined);
  },
);

test('a recipe with any mistake is told as ever', async (t) => {
  const cwd = temporaryFolder(t, {
    'link.js': "import {recipe, nope} from 'r1';\nexport default recipe('x', () => {});\n",
    'syntax.js': "import {recipe} from 'r1';\nexport default recipe('x', () => { let a = ; });\n",
    'thrown.js': "import {recipe} from 'r1';\nnull.foo;\nexport default recipe('x', () => {});\n",
    'waits.js': "import {recipe} from 'r1';\nawait 1;\nexport default recipe('x', () => { throw new Error('so'); });\n",
  });
  for (const [file, message] of [
    ['link', /link\.js:1:17: SyntaxError: The requested module 'r1' does not provide an export named 'nope'/],
    ['syntax', /syntax\.js:2:44: SyntaxError: Unexpected token/],
    ['thrown', /thrown\.js:2:6: TypeError: Cannot read properties of null/],
    ['waits', /waits\.js:3:42: so/],
  ] as const) {
    const {code, err} = await r1(t, ['plan', `./${file}.js`], {cwd});
    assert.equal(code, 2, err);
    assert.match(err, message);
  }
});

test('a stage of ours is known where a recipe asks for our files by their path, and so has it a second time', async (t) => {
  const ours = (file: string): string => JSON.stringify(new URL(`../../../${file}`, import.meta.url).href);
  const text = `
    import {recipe} from ${ours('pipeline/index.js')};
    import {corpus} from ${ours('stages/index.js')};
    export default recipe('x', (add) => void add('words', corpus, {}));
  `;
  const {code, out, err} = await r1(t, ['plan', './paths.js'], {cwd: temporaryFolder(t, {'paths.js': text})});
  assert.equal(code, 0, err);
  assert.match(out, /words/);
});
