/**
 * The native part of better-sqlite3: one file, made for one Node ABI.
 *
 * In this order: in place, in the cache, prebuilt by its makers (where their host can be reached), built here.
 */
import {existsSync, readFileSync} from 'node:fs';
import {copyFile, mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {ensureEntry, forget, place} from './cache.js';
import {build, headersPrefix, platformName} from './compile.js';
import {SetupError} from './failure.js';
import {enter, inPlace} from './ledger.js';
import {packageFolder, packageVersion, root} from './places.js';
import {say, saying} from './say.js';
import {lastLines, run} from './shell.js';

const step = 'sqlite';
const addon = 'better_sqlite3.node';

function identity() {
  const folder = packageFolder('better-sqlite3');
  return {version: packageVersion(folder), abi: process.versions.modules, platform: platformName(), folder};
}

export function sqliteInPlace() {
  return inPlace(step, identity());
}

/**
 * Loads the addon in a process of its own, so that one that crashes is a failure like any other, and leaves connections
 * to the garbage collector, which is when a build against Node's flawed header aborts.
 * @param {string} folder
 */
async function tryIt(folder) {
  const script = `const Database = require(${JSON.stringify(folder)});
    console.log(new Database(':memory:').prepare('SELECT sqlite_version()').pluck().get());
    for (let i = 0; i < 200; i++) new Database(':memory:').prepare('SELECT 1').get();
    for (let i = 0, garbage = []; i < 2e6; i++) garbage = i % 1e5 === 0 ? [] : [...garbage.slice(-1), {i}];`;
  return await run(process.execPath, ['--input-type=commonjs', '-e', script], {cwd: root, timeoutMs: 60_000});
}

/**
 * Node 24.19 and later 24 and 26 have a node_object_wrap.h whose destructor asserts an environment that is not there
 * while garbage is collected, so that what is built with it aborts (https://github.com/nodejs/node/issues/65446).
 * better-sqlite3 13 does without that header, but not on Node 20. So the build gets the header as it was before: the
 * same text without the two calls.
 * @param {string} folder where the patched header may be written
 * @returns {Promise<Record<string, string>>} environment for the build
 */
async function patchHeader(folder) {
  const header = path.join(await headersPrefix(), 'include/node/node_object_wrap.h');
  const text = readFileSync(header, 'utf8');
  const patched = text.replace(/^ +(?:Add|Remove)CleanupHook\(\);\n/gm, '');
  if (patched === text) return {};
  const file = path.join(folder, 'node_object_wrap.h');
  await writeFile(file, patched);
  return {CXXFLAGS: `${process.env['CXXFLAGS'] ?? ''} -include ${JSON.stringify(file)}`};
}

/** @param {string} folder the package's */
async function make(folder) {
  // An install with scripts has built it already; the folder is npm's, so the build is of this version.
  if (existsSync(path.join(folder, 'build', 'Release', addon)) && (await tryIt(folder)).ok) {
    return say(step, 'npm has built it already');
  }
  await rm(path.join(folder, 'build'), {recursive: true, force: true});
  const prebuilt = createRequire(path.join(folder, 'package.json')).resolve('prebuild-install/bin.js');
  say(step, 'looking for a prebuilt file');
  const found = await saying(
    step,
    (s) => `looking for a prebuilt file, ${String(s)} s`,
    async () => run(process.execPath, [prebuilt], {cwd: folder, timeoutMs: 60_000}),
  );
  if (found.ok && (await tryIt(folder)).ok) return say(step, 'the prebuilt file fits');
  say(step, 'there is no prebuilt file for this machine; building SQLite from source, which takes a minute or two');
  await rm(path.join(folder, 'build'), {recursive: true, force: true});
  const scratch = await mkdtemp(path.join(tmpdir(), 'r1-header-'));
  try {
    const env = await patchHeader(scratch);
    await saying(
      step,
      (s) => `building SQLite from source, ${String(s)} s`,
      async () => build('better-sqlite3', folder, (gyp) => [gyp, 'rebuild', '--release'], env),
    );
  } finally {
    await rm(scratch, {recursive: true, force: true});
  }
}

export async function setUpSqlite() {
  const began = Date.now();
  const of = identity();
  const release = path.join(of.folder, 'build', 'Release');
  const name = `better-sqlite3-${of.version}-abi${of.abi}-${of.platform}`;
  for (let tries = 1; ; tries++) {
    const entry = await ensureEntry(step, name, async (draft) => {
      await make(of.folder);
      await mkdir(draft, {recursive: true});
      await copyFile(path.join(release, addon), path.join(draft, addon));
    });
    // What the build left beside the addon is 30 MB that nobody reads again.
    await rm(path.join(of.folder, 'build'), {recursive: true, force: true});
    await place(entry, release);
    const tried = await tryIt(of.folder);
    if (tried.ok) {
      enter(step, of, [path.join(release, addon)]);
      say(step, `SQLite ${tried.output.trim()} is ready (${String(Math.round((Date.now() - began) / 1000))} s)`);
      return;
    }
    // A build of another system with the same name, say after an upgrade of the C library: once more, from source.
    await forget(name);
    if (tries === 2) throw new SetupError(`better-sqlite3 was built but does not work.`, lastLines(tried.output, 12));
    say(step, 'the build in the cache does not work on this system; making it again');
  }
}
