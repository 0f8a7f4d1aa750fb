/** The code digest: what changes it, what does not. */
import assert from 'node:assert/strict';
import {readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {sha256} from '../../../artifacts/index.js';
import {openCodeReader} from '../../../pipeline/fingerprint/code-digest.js';
import {OWN_MODULES, ownFile, ownUrl} from '../../../pipeline/modules/own-package.js';
import {openSources} from '../../../pipeline/modules/source/sources.js';
import type {Sources} from '../../../pipeline/modules/source/sources.js';
import {openTokenCache} from '../../../pipeline/fingerprint/token-cache.js';
import {readModuleText} from '../../../pipeline/modules/source/parse-module.js';
import {FILES, codeIn, codeOf} from '../../rig/code.js';
import {temporaryFolder} from '../../rig/temporary.js';

test('the parts are the modules that can be reached, wherever they lie, and the versions of packages', (t) => {
  const {parts, urls} = codeIn(t);
  assert.deepEqual(Object.keys(parts.files), ['lib/deep.js', 'lib/help.js', 'lib/worker.js', 'stage.js']);
  assert.deepEqual(parts.packages, {zod: '4.0.0'});
  assert.deepEqual(
    urls.map((url) => url.replace(/^.*\/r1-test-\w+\//, '')),
    ['stage.js', 'lib/help.js', 'lib/deep.js', 'lib/worker.js'],
  );
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
    'lib/help.js': `// help\nexport const help =\n  (x,) =>   x; /* yes */\nexport const worker = () => new URL(\n'./worker.js', import.meta.url,\n)`,
  });
  assert.equal(changed.digest, codeIn(t).digest);
});

for (const [what, changes] of Object.entries({
  'a changed module': {'stage.js': FILES['stage.js'].replace('help(deep, z)', 'help(z, deep)')},
  'a changed import of an import': {'lib/help.js': FILES['lib/help.js'].replace('=> x', '=> x + 1')},
  'a changed dynamic import': {'lib/deep.js': 'export const deep = 2;'},
  'a changed worker': {'lib/worker.js': 'postMessage(2);'},
  'another version of a package': {'node_modules/zod/package.json': '{"version": "4.0.1"}'},
  'another part of a package': {'stage.js': FILES['stage.js'].replace("'zod'", "'zod/mini'")},
  'a changed string': {'lib/deep.js': 'export const deep = "1";'},
  'a name that is taken as another': {'stage.js': FILES['stage.js'].replace('{z}', '{y as z}')},
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
  const read = (source: string) => codeOf(t, {'stage.ts': source, 'x.js': 'export const y = 1;'}).digest;
  assert.equal(read('import type {X} from "./x.js";\nexport const a: X = 1;'), read('export const a = 1;'));
  assert.equal(read('import {y, type X} from "./x.js";\ny as X;'), read('import {y} from "./x.js";\ny;'));
  assert.notEqual(read('export const a = 1;'), read('export const a = 2;'));
});

test('the same text is read in its own way in a typed module, in a module and in a script', (t) => {
  const cache = openTokenCache(temporaryFolder(t));
  const folder = temporaryFolder(t, {'a.ts': 'f(a < b > (c))', 'a.js': 'f(a < b > (c))', 'a.cjs': 'f(a < b > (c))'});
  const [typed, module, script] = ['a.ts', 'a.js', 'a.cjs'].map(
    (file) => openCodeReader(cache).codeOf(pathToFileURL(join(folder, file)).href).digest,
  );
  assert.notEqual(typed, module);
  assert.equal(module, script);
});

test('what cannot be parsed is an error with its place where it is imported, and data where it is only named', (t) => {
  for (const [file, source, place] of [
    ['broken.js', 'let a;\na = =', '2:5'],
    ['broken.ts', 'let a: number;\nenum A {}', '2:1'],
    ['broken.tsx', 'const a = <b>c</b>;', '1:'],
    ['broken.cjs', 'import "./a.js";', '1:1'],
  ] as const) {
    const files = {[file]: source, 'a.js': ''};
    assert.throws(
      () => codeOf(t, {'stage.mjs': `import('./${file}')`, ...files}),
      ({message}: Error) => message.includes(`/${file}:${place}`) || assert.fail(message),
    );
    const {parts} = codeOf(t, {'stage.mjs': `new URL('./${file}', import.meta.url)`, ...files});
    assert.equal(parts.files[file], sha256(source));
  }
});

test('cached tokens are those of the content, not of the path', (t) => {
  const folder = temporaryFolder(t, FILES);
  const url = pathToFileURL(join(folder, 'stage.js')).href;
  const read = () => {
    const cache = openTokenCache(join(folder, 'store'));
    const {digest} = openCodeReader(cache).codeOf(url);
    cache.save(join(folder, 'store'));
    return digest;
  };
  const first = read();
  assert.equal(read(), first);
  writeFileSync(join(folder, 'lib/deep.js'), 'export const deep = 2;');
  assert.notEqual(read(), first);
  const cache = join(folder, 'store/cache/tokens.json');
  writeFileSync(cache, '{"version": 1, "te'); // torn
  writeFileSync(join(folder, 'lib/deep.js'), FILES['lib/deep.js']);
  assert.equal(read(), first);
  // What another version of r1 left there is not believed.
  const kept = JSON.parse(readFileSync(cache, 'utf8')) as {version: number; texts: Record<string, {tokens: string}>};
  const wrong = Object.fromEntries(Object.keys(kept.texts).map((key) => [key, {tokens: ''}]));
  writeFileSync(cache, JSON.stringify({version: kept.version - 1, texts: wrong}));
  assert.equal(read(), first);
});

test('our own front doors count by the names that are taken from them, pipeline and artifacts not at all but for the formats', (t) => {
  const own = (names: string, from = 'r1/stages') =>
    codeOf(t, {
      'stage.js': `import {defineStage} from 'r1';\nimport {${names}} from '${from}';\nexport const stage = 1;`,
    });
  const files = Object.keys(own('corpus').parts.files);
  assert.ok(files.includes('stages/corpus.ts'), files.join());
  assert.ok(
    !files.some(
      (file) =>
        /^(pipeline|artifacts\/(?!formats\/))/.test(file) || ['stages/index.ts', 'stages/grpo.ts'].includes(file),
    ),
    files.join(),
  );
  assert.notEqual(own('corpus').digest, own('prompts').digest);
  assert.notEqual(own('corpus as it').digest, own('prompts as it').digest);
  assert.equal(own('corpus').digest, own('corpus', ownFile('dist/stages/index.js')).digest);
});

test('what is left out counts by the names that are taken from it', (t) => {
  const taken = (clause: string) => codeOf(t, {'stage.js': `${clause}\nexport const stage = 1;`});
  assert.notEqual(taken(`import {many as it} from 'r1';`).digest, taken(`import {optional as it} from 'r1';`).digest);
  assert.equal(taken(`import {many} from 'r1';`).urls.length, 1);
});

/** Serves the files as they are, but for one, in which one token is another. */
function withOtherToken(changed: string): Sources {
  const sources = openSources();
  return {
    ...sources,
    read(url) {
      const file = sources.read(url);
      if (url !== changed) return file;
      const text = file.bytes.toString('utf8').replace(/\bconst\b/, 'let');
      assert.notEqual(text, file.bytes.toString('utf8'));
      return {...file, bytes: Buffer.from(text), sha256: sha256(text)};
    },
  };
}

const WRITES =
  /\b(?:(?:writeFile|writeFileSync|appendFile|createWriteStream|writeSync|copyFile|copyFileSync|cp|cpSync)\(|open\([^)]*'(?:w|a|r\+))/;

/** What makes the bytes of files that others write. */
const FORMATS = readdirSync(ownFile('artifacts/formats')).map(
  (file) => `artifacts/formats/${file.replace(/\.ts$/, '.js')}`,
);

/** Modules below a folder of ours that write files, as paths below `dist/`. */
const writers = (folder: string): string[] =>
  readdirSync(fileURLToPath(ownUrl(folder)), {recursive: true, encoding: 'utf8'})
    .filter((file) => file.endsWith('.js'))
    .map((file) => `${folder}${file}`)
    .filter((file) => WRITES.test(readFileSync(fileURLToPath(ownUrl(file)), 'utf8')))
    .sort();

test('one other token in any module that writes output bytes changes the code of the stages that use it', (t) => {
  const cache = openTokenCache(temporaryFolder(t));
  const stages = readdirSync(fileURLToPath(ownUrl('stages/')))
    .filter((file) => file.endsWith('.js') && !['main.js', 'index.js'].includes(file))
    .map((file) => ownUrl(`stages/${file}`));
  const reader = openCodeReader(cache);
  const codes = stages.map((url) => ({url, ...reader.codeOf(url)}));
  // What makes environments of Python writes them into the cache, and what is in them counts by its versions.
  const written = [...writers('stages/').filter((file) => !file.startsWith('stages/python/')), ...FORMATS];
  for (const known of [
    'stages/data/rows.js',
    'stages/model/safetensors.js',
    'stages/model/hf-folder/save.js',
    'stages/model/gguf/write-gguf.js',
  ]) {
    assert.ok(written.includes(known), `${known} is no longer found; what writes now?`);
  }
  for (const writer of written.map(ownUrl)) {
    const users = codes.filter(({urls}) => urls.includes(writer));
    assert.ok(users.length > 0, `no stage counts ${writer}`);
    const changed = openCodeReader(cache, withOtherToken(writer));
    for (const {url, digest} of users) assert.notEqual(changed.codeOf(url).digest, digest, `${url}, ${writer}`);
  }
});

test('what a stage’s process has of the parts that are left out writes no output', () => {
  const reached = new Set([ownUrl('stages/main.js')]);
  for (const url of reached) {
    const {named} = readModuleText(readFileSync(fileURLToPath(url), 'utf8'));
    for (const {specifier} of named)
      if (/^\.\/.*\.js$/.test(specifier) || /^\.\..*\.js$/.test(specifier)) reached.add(new URL(specifier, url).href);
  }
  const left = [...writers('pipeline/'), ...writers('artifacts/')].filter((file) => reached.has(ownUrl(file)));
  // The state within a stage; events; the job's own records; its code. Whoever joins them must not write into `outputs/`.
  assert.deepEqual(
    left,
    ['job/checkpoints', 'job/folder', 'job/stage-process', 'modules/snapshot/snapshot'].map(
      (name) => `pipeline/${name}.js`,
    ),
  );
  // Errors alone: a package.json that cannot be read is told in the same words on both sides.
  assert.deepEqual(
    [...reached].filter((url) => url.startsWith(`${OWN_MODULES}artifacts/`)),
    [ownUrl('artifacts/error.js')],
  );
});

test('the digest of a fixed tree is what it always was', (t) => {
  const tree = {
    'stage.js': `import {a, b as c} from './lib/a.js';\nimport d from 'zod';\nimport './t.ts?x';\nnew URL('./rows.txt', import.meta.url);\n`,
    'lib/a.js': `export * from '../stage.js';\nimport {many} from 'r1';\nexport const [a, b] = [\`\${many}\`, /x/u];\n`,
    't.ts': `export const t: number = require('./gone') as number;\n`,
    'rows.txt': 'one\n',
    'node_modules/zod/package.json': '{"version": "4.0.0"}',
  };
  // Who changes this makes all that users ever made be made again.
  assert.equal(codeOf(t, tree).digest, 'af11ab7be3603890ea5b28da87159f8524af54b1126c4f973e3cb27823de350f');
});
