/** Installs the locked packages with npm, without their install scripts; the native parts are set-up's own work. */
import {existsSync, readFileSync, realpathSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {SetupError} from './failure.js';
import {root} from './places.js';
import {say, saying} from './say.js';
import {lastLines, run, whichProgram} from './shell.js';

const step = 'packages';
const lockFile = path.join(root, 'package-lock.json');

/** npm's own entry file: the npm that started us, the one beside this Node, or the one on the search path. */
export function npmCli() {
  const started = process.env['npm_execpath'];
  if (started !== undefined && path.basename(started) === 'npm-cli.js' && existsSync(started)) return started;
  const beside = path.join(path.dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
  if (existsSync(beside)) return beside;
  const onPath = whichProgram('npm');
  if (onPath !== undefined && realpathSync(onPath).endsWith('npm-cli.js')) return realpathSync(onPath);
  throw new SetupError('npm was not found, neither beside this Node nor on the search path.', [
    'Install npm, or start with npm itself: npm start',
  ]);
}

/** The node-gyp that npm brings along. */
export function nodeGyp() {
  return createRequire(realpathSync(npmCli())).resolve('node-gyp/bin/node-gyp.js');
}

/** @typedef {{version?: string, optional?: boolean, link?: boolean}} Locked */

/** @param {string} file @returns {Record<string, Locked>} */
const lockedIn = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

/**
 * What is not installed as locked. npm leaves a list of what it installed, and every folder on it must still be there.
 * Looking beats a stamp of our own: it is also right after somebody used npm by hand.
 * @returns {string[]} folders, relative to the clone
 */
export function missingPackages() {
  const installedFile = path.join(root, 'node_modules', '.package-lock.json');
  const installed = existsSync(installedFile) ? lockedIn(installedFile) : {};
  return Object.entries(lockedIn(lockFile))
    .filter(([folder, locked]) => {
      if (folder === '') return false;
      const present = installed[folder];
      if (present === undefined) return locked.optional !== true;
      return present.version !== locked.version || !existsSync(path.join(root, folder, 'package.json'));
    })
    .map(([folder]) => folder);
}

/** Brings node_modules to what the lock file says. A copy without a lock file was installed by npm already. */
export async function installPackages() {
  if (!existsSync(lockFile) || missingPackages().length === 0) return;
  const folders = Object.keys(lockedIn(lockFile)).filter((folder) => folder !== '');
  say(step, `fetching ${String(folders.length)} packages (about 100 MB) with npm → node_modules`);
  const began = Date.now();
  const result = await saying(
    step,
    (seconds) => {
      const there = folders.filter((folder) => existsSync(path.join(root, folder, 'package.json'))).length;
      return `${String(there)} of ${String(folders.length)} packages, ${String(seconds)} s`;
    },
    async () => run(process.execPath, [npmCli(), 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], {cwd: root}),
  );
  if (!result.ok) throw new SetupError(`npm ci failed: ${result.problem}.`, lastLines(result.output));
  const missing = missingPackages();
  if (missing.length > 0) {
    throw new SetupError(`npm ci ended well, yet ${missing.join(', ')} is not as package-lock.json says.`);
  }
  say(step, `installed in ${String(Math.round((Date.now() - began) / 1000))} s`);
}
