/** Compiles the TypeScript sources into dist/ when they, or what they are compiled with, have changed. */
import {createHash} from 'node:crypto';
import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {mkdir, readdir} from 'node:fs/promises';
import path from 'node:path';
import {SetupError} from './failure.js';
import {packageFolder, root} from './places.js';
import {say, saying} from './say.js';
import {run} from './shell.js';

const step = 'build';
const rooms = ['artifacts', 'bin', 'pipeline', 'stages', 'test'];
const dist = path.join(root, 'dist');
const stamp = path.join(dist, '.built');
const notes = path.join(dist, '.tsbuildinfo');

/** Every source file, relative to the clone. */
async function sources() {
  const lists = await Promise.all(
    rooms.map(async (room) => {
      const folder = path.join(root, room);
      if (!existsSync(folder)) return [];
      const names = await readdir(folder, {recursive: true});
      return names
        .filter((name) => /\.c?ts$/.test(name) && !name.endsWith('.d.ts'))
        .map((name) => path.join(room, name));
    }),
  );
  return lists.flat().sort();
}

/** @param {string} source */
const compiled = (source) => path.join(dist, source.replace(/ts$/, 'js'));

/** One digest over everything that decides what tsc writes. @param {readonly string[]} files */
function digestOf(files) {
  const hash = createHash('sha256');
  for (const name of ['tsconfig.json', 'package.json', 'package-lock.json', ...files]) {
    hash.update(`${name}\0`);
    hash.update(readFileSync(path.join(root, name)));
  }
  return hash.digest('hex');
}

/** Removes what a deleted source left behind: a test of old must not run on. @param {readonly string[]} files */
async function prune(files) {
  const wanted = new Set(files.map((file) => file.replace(/\.c?ts$/, '')));
  for (const room of rooms) {
    if (!existsSync(path.join(dist, room))) continue;
    for (const name of await readdir(path.join(dist, room), {recursive: true})) {
      const stem = /^(.*?)(?:\.c?js|\.d\.c?ts)(?:\.map)?$/.exec(path.join(room, name))?.[1];
      if (stem !== undefined && !wanted.has(stem)) rmSync(path.join(dist, room, name), {force: true});
    }
  }
}

/** Sources that tsc has compiled before, by its own notes; none where there are no notes that can be read. */
function compiledBefore() {
  if (!existsSync(notes)) return new Set();
  try {
    /** @type {{fileNames: string[]}} */
    const {fileNames} = JSON.parse(readFileSync(notes, 'utf8'));
    return new Set(fileNames.map((name) => path.relative(root, path.resolve(dist, name))));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    rmSync(notes); // tsc would begin anew, too
    return new Set();
  }
}

export async function buildSources() {
  if (!existsSync(path.join(root, 'tsconfig.json'))) return; // an installed copy comes compiled
  const files = await sources();
  const digest = digestOf(files);
  const missing = files.filter((file) => !existsSync(compiled(file)));
  if (missing.length === 0 && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  const began = Date.now();
  await mkdir(dist, {recursive: true});
  rmSync(stamp, {force: true});
  // tsc's own notes say "up to date" about an output that somebody has deleted since. A new source is in none of them.
  const before = compiledBefore();
  if (missing.some((file) => before.has(file))) rmSync(notes);
  await prune(files);
  say(step, `compiling ${String(files.length)} source files → dist`);
  const tsc = path.join(packageFolder('typescript'), 'bin', 'tsc');
  const result = await saying(
    step,
    (seconds) => `compiling, ${String(seconds)} s`,
    () => run(process.execPath, [tsc, '--pretty', String(process.stderr.isTTY === true)], {cwd: root}),
  );
  if (!result.ok) throw new SetupError('The sources do not compile.', result.output.trimEnd().split('\n'));
  writeFileSync(stamp, digest);
  say(step, `compiled in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
