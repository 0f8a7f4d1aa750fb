/** The code digest and the names of files: which file is meant counts, what it is called and where it lies does not. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {codeDifferences} from '../../../pipeline/fingerprint/fingerprint.js';
import {FILES, codeIn, codeOf} from '../../rig/code.js';
import type {Files} from '../../rig/code.js';

const IMPORTS_TWO = `import {a} from './a.js';\nimport {a as b} from './b.js';\nexport const stage = [a, b];`;

/** Two trees that come to the same, each by its first file. */
const SAME: Readonly<Record<string, readonly [Files, Files]>> = {
  'a renamed module': [
    {'stage.js': `import './a.js';`, 'a.js': 'let a = 1;'},
    {'stage.js': `import "./other.js";`, 'other.js': 'let a = 1;'},
  ],
  'a renamed stage module': [{'stage.js': 'export const stage = 1;'}, {'my-stage.js': 'export const stage = 1;'}],
  'a folder that moved': [
    {'stage.js': `import './lib/a.js';`, 'lib/a.js': `import '../b.js';`, 'b.js': 'let b = 1;'},
    {'stage.js': `import './x/y/a.js';`, 'x/y/a.js': `import '../../b.js';`, 'b.js': 'let b = 1;'},
  ],
  'a stage that moved away from what it imports': [
    {'stage.js': `import {a} from './a.js'; export {a};`, 'a.js': 'export const a = 1;'},
    {'deep/stage.js': `import {a} from '../a.js'; export {a};`, 'a.js': 'export const a = 1;'},
  ],
  'a renamed data file': [
    {'stage.js': `new URL('./rows.txt', import.meta.url)`, 'rows.txt': 'one'},
    {'stage.js': `new URL('./data/lines.txt', import.meta.url)`, 'data/lines.txt': 'one'},
  ],
  'a renamed JSON module': [
    {'stage.js': `import x from './x.json' with {type: 'json'};`, 'x.json': '{"a": 1}'},
    {'stage.js': `import x from './y.json' with {type: 'json'};`, 'y.json': '{"a": 1}'},
  ],
  'one of two modules with equal content, renamed': [
    {'stage.js': IMPORTS_TWO, 'a.js': 'export const a = 1;', 'b.js': 'export const a = 1;'},
    {
      'stage.js': IMPORTS_TWO.replace('./b.js', './lib/c.js'),
      'a.js': 'export const a = 1;',
      'lib/c.js': 'export const a = 1;',
    },
  ],
  'another way to say where a module lies': [
    {'stage.js': `import './a.js'; import('./a.js');`, 'a.js': 'let a = 1;', 'b/c.js': ''},
    {'stage.js': `import './a.js'; import('./b/../a.js');`, 'a.js': 'let a = 1;', 'b/c.js': ''},
  ],
  'a renamed module with a query': [
    {'stage.js': `import './a.js?x=1';`, 'a.js': `import './b.js';`, 'b.js': 'let b = 1;'},
    {'stage.js': `import './c.js?x=1';`, 'c.js': `import './d.js';`, 'd.js': 'let b = 1;'},
  ],
  'typed modules that are named as they will be called': [
    {'stage.ts': `import {a} from './a.js';`, 'a.ts': 'export const a: number = 1;'},
    {'stage.ts': `import {a} from './a.ts';`, 'a.ts': 'export const a = 1;'},
  ],
  'modules that import each other, moved': [
    {'stage.js': `import './a.js';`, 'a.js': `import './b.js'; let a;`, 'b.js': `import './a.js'; let b;`},
    {'s.js': `import './x/a.js';`, 'x/a.js': `import './y/b.js'; let a;`, 'x/y/b.js': `import '../a.js'; let b;`},
  ],
  'a renamed CommonJS module': [
    {'stage.cjs': `exports.a = require('./a.cjs');`, 'a.cjs': 'exports.a = 1;'},
    {'stage.cjs': `exports.a = require('./lib/b');`, 'lib/b.js': 'exports.a = 1;'},
  ],
  'a name of the package that moved': [
    {'stage.js': `import '#a';`, 'package.json': '{"type": "module", "imports": {"#a": "./a.js"}}', 'a.js': 'let a;'},
    {
      'stage.js': `import '#a';`,
      'package.json': '{"type": "module", "imports": {"#*": "./x/*.js"}}',
      'x/a.js': 'let a;',
    },
  ],
};

for (const [what, [one, other]] of Object.entries(SAME)) {
  test(`what a file is called and where it lies does not count: ${what}`, (t) => {
    assert.equal(codeOf(t, one).digest, codeOf(t, other).digest);
  });
}

