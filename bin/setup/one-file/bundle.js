/**
 * What r1 starts from. Node takes about a millisecond for each module, and r1 with its packages has hundreds; so set-up makes
 * one file of them, and keeps what V8 compiles of it. `bin/start.cts` starts from that while the modules are as they were, and
 * from the modules otherwise. Only a clone has what this is made with; an installed copy loads the modules.
 */
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {sha256} from '../cache.js';
import {enter, inPlace} from '../ledger.js';
import {packageFolder, packageVersion, root} from '../places.js';
import {say} from '../say.js';
import {PARTS, dist, parts, stages} from './parts.js';
import {lastLines, run} from '../shell.js';

const folder = path.join(dist, 'start');
const isClone = () => existsSync(path.join(root, 'tsconfig.json'));

/** A file as `start.cts` will look at it. @param {string} file below dist @returns {[string, number, number]} */
function describeFile(file) {
  const {size, mtimeMs} = statSync(path.join(dist, file));
  return [file, size, mtimeMs];
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
  const [{openTokenCache}, {openCodeReader}] = [
    await ours('pipeline/fingerprint/token-cache.js'),
    await ours('pipeline/fingerprint/code-digest.js'),
  ];
  const cache = openTokenCache(folder);
  const {codeOf} = openCodeReader(cache);
  for (const name of stages()) {
    codeOf(pathToFileURL(path.join(dist, name)).href);
  }
  cache.save(folder);
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
  const {codes, files: modules} = await parts();
  // Packages may be changed by npm without set-up.
  const from = [...modules, '../node_modules/.package-lock.json'].map(describeFile);
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
    from: [...scripts.map((script) => describeFile(`start/${script}`)), ...from],
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
