/**
 * What r1 starts from. Node takes about a millisecond for each module, and r1 with its packages has hundreds; so set-up makes
 * one file of them, and keeps what V8 compiles of it. `bin/start.cts` starts from that while the modules are as they were, and
 * from the modules otherwise. Only a clone has what this is made with; an installed copy loads the modules.
 */
import {createHash} from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {sha256} from './cache.js';
import {enter, inPlace} from './ledger.js';
import {packageFolder, packageVersion, root} from './places.js';
import {say} from './say.js';
import {lastLines, run} from './shell.js';

/** @typedef {typeof import('esbuild')} Esbuild */

const dist = path.join(root, 'dist');
const folder = path.join(dist, 'start');
const isClone = () => existsSync(path.join(root, 'tsconfig.json'));

/** @returns {Promise<Esbuild>} */
const esbuild = async () => import(pathToFileURL(path.join(packageFolder('esbuild'), 'lib', 'main.js')).href);

/** In the order in which `warm.cjs` is given them. */
const PARTS = ['core', 'late', 'execa'];

/** Packages with native parts, or that only few commands load from where they lie. */
const external = ['@tensorflow/*', '@swc/wasm-typescript', 'execa'];

/** Modules of ours that not every run uses, though they are no stages: what starts jobs, the parser, and the other commands. */
const SELDOM = /^(?:pipeline\/(?:tokens|work|orphans|executors\/local)|bin\/commands\/(?!run\b).*)\.js$/;

/** @param {string} file @returns {string} its path below dist */
const nameOf = (file) => path.relative(dist, file).split(path.sep).join('/');

/** Whether a module lies behind the first part when it is imported by who may never need it. @param {string} name */
const isLate = (name) => !/^(?:artifacts|bin|pipeline)\//.test(name) || SELDOM.test(name);

/** Recipes and stages, which are asked for by their place. */
const named = () =>
  ['stages', 'stages/recipes'].flatMap((room) =>
    readdirSync(path.join(dist, room))
      .filter((name) => name.endsWith('.js') && !['index.js', 'main.js'].includes(name))
      .map((name) => `${room}/${name}`),
  );

/** Modules that can be asked for by name. @param {Iterable<string>} names */
const table = (names) =>
  `export const modules = {${[...names]
    .sort()
    .map((name) => `${JSON.stringify(name)}: () => require(${JSON.stringify(`./${name}`)})`)
    .join(',')}};`;

/**
 * Leaves out what `belongs` names, asks the other part for it, and notes it in `asked`.
 * @param {(name: string, kind: string) => boolean} belongs
 * @param {Set<string>} asked
 * @returns {import('esbuild').Plugin}
 */
const otherPart = (belongs, asked) => ({
  name: 'other part',
  setup: (build) => {
    build.onResolve({filter: /./}, async ({path: asWritten, kind, importer, resolveDir, namespace, pluginData}) => {
      if (pluginData === 'resolved' || importer === '' || namespace !== 'file') return undefined;
      const found = await build.resolve(asWritten, {kind, importer, resolveDir, namespace, pluginData: 'resolved'});
      const name = nameOf(found.path);
      if (found.external || found.namespace !== 'file' || !belongs(name, kind)) return undefined;
      asked.add(name);
      // By its ending it would count as a module of the other kind.
      return {path: `${name}.cjs`, namespace: 'elsewhere', pluginData: name};
    });
    build.onLoad({filter: /./, namespace: 'elsewhere'}, ({pluginData: name}) => ({
      contents: `module.exports = __other(${JSON.stringify(name)})`,
    }));
  },
});

/**
 * In one file a module no longer knows where it lies, and what is imported by a computed name, or left outside, has to be asked
 * of whoever opened the file.
 * @type {import('esbuild').Plugin}
 */
