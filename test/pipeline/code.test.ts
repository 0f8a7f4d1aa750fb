/** The code digest: what changes it, what does not. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {writeFileSync} from 'node:fs';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';
import {openCodeReader} from '../../pipeline/code.js';
import type {Code} from '../../pipeline/code.js';
import {openTokenCache} from '../../pipeline/tokencache.js';
import {readModuleText} from '../../pipeline/tokens.js';
import {temporaryFolder} from '../rig/temporary.js';

const FILES = {
  'stage.js': `import {help} from './lib/help.js';\nimport {z} from 'zod';\nexport const stage = async () => { const {deep} = await import('./lib/deep.js'); return help(deep, z); };`,
  'lib/help.js': `export const help = (x) => x;\nexport const worker = () => new URL('./worker.js', import.meta.url);`,
  'lib/deep.js': `export const deep = 1;`,
  'lib/worker.js': `postMessage(1);`,
  'unrelated.js': `export const other = 1;`,
  'node_modules/zod/package.json': `{"name": "zod", "version": "4.0.0"}`,
};

function codeIn(t: TestContext, changes: Readonly<Record<string, string>> = {}): Code {
  const folder = temporaryFolder(t, {...FILES, ...changes});
  return openCodeReader(openTokenCache(join(folder, 'store'))).codeOf(pathToFileURL(join(folder, 'stage.js')).href);
}

test('the parts are the modules that can be reached, wherever they lie, and the versions of packages', (t) => {
  const {parts} = codeIn(t);
  assert.deepEqual(Object.keys(parts.files), ['lib/deep.js', 'lib/help.js', 'lib/worker.js', 'stage.js']);
  assert.deepEqual(parts.packages, {zod: '4.0.0'});
  assert.equal(codeIn(t).digest, codeIn(t).digest);
});

test('a file that is named by its URL is listed with all that it reaches', (t) => {
  const folder = temporaryFolder(t, {
    ...FILES,
    'lib/worker.js': `import './tool.js';\nimport {readFileSync} from 'node:fs';\nreadFileSync(new URL('./words.txt', import.meta.url));`,
    'lib/tool.js': `import './worker.js';\nimport './deep.js';`,
    'lib/words.txt': 'a b c',
  });
  const at = (name: string) => pathToFileURL(join(folder, name)).href;
  const {named, urls} = openCodeReader(openTokenCache(join(folder, 'store'))).codeOf(at('stage.js'));
  assert.deepEqual(Object.keys(named).sort(), [at('lib/words.txt'), at('lib/worker.js')].sort());
  assert.deepEqual(named[at('lib/words.txt')], [at('lib/words.txt')]);
  assert.deepEqual(
    [...named[at('lib/worker.js')]!].sort(),
    ['lib/deep.js', 'lib/tool.js', 'lib/words.txt', 'lib/worker.js'].map(at),
  );
  assert.deepEqual(
    [...urls].sort(),
    ['lib/deep.js', 'lib/help.js', 'lib/tool.js', 'lib/words.txt', 'lib/worker.js', 'stage.js'].map(at),
  );
});

test('comments, blanks and line breaks do not count', (t) => {
  const changed = codeIn(t, {
    'lib/help.js': `// help\nexport const help =\n  (x) =>   x; /* yes */\nexport const worker = () => new URL('./worker.js', import.meta.url)`,
  });
  assert.equal(changed.digest, codeIn(t).digest);
});

for (const [what, changes] of Object.entries({
  'a changed module': {'stage.js': FILES['stage.js'].replace('help(deep, z)', 'help(z, deep)')},
  'a changed import of an import': {'lib/help.js': FILES['lib/help.js'].replace('=> x', '=> x + 1')},
  'a changed dynamic import': {'lib/deep.js': 'export const deep = 2;'},
  'a changed worker': {'lib/worker.js': 'postMessage(2);'},
  'another version of a package': {'node_modules/zod/package.json': '{"version": "4.0.1"}'},
  'a changed string': {'lib/deep.js': 'export const deep = "1";'},
})) {
  test(`${what} changes the digest`, (t) => assert.notEqual(codeIn(t, changes).digest, codeIn(t).digest));
}

test('a module that cannot be reached does not count', (t) => {
  assert.equal(codeIn(t, {'unrelated.js': 'export const other = 2;'}).digest, codeIn(t).digest);
});

test('a folder that is named by a URL has no bytes that could count', (t) => {
  const {parts} = codeIn(t, {'lib/deep.js': `export const deep = new URL('..', import.meta.url);`});
  assert.deepEqual(Object.keys(parts.files), ['lib/deep.js', 'lib/help.js', 'lib/worker.js', 'stage.js']);
});

test('types do not count in a typed stage', (t) => {
  const read = (source: string) => {
    const folder = temporaryFolder(t, {'stage.ts': source});
    return openCodeReader(openTokenCache(join(folder, 'store'))).codeOf(pathToFileURL(join(folder, 'stage.ts')).href)
      .digest;
  };
  assert.equal(read('import type {X} from "./x.js";\nexport const a: X = 1;'), read('export const a = 1;'));
  assert.notEqual(read('export const a = 1;'), read('export const a = 2;'));
});

test('a line break that changes the meaning changes the digest', () => {
  const tokens = (source: string) => readModuleText(source).tokens;
  assert.notEqual(tokens('let a, b;\na\n++b'), tokens('let a, b;\na++\nb'));
  assert.notEqual(tokens('f = () => { return\n1 }'), tokens('f = () => { return 1 }'));
  assert.equal(tokens('let a = 1\nlet b = 2'), tokens('let a = 1; let b = 2;'));
  assert.equal(tokens('f(1,\n 2)'), tokens('f(1, 2)'));
});

test('cached tokens are those of the content, not of the path', (t) => {
  const folder = temporaryFolder(t, FILES);
  const url = pathToFileURL(join(folder, 'stage.js')).href;
  const read = () => {
    const cache = openTokenCache(join(folder, 'store'));
    const {digest} = openCodeReader(cache).codeOf(url);
    cache.save();
    return digest;
  };
  const first = read();
  assert.equal(read(), first);
  writeFileSync(join(folder, 'lib/deep.js'), 'export const deep = 2;');
  assert.notEqual(read(), first);
  writeFileSync(join(folder, 'store/cache/tokens.json'), '{"version": 1, "te'); // torn
  writeFileSync(join(folder, 'lib/deep.js'), FILES['lib/deep.js']);
  assert.equal(read(), first);
});

test('our own front doors count by the names that are taken from them, pipeline and artifacts not at all', (t) => {
  const own = (names: string) => {
    const folder = temporaryFolder(t, {
      'stage.js': `import {defineStage} from 'r1';\nimport {${names}} from 'r1/stages';\nexport const stage = 1;`,
    });
    return openCodeReader(openTokenCache(join(folder, 'store'))).codeOf(pathToFileURL(join(folder, 'stage.js')).href)
      .parts;
  };
  const files = Object.keys(own('corpus').files);
  assert.ok(files.includes('stages/corpus.js'), files.join());
  assert.ok(
    !files.some((file) => /^(pipeline|artifacts)\//.test(file) || ['stages/index.js', 'stages/grpo.js'].includes(file)),
    files.join(),
  );
});
