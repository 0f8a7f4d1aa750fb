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
const PARTS = ['core', 'stages', 'jobs', 'late'];

/** Packages with native parts, or that only few commands load from where they lie. */
const external = ['@tensorflow/*', '@swc/wasm-typescript'];

/** What starts jobs: with its package, a part for those who run something. */
const JOBS = /^pipeline\/(?:work|orphans|executors\/local)\.js$/;

/** Modules of ours that a run seldom comes to use, though they are no stages: the parser, and the other commands. */
const SELDOM = /^(?:pipeline\/tokens|bin\/commands\/(?!run\b).*)\.js$/;

/** What several of the other parts want, and need not open one more part for. */
const COMMON = ['pipeline/stage.js'];

/** @param {string} file @returns {string} its path below dist */
const nameOf = (file) => path.relative(dist, file).split(path.sep).join('/');

/** Whether a module lies behind the first part when it is imported by who may never need it. @param {string} name */
const isLate = (name) => !/^(?:artifacts|bin|pipeline)\//.test(name) || SELDOM.test(name) || JOBS.test(name);

/** Modules in a room of the stages, as paths below dist. @param {string} room */
const modulesIn = (room) =>
  readdirSync(path.join(dist, room))
    .filter((name) => name.endsWith('.js') && !['index.js', 'main.js'].includes(name))
    .map((name) => `${room}/${name}`);

const stages = () => modulesIn('stages');
const recipes = () => modulesIn('stages/recipes');

/** Modules that can be asked for by name. @param {Iterable<string>} names */
const table = (names) =>
  `export const modules = {${[...names]
    .sort()
    .map((name) => `${JSON.stringify(name)}: () => require(${JSON.stringify(`./${name}`)})`)
    .join(',')}};`;

/**
 * Leaves out what is in another part, and asks that part for it.
 * @param {(name: string, kind: string) => string | undefined} partOf the other part that a module is in
 * @param {Readonly<Record<string, Set<string>>>} asked is told what each part is asked for
 * @returns {import('esbuild').Plugin}
 */
const otherParts = (partOf, asked) => ({
  name: 'other parts',
  setup: (build) => {
    build.onResolve({filter: /./}, async ({path: asWritten, kind, importer, resolveDir, namespace, pluginData}) => {
      if (pluginData === 'resolved' || importer === '' || namespace !== 'file') return undefined;
      const found = await build.resolve(asWritten, {kind, importer, resolveDir, namespace, pluginData: 'resolved'});
      const name = nameOf(found.path);
      if (found.external || found.namespace !== 'file') return undefined;
      const part = partOf(name, kind);
      if (part === undefined) return undefined;
      asked[part]?.add(name);
      // By its ending it would count as a module of the other kind.
      return {path: `${name}.cjs`, namespace: 'elsewhere', pluginData: {part, name}};
    });
    build.onLoad({filter: /./, namespace: 'elsewhere'}, ({pluginData: {part, name}}) => ({
      contents: `module.exports = __other(${JSON.stringify(part)}, ${JSON.stringify(name)})`,
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
        .replace(/\bimport\((?=["']@tensorflow\/|[^"'$])/g, '__load(');
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
 * @param {import('esbuild').Plugin} other how to get at the other parts
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
    external,
    plugins: [inOneFile, nativeInPlace, other],
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

/** What recipes ask this package for by its name, as paths below dist. */
const doors = () =>
  Object.values(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).exports)
    .map((target) => (typeof target === 'string' ? target : target.default))
    .filter((file) => file.endsWith('.js'))
    .map((file) => nameOf(path.join(root, file)));

/** The parts, and the modules of ours in them. */
async function parts() {
  const asked = {
    core: new Set(COMMON),
    stages: new Set([...doors(), ...recipes()]),
    jobs: /** @type {Set<string>} */ (new Set()),
    late: /** @type {Set<string>} */ (new Set()),
  };
  /** Which modules each has, once that is known. @type {Record<'core' | 'stages' | 'jobs', ReadonlySet<string>>} */
  const has = {core: new Set(), stages: new Set(), jobs: new Set()};
  /** @param {string} name */
  const partOf = (name) => /** @type {const} */ (['core', 'stages', 'jobs']).find((part) => has[part].has(name));
  /** @param {string} name */
  const behind = (name) => partOf(name) ?? (JOBS.test(name) ? 'jobs' : 'late');
  const isOurs = (/** @type {string} */ name) => /^[a-z]+\//.test(name);

  const ofCore = otherParts(
    (name, kind) => (kind === 'dynamic-import' && isLate(name) ? behind(name) : undefined),
    asked,
  );
  const ofOthers = otherParts(
    (name, kind) => partOf(name) ?? (kind === 'dynamic-import' && isOurs(name) ? behind(name) : undefined),
    asked,
  );
  /** A part as far as it is known what the others ask it for, and what they have. @param {keyof typeof has} name */
  const build = async (name) => {
    const others = {...has};
    has[name] = new Set();
    const main = name === 'core' ? `export {main} from './bin/main.js';` : '';
    const made = await part(main + table(asked[name]), name === 'core' ? ofCore : ofOthers);
    Object.assign(has, others, {[name]: made.modules});
    return made;
  };
  for (const name of /** @type {const} */ (['core', 'stages', 'jobs'])) {
    await build(name);
    // Whatever was asked of a part that comes later, and is in this one.
    const wanted = [...stages(), ...Object.values(asked).flatMap((names) => [...names])];
    for (const each of wanted) if (has[name].has(each)) asked[name].add(each);
    for (const [other, names] of Object.entries(asked)) {
      if (other !== name) for (const each of has[name]) names.delete(each);
    }
  }
  const late = await part(table(asked.late), otherParts(partOf, asked));
  // Once more, since only now it is known what the others need of them; these are modules that they have anyway.
  const [core, defined, jobs] = [await build('core'), await build('stages'), await build('jobs')];
  const made = [core, defined, jobs, late];
  const files = [...new Set(made.flatMap(({modules}) => [...modules]))].filter(isOurs).sort();
  return {
    codes: made.map(({code}) => code),
    // Packages may be changed by npm without set-up.
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

/** What is typed to have it compiled; for the part that every start reads, `warm.cjs` keeps what the first two, the runs, called. */
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
  for (const name of stages()) {
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
