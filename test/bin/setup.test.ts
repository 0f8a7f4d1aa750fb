/**
 * Set-up as a whole, in a clone of its own: the packages are links to the ones here, the cache is a view of this user's
 * cache, and nothing is fetched. What only a fresh machine can show (npm ci, pip, the compilers) runs before any test.
 */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {homedir, tmpdir} from 'node:os';
import path from 'node:path';
import {after, test} from 'node:test';
import {fileURLToPath, pathToFileURL} from 'node:url';
import type * as CodeReaders from '../../pipeline/fingerprint/code-digest.js';
import type * as TokenCaches from '../../pipeline/fingerprint/token-cache.js';
import type * as Tokens from '../../pipeline/modules/source/parse-module.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'r1-setup-'));
const clone = path.join(folder, 'clone');
const cache = path.join(folder, 'cache');
const tfjs = path.join(clone, 'node_modules/@tensorflow/tfjs-node-gpu');
after(() => rmSync(folder, {recursive: true}));

/** The entries of the user's cache, found as set-up finds it. */
const userCache =
  process.env['R1_CACHE'] || path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'r1');
const entries = existsSync(userCache) ? readdirSync(userCache).filter((name) => !name.includes('.lock')) : [];
const has = (start: string) => entries.some((name) => name.startsWith(start));
const sqlite = entries.some(
  (name) => name.startsWith('better-sqlite3-') && name.includes(`-abi${process.versions.modules}-`),
);
const skip =
  sqlite && has('tensorflow-cpu-') && has('tfjs-binding-')
    ? false
    : 'the cache lacks what set-up would otherwise have to fetch and build';

/** Links every package but the ones that set-up changes. */
function linkPackages(from: string, to: string, own: readonly string[]): void {
  mkdirSync(to, {recursive: true});
  for (const name of readdirSync(from)) {
    if (own.includes(name) || name === '.r1' || name === '.cache') continue;
    symlinkSync(path.join(from, name), path.join(to, name));
  }
}

function makeClone(): void {
  const packages = path.join(root, 'node_modules');
  linkPackages(packages, path.join(clone, 'node_modules'), ['@tensorflow', 'better-sqlite3', '.package-lock.json']);
  linkPackages(path.join(packages, '@tensorflow'), path.dirname(tfjs), ['tfjs-node-gpu']);
  const unbuilt = (file: string) => !/\/(deps|lib|build)$/.test(file) || file.includes('better-sqlite3/lib');
  for (const name of ['better-sqlite3', '@tensorflow/tfjs-node-gpu', '.package-lock.json']) {
    cpSync(path.join(packages, name), path.join(clone, 'node_modules', name), {recursive: true, filter: unbuilt});
  }
  const rooms = ['artifacts', 'bin', 'pipeline', 'stages'];
  for (const name of [...rooms, 'package.json', 'package-lock.json', '.npmrc', 'tsconfig.json']) {
    cpSync(path.join(root, name), path.join(clone, name), {recursive: true});
  }
  mkdirSync(cache);
  for (const name of entries) symlinkSync(path.join(userCache, name), path.join(cache, name));
}

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

const setUp = (env: Record<string, string> = {}): Promise<Ended> => node(['bin/setup.js'], env);

/** Node in the clone. */
function node(words: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const {R1_DEVICE: _device, R1_LIBTENSORFLOW: _folder, ...inherited} = process.env;
    const child = spawn(process.execPath, words, {
      cwd: clone,
      env: {...inherited, R1_CACHE: cache, R1_DEVICE: 'cpu', ...env},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    const keep = (chunk: Buffer) => (text += chunk.toString());
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({code, text}));
  });
}

