/**
 * How a frozen plan names the module of a stage, so that it is found again when package, project or store have moved:
 *
 *     r1:stages/sft.js          a module of ours, below the compiled modules
 *     recipe:                   the recipe's own file
 *     npm:my-stages/lib/a.js    a file of a package that is installed around the recipe
 *     ../shared/stages.ts       anything else, as a path from the folder of the recipe
 *
 * Plans of version 1 hold URLs. Names come out of a store, so what they lead to is only a claim: `trust.ts` decides.
 */
import {existsSync, realpathSync} from 'node:fs';
import {dirname, join, relative, resolve, sep} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {pathMistake} from '../../artifacts/index.js';
import {OWN_MODULES, isOwn, ownUrl} from './own-package.js';
import {packageJsonIn} from './source/package-json.js';
import {isInside, projectOf} from './project.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';

/** Where the names of a plan start. Both are absolute paths without links. */
export interface Origin {
  /** Left out where the recipe is no file of its own: `runRecipe` was given it as a value. */
  readonly file?: string;
  readonly folder: string;
}

const OWN = 'r1:';
const RECIPE = 'recipe:';
const PACKAGE = 'npm:';

/** The process of every stage starts there; to import it means to run a job. */
const ENTRY = ownUrl('stages/main.js');

export function moduleName(url: string, {file, folder}: Origin): string {
  if (isBuiltIn(url)) return OWN + url.slice(OWN_MODULES.length);
  if (!url.startsWith('file:')) return url;
  const path = realpathSync(fileURLToPath(url));
  if (path === file) return RECIPE;
  const isNear = isInside(path, projectOf(folder)) && !path.includes(`${sep}node_modules${sep}`);
  return (isNear ? undefined : packageName(path, folder)) ?? relativeName(path, folder);
}

function relativeName(path: string, folder: string): string {
  const way = relative(folder, path).split(sep).join('/');
  return way.startsWith('../') ? way : `./${way}`;
}

/** `npm:NAME/path`, if the package is found from the recipe's folder again and is this one. */
function packageName(path: string, folder: string): string | undefined {
  for (let root = dirname(path); root !== dirname(root); root = dirname(root)) {
    const name = packageJsonIn(root)?.name;
    if (typeof name !== 'string') continue; // Only says what kind of modules lie here.
    const rest = relative(root, path).split(sep).join('/');
    const locateModule = findInstalled(`${name}/${rest}`, folder);
    return locateModule !== undefined && realpathSync(locateModule) === path ? packagedName([name, rest]) : undefined;
  }
  return undefined;
}

/** The name of a file of a package by its path below `node_modules`. */
export const packagedName = (parts: readonly string[]): string => PACKAGE + parts.join('/');

const PACKAGED = /^(?:@[\w.-]+\/)?[\w.-]+\/./;

/** The file of a package in the nearest `node_modules` that has the package. */
function findInstalled(path: string, folder: string): string | undefined {
  const name = path.split('/', path.startsWith('@') ? 2 : 1).join('/');
  for (let around = folder; ; around = dirname(around)) {
    if (existsSync(join(around, 'node_modules', name))) {
      const file = join(around, 'node_modules', path);
      return existsSync(file) ? file : undefined;
    }
    if (around === dirname(around)) return undefined;
  }
}

/** A module of ours that stages or built-in recipes are in. */
export const isBuiltIn = (url: string): boolean => url.startsWith(ownUrl('stages/')) && isOwn(url) && url !== ENTRY;

/** A module that a plan names, as it lies here today. */
export interface NamedModule {
  readonly url: string;
  /** Ours, and then it needs no other trust. */
  readonly own: boolean;
  /** Found as a file of an installed package: its name. */
  readonly package?: string;
}

/** Where the module of this name lies today, links resolved, or why it is nowhere. Nothing is said of trust. */
export function findModule(name: string, origin: Origin): Result<NamedModule, string> {
  if (name.startsWith(OWN)) {
    const url = new URL(name.slice(OWN.length), OWN_MODULES).href;
    if (!isBuiltIn(url)) return err(`${name} is not a module of r1 with stages`);
    return existsSync(fileURLToPath(url))
      ? ok({url, own: true})
      : err(`r1 has no module ${name.slice(OWN.length)} any more`);
  }
  if (name === RECIPE) {
    return origin.file === undefined ? err('it is defined in a recipe that is not known') : found(origin.file);
  }
  if (name.startsWith(PACKAGE)) {
    const path = name.slice(PACKAGE.length);
    if (pathMistake(path) !== undefined || !PACKAGED.test(path)) return err(`${name} is not a file of a package`);
    const file = findInstalled(path, origin.folder);
    if (file === undefined) return err(`${path} is not installed in a node_modules above ${origin.folder}`);
    return found(file, path.split('/', path.startsWith('@') ? 2 : 1).join('/'));
  }
  if (name.startsWith('file:')) {
    const path = pathOf(name);
    return path.ok ? found(path.value) : path;
  }
  if (!/^\.{1,2}\//.test(name) || name.includes('\0'))
    return err(`${JSON.stringify(name)} is not the place of a module`);
  return found(resolve(origin.folder, name));
}

/** The path of a `file:` address out of a plan, which may be none. */
export function pathOf(url: string): Result<string, string> {
  try {
    return ok(fileURLToPath(url));
  } catch (error) {
    return err(`${JSON.stringify(url)} is not the URL of a file: ${(error as Error).message}`);
  }
}

function found(path: string, packaged?: string): Result<NamedModule, string> {
  if (!existsSync(path)) return err(`there is no ${path}`);
  const url = pathToFileURL(realpathSync(path)).href;
  return ok({url, own: false, ...(packaged === undefined ? {} : {package: packaged})});
}