const inOneFile = {
  name: 'in one file',
  setup: ({onLoad}) => {
    onLoad({filter: /[/\\]dist[/\\](?:artifacts|bin|pipeline|stages)[/\\].*\.js$/}, ({path: file}) => {
      const contents = readFileSync(file, 'utf8')
        .replaceAll('import.meta.url', `__at(${JSON.stringify(nameOf(file))})`)
        .replace(/\bimport\((?=["'](?:@tensorflow\/|execa)|[^"'$])/g, '__load(');
      return {contents, loader: 'js'};
    });
  },
};

/**
 * SQLite's package looks for its native part from where it lies itself, through two more packages.
 * @type {import('esbuild').Plugin}
 */
const nativeInPlace = {
  name: 'native in place',
  setup: ({onLoad, onResolve}) => {
    const native = path.join(packageFolder('better-sqlite3'), 'build', 'Release', 'better_sqlite3.node');
    const name = nameOf(native);
    onResolve({filter: /^bindings$/}, () => ({path: name, namespace: 'native'}));
    onLoad({filter: /./, namespace: 'native'}, () => ({
      contents: `
        const {fileURLToPath} = require('node:url');
        module.exports = () => require(fileURLToPath(__at(${JSON.stringify(name)})));
      `,
    }));
  },
};

/** A file as `start.cts` will look at it. @param {string} file below dist @returns {[string, number, number]} */
function listed(file) {
  const {size, mtimeMs} = statSync(path.join(dist, file));
  return [file, size, mtimeMs];
}

/**
 * One part of the file: its code, and the modules in it.
 * @param {string} contents what it gives
 * @param {import('esbuild').Plugin} [other] how to get at the other parts; without it, one that needs none
 */
async function part(contents, other) {
  const {build} = await esbuild();
  const {outputFiles, metafile} = await build({
    stdin: {contents, resolveDir: dist, sourcefile: 'start.js'},
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: other === undefined ? [] : external,
    plugins: other === undefined ? [] : [inOneFile, nativeInPlace, other],
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  // V8 reads a text of one byte a character at half the cost. What is left of others stands in regular expressions.
  const code = String(outputFiles[0]?.text).replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return {
    code: `(function(require,__load,__at,__other){const module={exports:{}};${code}return module.exports})`,
    modules: new Set(Object.keys(metafile.inputs).map((file) => nameOf(path.join(root, file)))),
  };
}

/** The three parts, and the modules of ours in them. */
async function parts() {
  /** @type {Set<string>} */
  const wantedLate = new Set(named());
  /** @type {Set<string>} */
  const wantedOfCore = new Set();
  const toLate = otherPart((name, kind) => kind === 'dynamic-import' && isLate(name), wantedLate);
  const main = `export {main} from './bin/main.js';`;
  const {modules} = await part(main, toLate);
  const late = await part(
    table(wantedLate),
    otherPart((name) => modules.has(name), wantedOfCore),
  );
  // Once more, since only now it is known what the other part needs of it; these are modules that it has anyway.
  const core = await part(main + table(wantedOfCore), toLate);
  const files = [...new Set([...core.modules, ...late.modules])].filter((name) => /^[a-z]+\//.test(name)).sort();
  // Packages may be changed by npm without set-up.
  // Whoever starts a shell wants it, and nobody else.
  const execa = await part(`export {execa} from 'execa';`);
  return {
    codes: [core.code, late.code, execa.code],
    from: [...files, '../node_modules/.package-lock.json'].map(listed),
  };
}

/** What r1 is used for when its code is compiled: a recipe of one's own, run twice and looked at. */
const recipe = `
import {recipe} from 'r1';
import {command} from 'r1/stages';
export const write = command({
  module: import.meta.url, name: 'write', inputs: {}, outputs: {out: 'text'}, params: {},
  argv: ({outputs}) => ['/bin/sh', '-c', 'echo 1 > "$0"', outputs.out],
});
export default recipe('start', (add) => void add('one', write, {}));
`;

/** What is typed to have it compiled; the first two are all that `warm.cjs` keeps for the part that every start reads. */
const USES = ['run ./start.recipe.js', 'run ./start.recipe.js', 'status', 'runs', 'plan tiny', '--help'];

/**
 * Compiles the code while r1 is used, since V8 keeps of a script only the functions that were called.
 * @param {readonly string[]} scripts
 * @returns {Promise<string>} what went wrong, or nothing
 */
async function compile(scripts) {
  const place = mkdtempSync(path.join(tmpdir(), 'r1-start-'));
  try {
    writeFileSync(path.join(place, 'start.recipe.js'), recipe);
    const warm = fileURLToPath(new URL('warm.cjs', import.meta.url));
    // Nothing of this may get into a store of the reader's.
    const env = {R1_STORE: path.join(place, '.r1'), NODE_OPTIONS: ''};
    const start = path.join(dist, 'bin', 'start.cjs');
    const words = [warm, start, ...scripts, ...USES];
    const result = await run(process.execPath, words, {cwd: place, env, timeoutMs: 120_000});
    return result.ok ? '' : [result.problem, ...lastLines(result.output, 12)].join('\n');
  } finally {
    rmSync(place, {recursive: true, force: true});
  }
}

/** Writes a part and returns the file's name. @param {string} part @param {string} code */
function write(part, code) {
  const digest = createHash('sha256').update(code).update(process.version).digest('hex').slice(0, 16);
  const script = `${part}-${digest}.cjs`;
  writeFileSync(path.join(folder, script), code, 'latin1');
  return script;
}

/** What the code of our own stages comes to, so that the first run in a new store has not to begin with reading all of them. */
async function keepTokens() {
  /** @param {string} file @returns {Promise<any>} */
  const ours = (file) => import(pathToFileURL(path.join(dist, file)).href);
  const [{openTokenCache}, {openCodeReader}] = [await ours('pipeline/tokencache.js'), await ours('pipeline/code.js')];
  const cache = openTokenCache(folder);
  const {codeOf} = openCodeReader(cache);
  for (const name of named().filter((name) => !name.startsWith('stages/recipes/'))) {
    codeOf(pathToFileURL(path.join(dist, name)).href);
  }
  cache.save();
}

/** The one file that r1 starts from, and its compiled code. */
export async function bundleR1() {
  const step = 'start';
  if (!isClone()) return;
  const began = Date.now();
  const of = {
    sources: readFileSync(path.join(dist, '.built'), 'utf8'),
    esbuild: packageVersion(packageFolder('esbuild')),
    node: process.version,
  };
  if (inPlace(step, of)) return;
  const {codes, from} = await parts();
  // Without the list nobody starts from the old ones any more; the new one comes when all else is there.
  rmSync(path.join(folder, 'made.json'), {force: true});
  rmSync(folder, {recursive: true, force: true});
  mkdirSync(folder, {recursive: true});
  const scripts = codes.map((code, i) => write(PARTS[i] ?? '', code));
  const problem = await compile(scripts.map((script) => path.join(folder, script)));
  if (problem !== '') {
    say(step, `r1 could not be compiled ahead and starts from its modules, which is slower: ${problem}`);
    return;
  }
  await keepTokens();
  const compiled = scripts.map((script) => script.replace(/cjs$/, 'code'));
  const digests = await Promise.all(compiled.map((file) => sha256(path.join(folder, file))));
  const made = {
    parts: Object.fromEntries(scripts.map((script, i) => [PARTS[i], {script, compiled: [compiled[i], digests[i]]}])),
    from: [...scripts.map((script) => listed(`start/${script}`)), ...from],
  };
  writeFileSync(path.join(folder, 'made.part'), JSON.stringify(made));
  renameSync(path.join(folder, 'made.part'), path.join(folder, 'made.json'));
  const own = ['made.json', ...compiled].map((file) => `start/${file}`);
  const files = [...own, ...made.from.map(([file]) => file)];
  enter(
    step,
    of,
    files.map((file) => path.join(dist, file)),
  );
  say(step, `r1 in one file, compiled ahead, in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
