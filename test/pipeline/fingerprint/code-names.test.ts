/** How code names other files: what is followed, and what is told because it cannot be. */
import assert from 'node:assert/strict';
import {rmSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {UserError} from '../../../artifacts/index.js';
import {openCodeReader} from '../../../pipeline/fingerprint/code-digest.js';
import {openSources} from '../../../pipeline/modules/source/sources.js';
import type {Sources} from '../../../pipeline/modules/source/sources.js';
import {openTokenCache} from '../../../pipeline/fingerprint/token-cache.js';
import {codeAt, codeOf} from '../../rig/code.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** Ways to name a file by a literal. */
const FOLLOWED: Readonly<Record<string, string>> = {
  'an import': `import './it.js';`,
  'an export': `export * from './it.js';`,
  'an import of a template': 'import(`./it.js`);',
  'an import by address': `import(new URL('./it.js', import.meta.url).href);`,
  'createRequire at once': `import {createRequire} from 'node:module'; createRequire(import.meta.url)('./it.cjs');`,
  'createRequire under another name': `import {createRequire as cr} from 'module'; const get = cr(import.meta.url); get('./it.cjs');`,
  'createRequire of a namespace': `import module from 'node:module'; const require = module.createRequire(import.meta.url); require('./it.cjs');`,
  'require without an ending': `import {createRequire} from 'node:module'; const require = createRequire(import.meta.url); require('./it');`,
  'require of a folder': `import {createRequire} from 'node:module'; const require = createRequire(import.meta.filename); require('./folder');`,
  'require of JSON': `import {createRequire} from 'node:module'; const require = createRequire(import.meta.url); require('./it.json');`,
  'require.resolve': `import {createRequire} from 'node:module'; const require = createRequire(import.meta.url); require.resolve('./it.json');`,
  'a path that is required': `import {createRequire} from 'node:module'; const require = createRequire(import.meta.url); require(join(import.meta.dirname, 'it'));`,
  'import.meta.resolve': `import.meta.resolve('./it.js');`,
  'a data file by address': `new URL('it.txt', import.meta.url);`,
  'a data file by a template': 'new URL(`./it.txt`, import.meta.url);',
  'a data file by the folder': `join(import.meta.dirname, 'it.txt');`,
  'a data file by the folder and a plus': `import.meta.dirname + '/it.txt';`,
  'a data file by the folder in a template': '`${import.meta.dirname}/it.txt`;',
  'a data file by the old way to the folder': `const here = path.dirname(fileURLToPath(import.meta.url)); path.resolve(here, 'it.txt');`,
  'a worker': `new Worker(new URL('./it.js', import.meta.url));`,
};

for (const [what, source] of Object.entries(FOLLOWED)) {
  test(`a name that is written there is followed: ${what}`, (t) => {
    const files = (version: string) => ({
      'stage.mjs': source,
      'it.js': `export const it = ${version};`,
      'it.cjs': `exports.it = ${version};`,
      'it.json': version,
      'it.txt': version,
      'folder/index.js': `exports.it = require('./more');`,
      'folder/more/index.cjs': '',
      'folder/more/package.json': '{"main": "main.js"}',
      'folder/more/main.js': `with (it) exports.it = ${version};`,
    });
    const code = codeOf(t, files('1'));
    assert.notEqual(codeOf(t, files('2')).digest, code.digest);
    assert.deepEqual(code.computed, []);
  });
}

test('what CommonJS modules require counts all the way down', (t) => {
  const files = {
    'stage.cjs': `const {a} = require('./a'); module.exports = {stage: a, b: module.require('./c.json')};`,
    'a.js': `if (typeof require === 'function') exports.a = require('./b/');`,
    'b/index.js': 'module.exports = 1; return;',
    'c.json': '{}',
  };
  assert.deepEqual(Object.keys(codeOf(t, files).parts.files), ['a.js', 'b/index.js', 'c.json', 'stage.cjs']);
});

test('what is loaded by a name that is computed is told with file and line', (t) => {
  const computed = (source: string, name = 'stage.mjs') => {
    const folder = temporaryFolder(t, {[name]: source, 'a.js': ''});
    return codeAt(t, folder, name).computed.map((place) => place.slice(folder.length + 1));
  };
  assert.deepEqual(computed(`import('./a.js');\nimport(name);`), ['stage.mjs:2']);
  assert.deepEqual(computed(`let url;\n\nurl = new URL(name, import.meta.url);`), ['stage.mjs:3']);
  assert.deepEqual(computed(`require(name);\nconst r = require;\nr(name);`, 'stage.cjs'), [
    'stage.cjs:1',
    'stage.cjs:3',
  ]);
  assert.deepEqual(computed(`load(require);\nrequire.main;\nrequire.cache;`, 'stage.cjs'), ['stage.cjs:1']);
  assert.deepEqual(computed(`import {createRequire} from 'node:module';\ncreateRequire(process.cwd())('./a.js');`), [
    'stage.mjs:2',
  ]);
  assert.deepEqual(computed('export const require = 1; its.require(name); ({require: 1});'), []);
});

test('links of the file system lead to the module that Node loads', (t) => {
  const folder = temporaryFolder(t, {
    'stage.js': `import './here.js';`,
    'lib/a.js': `import './b.js';`,
    'lib/b.js': '',
  });
  symlinkSync('lib/a.js', join(folder, 'here.js'));
  const {parts} = codeAt(t, folder, 'stage.js');
  assert.deepEqual(Object.keys(parts.files), ['lib/a.js', 'lib/b.js', 'stage.js']);
});

test('a package that is linked counts by its modules, an installed one by its version', (t) => {
  const folder = temporaryFolder(t, {
    'app/stage.js': `import 'helper/more'; import 'plain';`,
    'helper/package.json': '{"name": "helper", "exports": {"./*": {"require": "./no.js", "default": "./src/*.js"}}}',
    'helper/src/more.js': 'let more = 1;',
    'app/node_modules/plain/package.json': '{"name": "plain"}',
    'app/node_modules/plain/index.js': '',
  });
  symlinkSync('../../helper', join(folder, 'app/node_modules/helper'));
  const {parts} = codeAt(t, folder, 'app/stage.js');
  assert.deepEqual(Object.keys(parts.files), ['../helper/src/more.js', 'stage.js']);
  assert.deepEqual(parts.packages, {plain: 'none'});
});

test('a file that goes between the look for it and the reading of it is a mistake with its path, and no crash', (t) => {
  const folder = temporaryFolder(t, {'stage.js': `import './help.js';`, 'help.js': ''});
  const sources = openSources();
  const going: Sources = {
    ...sources,
    read(url) {
      if (url.endsWith('help.js')) rmSync(fileURLToPath(url));
      return sources.read(url);
    },
  };
  const reader = openCodeReader(openTokenCache(temporaryFolder(t)), going);
  assert.throws(
    () => reader.codeOf(pathToFileURL(join(folder, 'stage.js')).href),
    (error) =>
      error instanceof UserError &&
      /\/help\.js, which belongs to the code of a stage, cannot be read: ENOENT/.test(error.message),
  );
});
