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
import {notes, packageFolder, packageVersion, root} from './places.js';
import {say} from './say.js';
import {lastLines, run} from './shell.js';

/** @typedef {typeof import('esbuild')} Esbuild */

const dist = path.join(root, 'dist');
const folder = path.join(dist, 'start');
const isClone = () => existsSync(path.join(root, 'tsconfig.json'));

/** @returns {Promise<Esbuild>} */
const esbuild = async () => import(pathToFileURL(path.join(packageFolder('esbuild'), 'lib', 'main.js')).href);

/** execa as one file, for who starts the shells that start jobs. */
export async function bundleExeca() {
  const step = 'bundle';
  const file = path.join(notes, 'execa.mjs');
  if (!isClone()) return;
  const execa = packageFolder('execa');
  const of = {execa: packageVersion(execa), esbuild: packageVersion(packageFolder('esbuild'))};
  if (inPlace(step, of)) return;
  mkdirSync(notes, {recursive: true});
  const {build} = await esbuild();
  await build({
    entryPoints: [path.join(execa, 'index.js')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile: `${file}.tmp`,
    // Some of its dependencies are CommonJS and ask for Node's modules.
    banner: {js: "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url);"},
    logLevel: 'silent',
  });
  // Whole or not at all: who starts a process loads the file if it is there.
  renameSync(`${file}.tmp`, file);
  enter(step, of, [file]);
}

/** Packages with native parts, or that only few commands load from where they lie. */
const external = ['better-sqlite3', '@tensorflow/*', '@swc/wasm-typescript'];

/** Recipes and stages are asked for by their place. */
function entry() {
  const named = (/** @type {string} */ room) =>
    readdirSync(path.join(dist, room))
      .filter((name) => name.endsWith('.js') && !['index.js', 'main.js'].includes(name))
      .map((name) => `${room}/${name}`);
  const modules = [...named('stages'), ...named('stages/recipes')];
  const lines = modules.map((file) => `${JSON.stringify(file)}: () => import(${JSON.stringify(`./${file}`)}),`);
  return `export {main} from './bin/main.js';\nexport const modules = {\n${lines.join('\n')}\n};\n`;
}

/**
 * In one file a module no longer knows where it lies, and what is imported by a computed name, or left outside, has to be asked
 * of whoever opened the file.
 * @type {import('esbuild').Plugin}
 */
const inOneFile = {
  name: 'in one file',
  setup: ({onLoad}) => {
    onLoad({filter: /[/\\]dist[/\\](?:artifacts|bin|pipeline|stages)[/\\].*\.js$/}, ({path: file}) => {
      const name = path.relative(dist, file).split(path.sep).join('/');
      const contents = readFileSync(file, 'utf8')
        .replaceAll('import.meta.url', `__at(${JSON.stringify(name)})`)
        .replace(/\bimport\((?=["']@tensorflow\/|[^"'$])/g, '__load(');
      return {contents, loader: 'js'};
    });
  },
};

/** A file as `start.cts` will look at it. @param {string} file below dist @returns {[string, number, number]} */
function listed(file) {
  const {size, mtimeMs} = statSync(path.join(dist, file));
  return [file, size, mtimeMs];
}

/** The code of the one file, and the modules of ours in it. */
async function oneFile() {
  const {build} = await esbuild();
  const {outputFiles, metafile} = await build({
    stdin: {contents: entry(), resolveDir: dist, sourcefile: 'start.js'},
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external,
    plugins: [inOneFile],
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
  const files = Object.keys(metafile.inputs)
    .filter((file) => /^dist\/[^/]+\//.test(file))
    .map((file) => file.slice('dist/'.length));
  return {
    code: `(function(require,__load,__at){const module={exports:{}};${code}return module.exports})`,
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

/**
 * Compiles the code while r1 is used, since V8 keeps of a script only the functions that were called.
 * @param {string} script
 * @param {string} compiled
 * @returns {Promise<string>} what went wrong, or nothing
 */
async function compile(script, compiled) {
  const place = mkdtempSync(path.join(tmpdir(), 'r1-start-'));
  try {
    writeFileSync(path.join(place, 'start.recipe.js'), recipe);
    const warm = fileURLToPath(new URL('warm.cjs', import.meta.url));
    // Nothing of this may get into a store of the reader's.
    const env = {R1_STORE: path.join(place, '.r1'), NODE_OPTIONS: ''};
    const result = await run(process.execPath, [warm, dist, script, compiled], {cwd: place, env, timeoutMs: 120_000});
    return result.ok ? '' : [result.problem, ...lastLines(result.output, 12)].join('\n');
  } finally {
    rmSync(place, {recursive: true, force: true});
  }
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
  const {code, from} = await oneFile();
  const name = createHash('sha256').update(code).update(process.version).digest('hex').slice(0, 16);
  const [script, compiled] = [`r1-${name}.cjs`, `r1-${name}.code`];
  // Without the list nobody starts from the old ones any more; the new one comes when all else is there.
  rmSync(path.join(folder, 'made.json'), {force: true});
  rmSync(folder, {recursive: true, force: true});
  mkdirSync(folder, {recursive: true});
  writeFileSync(path.join(folder, script), code, 'latin1');
  const problem = await compile(path.join(folder, script), path.join(folder, compiled));
  if (problem !== '') {
    say(step, `r1 could not be compiled ahead and starts from its modules, which is slower: ${problem}`);
    return;
  }
  const whole = async (/** @type {string} */ file) => [file, await sha256(path.join(folder, file))];
  const made = {script: await whole(script), compiled: await whole(compiled), from};
  writeFileSync(path.join(folder, 'made.part'), JSON.stringify(made));
  renameSync(path.join(folder, 'made.part'), path.join(folder, 'made.json'));
  const files = [...[script, compiled, 'made.json'].map((file) => `start/${file}`), ...from.map(([file]) => file)];
  enter(
    step,
    of,
    files.map((file) => path.join(dist, file)),
  );
  say(step, `r1 in one file, compiled ahead, in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
