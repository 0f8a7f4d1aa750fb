/** Where set-up finds and puts things. Nothing here creates a file or a folder. */
import {existsSync, readFileSync} from 'node:fs';
import {homedir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {SetupError} from './failure.js';

/** The folder of this package: a clone, or an installed copy below somebody's node_modules. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');

/** What set-up has learnt and done in this clone. `npm ci` wipes it together with what it describes. */
export const notes = path.join(root, 'node_modules', '.r1');

/** Downloads and finished builds that every clone of this user shares. */
export function cacheFolder(env = process.env) {
  if (env['R1_CACHE']) return path.resolve(env['R1_CACHE']);
  const base = env['XDG_CACHE_HOME'];
  return path.join(base && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'), 'r1');
}

/**
 * The folder of a package that this one depends on. It may lie higher up when this package is itself a dependency.
 * @param {string} name
 */
export function packageFolder(name) {
  for (let folder = root; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
    if (folder === path.dirname(folder)) {
      throw new SetupError(`The package ${name} is not installed.`, ['Install the packages: npm ci --ignore-scripts']);
    }
  }
}

/**
 * The version of an installed package.
 * @param {string} folder
 */
export function packageVersion(folder) {
  return String(JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version);
}

/** The path as a reader would type it: the home folder as ~, the clone's own files relative. @param {string} file */
export function shown(file) {
  if (file.startsWith(root + path.sep)) return path.relative(root, file);
  const home = homedir();
  return file.startsWith(home + path.sep) ? path.join('~', path.relative(home, file)) : file;
}
