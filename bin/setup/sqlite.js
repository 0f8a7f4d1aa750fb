/**
 * The native part of better-sqlite3: one file, made for one Node ABI.
 *
 * In this order: in place, in the cache, prebuilt by its makers (where their host can be reached), built here.
 */
import {existsSync} from 'node:fs';
import {copyFile, mkdir, rm} from 'node:fs/promises';
import {createRequire} from 'node:module';
import path from 'node:path';
import {cached, forget, place} from './cache.js';
import {build, platformName} from './compile.js';
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

/** Loads the addon in a process of its own, so that one that crashes is a failure like any other. @param {string} folder */
async function tryIt(folder) {
  const script = `const Database = require(${JSON.stringify(folder)});
    console.log(new Database(':memory:').prepare('SELECT sqlite_version()').pluck().get());`;
  return await run(process.execPath, ['--input-type=commonjs', '-e', script], {cwd: root, timeoutMs: 60_000});
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
  say(step, 'no prebuilt file can be had here; building SQLite from source, which takes a minute or two');
  await rm(path.join(folder, 'build'), {recursive: true, force: true});
  return await saying(
    step,
    (s) => `building SQLite from source, ${String(s)} s`,
    async () => build('better-sqlite3', folder, (gyp) => [gyp, 'rebuild', '--release']),
  );
}

export async function setUpSqlite() {
  const began = Date.now();
  const of = identity();
  const release = path.join(of.folder, 'build', 'Release');
  const name = `better-sqlite3-${of.version}-abi${of.abi}-${of.platform}`;
  for (let tries = 1; ; tries++) {
    const entry = await cached(step, name, async (draft) => {
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
    if (tries === 2) throw new SetupError(`better-sqlite3 was built but does not load.`, lastLines(tried.output, 12));
    say(step, 'the build in the cache does not load on this system; making it again');
  }
}