/** Two trees that do not come to the same. */
const OTHER: Readonly<Record<string, readonly [Files, Files]>> = {
  'swapped imports': [
    {'stage.js': IMPORTS_TWO, 'a.js': 'export const a = 1;', 'b.js': 'export const a = 2;'},
    {'stage.js': IMPORTS_TWO, 'a.js': 'export const a = 2;', 'b.js': 'export const a = 1;'},
  ],
  'swapped data files': [
    {
      'stage.js': `[new URL('./a', import.meta.url), new URL('./b', import.meta.url)]`,
      a: 'one',
      b: 'two',
    },
    {
      'stage.js': `[new URL('./b', import.meta.url), new URL('./a', import.meta.url)]`,
      a: 'one',
      b: 'two',
    },
  ],
  'imports deep below that are swapped': [
    {
      'stage.js': `import './m.js'; import './n.js';`,
      'm.js': `import {a} from './a.js';`,
      'n.js': `import {a} from './b.js';`,
      'a.js': 'export const a = 1;',
      'b.js': 'export const a = 2;',
    },
    {
      'stage.js': `import './m.js'; import './n.js';`,
      'm.js': `import {a} from './b.js';`,
      'n.js': `import {a} from './a.js';`,
      'a.js': 'export const a = 1;',
      'b.js': 'export const a = 2;',
    },
  ],
  'two modules with equal content that become one': [
    {'stage.js': IMPORTS_TWO, 'a.js': 'export const a = {};', 'b.js': 'export const a = {};'},
    {'stage.js': IMPORTS_TWO.replace('./b.js', './a.js'), 'a.js': 'export const a = {};'},
  ],
  'a module that is loaded a second time by another query': [
    {'stage.js': `import './a.js'; import './a.js';`, 'a.js': 'let a = 1;'},
    {'stage.js': `import './a.js'; import './a.js?again';`, 'a.js': 'let a = 1;'},
  ],
  'a module behind a query': [
    {'stage.js': `import './a.js?x';`, 'a.js': `import './b.js';`, 'b.js': 'let b = 1;'},
    {'stage.js': `import './a.js?x';`, 'a.js': `import './b.js';`, 'b.js': 'let b = 2;'},
  ],
  'a cycle that is closed elsewhere': [
    {'stage.js': `import './a.js';`, 'a.js': `import './b.js'; let a;`, 'b.js': `import './a.js'; let b;`},
    {'stage.js': `import './a.js';`, 'a.js': `import './b.js'; let a;`, 'b.js': `import './stage.js'; let b;`},
  ],
  'a name of the package that leads elsewhere': [
    {'stage.js': `import '#a';`, 'package.json': '{"imports": {"#a": "./a.js"}}', 'a.js': 'let a;', 'b.js': 'let b;'},
    {'stage.js': `import '#a';`, 'package.json': '{"imports": {"#a": "./b.js"}}', 'a.js': 'let a;', 'b.js': 'let b;'},
  ],
  'a module that the package itself has by its name': [
    {
      'stage.js': `import 'mine/a';`,
      'package.json': '{"name": "mine", "exports": {"./a": {"import": "./a.js"}}}',
      'a.js': 'let a = 1;',
    },
    {
      'stage.js': `import 'mine/a';`,
      'package.json': '{"name": "mine", "exports": {"./a": {"import": "./a.js"}}}',
      'a.js': 'let a = 2;',
    },
  ],
};

for (const [what, [one, other]] of Object.entries(OTHER)) {
  test(`which file is meant counts: ${what}`, (t) => {
    assert.notEqual(codeOf(t, one).digest, codeOf(t, other).digest);
  });
}

test('why pairs files that moved, and says of which file the imports lead elsewhere', (t) => {
  const before = codeIn(t).parts;
  const {'lib/deep.js': deep, ...rest} = FILES;
  const moved = codeOf(t, {
    ...rest,
    'stage.js': FILES['stage.js'].replace('./lib/deep.js', './deep.js'),
    'deep.js': deep,
    'lib/worker.js': 'postMessage(2);',
  }).parts;
  assert.deepEqual(codeDifferences(before, moved), ['code of lib/worker.js', 'code: lib/deep.js moved to deep.js']);
  const swapped = (a: string, b: string) =>
    codeOf(t, {'stage.js': IMPORTS_TWO.replace('./a.js', a).replace('./b.js', b), 'x.js': 'let x;', 'y.js': 'let y;'})
      .parts;
  assert.deepEqual(codeDifferences(swapped('./x.js', './y.js'), swapped('./y.js', './x.js')), ['imports of stage.js']);
  assert.deepEqual(codeDifferences({files: {'stage.js': 'as 0.1 counted'}, packages: {}}, before), [
    'code (this version of r1 counts it in another way)',
  ]);
  assert.deepEqual(codeDifferences({files: {a: '1'}, packages: {}}, {files: {a: '2'}, packages: {}}), ['code of a']);
});

test('two files of one name in two places are both told', (t) => {
  const {files} = codeOf(t, {
    'stage.js': `import {corpus} from 'r1/stages'; import './stages/corpus.ts';`,
    'stages/corpus.ts': 'let mine = 1;',
  }).parts;
  assert.ok('stages/corpus.ts' in files && './stages/corpus.ts' in files, Object.keys(files).join());
});
