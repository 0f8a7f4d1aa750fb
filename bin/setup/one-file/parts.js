/**
 * The parts of the one file that r1 starts from, and which modules are in which. A start takes time for all that it reads, so
 * what not every command needs lies behind the first part; parts ask each other for modules.
 */
import {readFileSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {packageFolder, root} from '../places.js';

/** @typedef {typeof import('esbuild')} Esbuild */

export const dist = path.join(root, 'dist');

/** @returns {Promise<typeof import('acorn')>} */
const acorn = async () => import(pathToFileURL(path.join(packageFolder('acorn'), 'dist', 'acorn.mjs')).href);

/** @returns {Promise<Esbuild>} */
const esbuild = async () => import(pathToFileURL(path.join(packageFolder('esbuild'), 'lib', 'main.js')).href);

/** In the order in which `warm.cjs` is given them. */
export const PARTS = ['core', 'stages', 'jobs', 'late'];

/** Packages with native parts, or that only few commands load from where they lie. */
const external = ['@tensorflow/*', '@swc/wasm-typescript', '@huggingface/gguf', '@huggingface/hub'];

/** What starts jobs: with its package, a part for those who run something. */
const JOBS = /^pipeline\/(?:run\/(?:run-nodes|orphans)|executors\/local)\.js$/;

/**
 * Modules of ours that a run seldom comes to use, though they are no stages: other commands and questions, the list of stages, a damaged
 * store's needs. None of them may be imported statically by what is not, as it would then be looked for in a part that has it not.
 */
const SELDOM =
  /^(?:artifacts\/upkeep\/damage|bin\/commands\/(?!run\b).*|bin\/execution\/(?:say-run-result|scores-over-seeds)|bin\/access\/stages|pipeline\/inspect\/index)\.js$/;

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

export const stages = () => modulesIn('stages');
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
 * The text of a module with `place` for each `import.meta.url` that is code. In a string, as in a hint, it is text.
 * @param {string} text @param {string} place
 */
async function withPlace(text, place) {
  const wanted = 'import.meta.url';
  if (!text.includes(wanted)) return text;
  const {parse, tokTypes} = await acorn();
  /** Where a string or a template begins and ends. @type {(readonly [number, number])[]} */
  const quoted = [];
  parse(text, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    onToken: ({type, start, end}) => {
      if (type === tokTypes.string || type === tokTypes.template) quoted.push([start, end]);
    },
    onComment: (_block, _text, start, end) => quoted.push([start, end]),
  });
  return text.replaceAll(wanted, (found, /** @type {number} */ at) =>
    quoted.some(([start, end]) => start <= at && at < end) ? found : place,
  );
}

/**
 * In one file a module no longer knows where it lies, and what is imported by a computed name, or left outside, has to be asked
 * of whoever opened the file.
 * @type {import('esbuild').Plugin}
 */
const inOneFile = {
  name: 'in one file',
  setup: ({onLoad}) => {
    onLoad({filter: /[/\\]dist[/\\](?:artifacts|bin|pipeline|stages)[/\\].*\.js$/}, async ({path: file}) => {
      const placed = await withPlace(readFileSync(file, 'utf8'), `__at(${JSON.stringify(nameOf(file))})`);
      const contents = placed.replace(/\bimport\((?=["']@tensorflow\/|[^"'$])/g, '__load(');
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

/**
 * The parts in the order of `PARTS`.
 * @returns {Promise<{codes: string[], files: string[]}>} their code, and the modules of ours in them as paths below dist
 */
export async function parts() {
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
    files,
  };
}