test('set-up', {skip}, async (t) => {
  makeClone();

  await t.test('two at once on a clone without native parts and without a build both end well', async () => {
    const both = await Promise.all([setUp(), setUp()]);
    assert.deepEqual(
      both.map(({code}) => code),
      [0, 0],
      both.map(({text}) => text).join('\n'),
    );
    const runtime = JSON.parse(readFileSync(path.join(clone, 'node_modules/.r1/runtime.json'), 'utf8')) as {
      device: string;
    };
    assert.equal(runtime.device, 'cpu');
    assert.ok(existsSync(path.join(clone, 'dist/pipeline/index.js')));
    const texts = both.map(({text}) => text).sort((a, b) => a.length - b.length);
    assert.match(texts[0]!, /another set-up \(process \d+\) works on this clone/);
    assert.doesNotMatch(texts[0]!, /tensorflow|sqlite|compiling/);
  });

  await t.test(
    'r1 starts from one file while the modules are as it was made from, and from them otherwise',
    async () => {
      const start = path.join(clone, 'dist/start');
      const codes = () => readdirSync(start).flatMap((name) => (name.endsWith('.code') ? path.join(start, name) : []));
      assert.equal(codes().length, 4);
      for (const code of codes()) assert.ok(statSync(code).size > 100_000, code);
      const r1 = async (): Promise<string> => (await node(['dist/bin/start.cjs', 'nothing'])).text;
      assert.match(await r1(), /^there is no command “nothing”/);

      const module = path.join(clone, 'dist/bin/main.js');
      const source = readFileSync(module, 'utf8');
      const change = (word: string) =>
        writeFileSync(module, source.replace('there is no command', `there is no ${word}`));
      const [then, later] = [1_700_000_000, 1_700_000_001];
      const door = path.join(clone, 'dist/pipeline/index.js');
      for (const file of [module, door]) utimesSync(file, then, then);
      const store = path.join(folder, 'store');
      assert.match((await setUp({R1_STORE: store})).text, /start +r1 in one file, compiled ahead/);
      assert.ok(!existsSync(store), 'r1 was used for it, but with no store of the reader’s');
      change('word');
      utimesSync(module, then, then);
      assert.match(await r1(), /^there is no word/, 'another size');
      change('comnand');
      utimesSync(module, later, later);
      assert.match(await r1(), /^there is no comnand/, 'another time');
      utimesSync(module, then, then);
      assert.match(await r1(), /^there is no command/, 'size and time as they were: it is the one file that speaks');

      // What a recipe asks for by our name comes from there, too: here its module gives nothing, in as many bytes.
      const own = path.join(folder, 'own.recipe.js');
      writeFileSync(
        own,
        `import {recipe} from 'r1';\nexport default recipe('own', (add) => void add.source('it', 'text', '${own}'));\n`,
      );
      const plan = () => node(['dist/bin/start.cjs', 'plan', own, '--store', path.join(folder, 'none')]);
      const given = readFileSync(door);
      writeFileSync(door, ' '.repeat(given.length));
      assert.match((await plan()).text, /does not provide an export named 'recipe'/, 'another time');
      utimesSync(door, then, then);
      const planned = await plan();
      assert.equal(planned.code, 0, planned.text);
      writeFileSync(door, given);
      utimesSync(door, then, then);

      const packages = path.join(clone, 'node_modules/.package-lock.json');
      const list = statSync(packages);
      utimesSync(packages, list.atime, new Date(list.mtimeMs + 1000));
      assert.match(await r1(), /^there is no comnand/, 'npm has changed packages');
      writeFileSync(path.join(start, 'made.json'), '{"script":');
      assert.match(await r1(), /^there is no comnand/, 'half a list');

      writeFileSync(module, source);
      assert.match((await setUp()).text, /start +r1 in one file, compiled ahead/);
      assert.match(await r1(), /^there is no command/);

      // The recipe takes the files away as a set-up does; for its mistake the parser is wanted, which lies in the second.
      const recipe = path.join(folder, 'wrong.recipe.js');
      writeFileSync(
        recipe,
        `import {rmSync} from 'node:fs';\nrmSync('${start}', {recursive: true});\nJSON.parse('{');\n`,
      );
      const {code, text} = await node(['dist/bin/start.cjs', 'run', recipe, '--store', path.join(folder, 'none')]);
      assert.equal(code, 2, text);
      assert.match(text, /wrong\.recipe\.js:3:\d+: SyntaxError: /);
      assert.ok(!existsSync(start));
      assert.match((await setUp()).text, /start +r1 in one file, compiled ahead/);

      for (const compiled of codes()) writeFileSync(compiled, readFileSync(compiled).fill(0, 40, 80));
      assert.match(await r1(), /^there is no command/, 'V8 would end the process over it');
      assert.match((await node(['dist/bin/start.cjs', 'plan', '--help'])).text, /Usage: r1 plan/);
      assert.match((await setUp()).text, /start +r1 in one file, compiled ahead/);
    },
  );

  await t.test('what the code of the stages comes to is known beforehand, in any store', async () => {
    const ours = (file: string) => pathToFileURL(path.join(clone, 'dist', file)).href;
    const {openTokenCache} = (await import(ours('pipeline/fingerprint/token-cache.js'))) as typeof TokenCaches;
    const {readModuleText} = (await import(ours('pipeline/modules/source/parse-module.js'))) as typeof Tokens;
    const {tokenKey} = (await import(ours('pipeline/fingerprint/code-digest.js'))) as typeof CodeReaders;
    const cache = openTokenCache(path.join(folder, 'no store'));
    const source = readFileSync(path.join(clone, 'dist/stages/sft.js'), 'utf8');
    const kept = (text: string) => cache.get(tokenKey(createHash('sha256').update(text).digest('hex'), 'module'));
    assert.deepEqual(kept(source), JSON.parse(JSON.stringify(readModuleText(source))));
    assert.equal(kept(`${source}\nvoid 0;`), undefined);
  });

  await t.test('what is in place is passed over in silence, and nothing is fetched, built or written', async () => {
    const made = () =>
      ['node_modules', 'node_modules/.r1', 'dist', 'dist/start']
        .flatMap((name) => readdirSync(path.join(clone, name)).map((file) => path.join(clone, name, file)))
        .map((file) => [file, statSync(file).mtimeMs, statSync(file).ino]);
    const before = made();
    const empty = mkdtempSync(path.join(folder, 'no programs '));
    // Without npm, pip and g++ there is no other way to end well.
    const {code, text} = await setUp({PATH: empty});
    assert.deepEqual([code, text], [0, '']);
    assert.deepEqual(made(), before);
  });

  await t.test('a library that was cut short is noticed and put back from the cache', async () => {
    const library = path.join(tfjs, 'deps/lib/libtensorflow_framework.so.2');
    const whole = readFileSync(library).length;
    rmSync(library); // it shares its bytes with the cache
    writeFileSync(library, '');
    truncateSync(library, whole);
    const {code, text} = await setUp();
    assert.equal(code, 0, text);
    assert.match(text, /tensorflow-cpu-\S+ is in the cache, checked \(\d+ MB\)/);
    assert.match(text, /TensorFlow \S+ works on the CPU/);
    assert.notEqual(readFileSync(library)[0], 0);
  });

  await t.test('a SQLite build of another Node is replaced', async () => {
    const addon = path.join(clone, 'node_modules/better-sqlite3/build/Release/better_sqlite3.node');
    rmSync(addon);
    writeFileSync(addon, 'made for another Node');
    const {code, text} = await setUp();
    assert.equal(code, 0, text);
    assert.match(text, /SQLite \d\S+ is ready/);
    assert.notEqual(readFileSync(addon, 'latin1').slice(0, 4), 'made');
  });

  const other = path.join(clone, 'dist/pipeline/other.js');
  await t.test('a new source is compiled, and what it has nothing to do with is left as it is', async () => {
    const door = path.join(clone, 'dist/pipeline/index.js');
    const before = statSync(door).ctimeMs;
    writeFileSync(path.join(clone, 'pipeline/other.ts'), 'export {};\n');
    assert.equal((await setUp()).code, 0);
    assert.ok(existsSync(other));
    assert.equal(statSync(door).ctimeMs, before);
  });

  await t.test('a type error ends set-up with the line that has it, at every start until it is gone', async () => {
    const source = path.join(clone, 'pipeline/wrong.ts');
    writeFileSync(source, "export const wrong: number = 'text';\n");
    for (let start = 0; start < 2; start++) {
      const {code, text} = await setUp();
      assert.equal(code, 1);
      assert.match(text, /The sources do not compile[^]*pipeline\/wrong\.ts\(1,14\): error TS2322/);
    }
    rmSync(source);
  });

  await t.test(
    'what a deleted source left behind goes, and a compiled file that somebody deleted is made again',
    async () => {
      const compiled = path.join(clone, 'dist/pipeline/index.js');
      rmSync(path.join(clone, 'pipeline/other.ts'));
      rmSync(compiled);
      const {code, text} = await setUp();
      assert.equal(code, 0, text);
      assert.match(text, /compiling \d+ source files/);
      assert.ok(!existsSync(other));
      assert.ok(existsSync(compiled));
    },
  );

  await t.test('R1_DEVICE=gpu without a GPU is an error that says so, and changes nothing', async () => {
    const {code, text} = await setUp({R1_DEVICE: 'gpu', PATH: path.join(folder, 'empty')});
    assert.equal(code, 1);
    assert.match(text, /R1_DEVICE=gpu, but this machine has no NVIDIA GPU/);
    assert.deepEqual((await setUp()).text, '');
  });

  await t.test('R1_LIBTENSORFLOW names what its folder lacks', async () => {
    const given = path.join(folder, 'given');
    mkdirSync(path.join(given, 'lib'), {recursive: true});
    writeFileSync(path.join(given, 'lib/libtensorflow_framework.so.2'), '');
    const {code, text} = await setUp({R1_LIBTENSORFLOW: given});
    assert.equal(code, 1);
    assert.match(
      text,
      /has no libtensorflow_cc\.so\.2 \(or libtensorflow\.so\.2\), no include\/tensorflow\/c\/c_api\.h\./,
    );
  });

  await t.test('R1_LIBTENSORFLOW with libraries and headers is used, and stays in use', async () => {
    const given = path.join(folder, 'mine');
    const wheel = entries.find((name) => name.startsWith('tensorflow-cpu-'))!;
    symlinkSync(path.join(userCache, wheel), given);
    const {code, text} = await setUp({R1_LIBTENSORFLOW: given});
    assert.equal(code, 0, text);
    assert.match(text, /the libraries of \S+mine \(\d+ MB\) are linked[^]*TensorFlow \S+ works on the CPU/);
    assert.deepEqual((await setUp()).text, '');
  });

  await t.test('without pip and without a network the two ways out are named', async () => {
    const tools = path.join(folder, 'tools');
    mkdirSync(tools);
    symlinkSync(process.execPath, path.join(tools, 'node'));
    rmSync(path.join(clone, 'node_modules/.r1'), {recursive: true});
    const nowhere = 'http://127.0.0.1:1/';
    const {code, text} = await setUp({
      PATH: tools,
      R1_CACHE: path.join(folder, 'empty-cache'),
      TFJS_NODE_CDN_STORAGE: nowhere,
      npm_config_better_sqlite3_binary_host: nowhere,
    });
    assert.equal(code, 1);
    assert.match(text, /TensorFlow's libraries could not be obtained/);
    assert.match(text, /Through pip: There is no pip/);
    assert.match(text, /install pip for Python 3/);
    assert.match(text, /R1_LIBTENSORFLOW=\/folder/);
  });
});
