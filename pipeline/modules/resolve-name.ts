/**
 * Where a name in a module leads: to a file of somebody's own, whose content counts, to a package, of which the version
 * counts, or to nothing that could be counted. It asks the disk, as Node does when the module runs; `hooks.ts` says what
 * r1 adds to Node's rules.
 */
import {realpathSync, statSync} from 'node:fs';
import {createRequire, isBuiltin} from 'node:module';
import {dirname, join, sep} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {typedSibling} from './hooks.js';
import type {Named} from './source/module-links.js';
import {isOwn, ownExport} from './own-package.js';
import {packageJsonIn} from './source/package-json.js';
import type {PackageJson} from './source/package-json.js';
import type {Form} from './source/parse-module.js';

export type Target =
  /**
   * `url` without links of the file system and without a query, which is in `suffix` with all that follows it; `address` is what
   * was written, where links lead from there to the file.
   */
  | {readonly is: 'file'; readonly url: string; readonly suffix: string; readonly address?: string}
  | {readonly is: 'package'; readonly name: string; readonly version: string}
  /** A part of Node, an address elsewhere, a folder, or something that is not there. */
  | {readonly is: 'nothing'};

export interface Resolver {
  targetOf(named: Named, from: string): Target;
  /** How Node reads the module at an address; `undefined` for what is no JavaScript. */
  formOf(url: string): Form | undefined;
}

interface Manifest extends PackageJson {
  readonly folder: string;
}

/** What Node asks a package for when something is imported. */
const CONDITIONS: ReadonlySet<string> = new Set([
  'node',
  'import',
  'node-addons',
  ...((process.features as {require_module?: boolean}).require_module === true ? ['module-sync'] : []),
]);

const NOTHING: Target = {is: 'nothing'};

export function openResolver(): Resolver {
  const manifests = new Map<string, Manifest | undefined>();
  const files = new Map<string, Target>();
  return {targetOf, formOf};

  function targetOf({specifier, via}: Named, from: string): Target {
    if (via === 'path') return pathTarget(specifier, from);
    if (via === 'url') {
      const target =
        typedSibling(specifier, from) ?? (URL.canParse(specifier, from) ? new URL(specifier, from).href : '');
      return fileTarget(target);
    }
    if (isBuiltin(specifier)) return NOTHING;
    const own = ownExport(specifier);
    if (own !== undefined) return fileTarget(own);
    if (via === 'require') return requireTarget(specifier, from);
    if (/^(\.{0,2}\/|file:)/.test(specifier)) {
      return fileTarget(typedSibling(specifier, from) ?? new URL(specifier, from).href);
    }
    if (specifier.startsWith('#')) return internalTarget(specifier, from);
    return /^[a-z][a-z\d+.-]*:/i.test(specifier) ? NOTHING : bareTarget(specifier, from);
  }

  function fileTarget(address: string): Target {
    let target = files.get(address);
    if (target === undefined) files.set(address, (target = lookUp(address)));
    return target;
  }

  function lookUp(address: string): Target {
    const [url = '', ...rest] = address.split(/(?=[?#])/);
    const file = fileAt(url);
    if (file === undefined || statSync(file, {throwIfNoEntry: false})?.isFile() !== true) return NOTHING;
    // Node knows a module by the file that links lead to.
    const suffix = rest.join('');
    if (isOwn(url)) return {is: 'file', url, suffix};
    const written = pathToFileURL(file).href;
    const real = pathToFileURL(realpathSync(file)).href;
    return {is: 'file', url: real, suffix, ...(written === real ? {} : {address: written})};
  }

  function pathTarget(path: string, from: string): Target {
    const file = join(dirname(fileURLToPath(from)), path);
    const target = fileTarget(pathToFileURL(file).href);
    // It may be for `require`, which does not ask for endings.
    return target.is === 'nothing' ? requireTarget(file, from) : target;
  }

  function requireTarget(specifier: string, from: string): Target {
    const isPath = /^(\.{1,2}(\/|$)|\/|#)/.test(specifier);
    return isPath ? byRequire(specifier, from) : bareTarget(specifier, from, () => byRequire(specifier, from));
  }

  /** Endings may be left out, folders have an `index.js`, packages have conditions of their own: Node knows. */
  function byRequire(specifier: string, from: string): Target {
    try {
      return fileTarget(pathToFileURL(createRequire(from).resolve(specifier)).href);
    } catch (error) {
      if (error instanceof Error && 'code' in error) return NOTHING;
      throw error;
    }
  }

  /** `#lib/help.js`, by the `imports` of the package in which it is named. */
  function internalTarget(specifier: string, from: string): Target {
    const manifest = nearest(from);
    const found = manifest === undefined ? undefined : entryOf(manifest.imports, specifier);
    if (manifest === undefined || found === undefined) return NOTHING;
    if (found.startsWith('./')) return fileTarget(pathToFileURL(join(manifest.folder, found)).href);
    return isBuiltin(found) ? NOTHING : bareTarget(found, pathToFileURL(join(manifest.folder, 'package.json')).href);
  }

  /** @param local how the name is looked up in a package that is no installed one */
  function bareTarget(specifier: string, from: string, local = inPackage): Target {
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    const subpath = `.${specifier.slice(name.length)}`;
    const around = nearest(from);
    if (around?.name === name && around.exports !== undefined) return local(around, subpath);
    for (let folder = dirname(fileURLToPath(from)); ; folder = dirname(folder)) {
      const modules = join(folder, 'node_modules');
      const manifest = manifestIn(join(modules, name));
      if (manifest !== undefined) {
        // A package that is linked, as in a workspace, is worked on, so its version says nothing.
        const target = isInstalled(manifest.folder, modules) ? NOTHING : local(manifest, subpath);
        return target.is === 'file' ? target : {is: 'package', name, version: manifest.version ?? 'none'};
      }
      if (folder === dirname(folder)) return NOTHING;
    }
  }

  function inPackage(manifest: Manifest, subpath: string): Target {
    const {folder, exports, main} = manifest;
    const named = exports === undefined ? undefined : entryOf(bySubpath(exports), subpath);
    if (exports !== undefined && named === undefined) return NOTHING;
    const path = named ?? (subpath === '.' ? (main ?? 'index.js') : subpath);
    return fileTarget(pathToFileURL(join(folder, path)).href);
  }

  function formOf(url: string): Form | undefined {
    const [, kind, language] = /\.([mc]?)([jt])sx?$/.exec(url) ?? [];
    if (kind === undefined) return undefined;
    if (kind === 'c') return 'script';
    // The hooks give Node every typed file as a module.
    if (kind === 'm' || language === 't' || isOwn(url)) return 'module';
    const type = nearest(url)?.type;
    return type === 'module' ? 'module' : type === 'commonjs' ? 'script' : 'either';
  }

  function nearest(url: string): Manifest | undefined {
    for (let folder = dirname(fileURLToPath(url)); ; folder = dirname(folder)) {
      const manifest = manifestIn(folder);
      if (manifest !== undefined || folder === dirname(folder)) return manifest;
    }
  }

  function manifestIn(folder: string): Manifest | undefined {
    if (manifests.has(folder)) return manifests.get(folder);
    const read = packageJsonIn(folder);
    const manifest = read === undefined ? undefined : {...read, folder: realpathSync(folder)};
    manifests.set(folder, manifest);
    return manifest;
  }
}

function fileAt(url: string): string | undefined {
  if (!url.startsWith('file:///')) return undefined;
  try {
    return fileURLToPath(url);
  } catch (error) {
    if (error instanceof TypeError || error instanceof URIError) return undefined; // `%2f`, `%zz`: no file can be meant
    throw error;
  }
}

const isInstalled = (folder: string, modules: string): boolean =>
  folder.includes(`${sep}node_modules${sep}`) || folder.startsWith(realpathSync(modules) + sep);

/** `exports` that only say what the package itself is, in the form of those that say more. */
const bySubpath = (exports: unknown): unknown =>
  typeof exports === 'object' && exports !== null && Object.keys(exports).some((key) => key.startsWith('.'))
    ? exports
    : {'.': exports};

/** What a map of names, some of them with a `*`, has for a name: the one with the longest beginning counts. */
function entryOf(map: unknown, name: string): string | undefined {
  if (typeof map !== 'object' || map === null) return undefined;
  const entries = Object.entries(map as Record<string, unknown>);
  const exact = entries.find(([key]) => key === name && !key.includes('*'));
  if (exact !== undefined) return chosen(exact[1], '') ?? undefined;
  let best: {readonly before: string; readonly star: string; readonly value: unknown} | undefined;
  for (const [key, value] of entries) {
    const [before = '', behind, ...more] = key.split('*');
    if (behind === undefined || more.length > 0 || name.length < key.length) continue;
    if (!name.startsWith(before) || !name.endsWith(behind)) continue;
    if (best !== undefined && before.length <= best.before.length) continue;
    best = {before, star: name.slice(before.length, name.length - behind.length), value};
  }
  return best === undefined ? undefined : (chosen(best.value, best.star) ?? undefined);
}

/** @returns `null` where the package says that there is nothing, `undefined` where it says nothing */
function chosen(value: unknown, star: string): string | null | undefined {
  if (typeof value === 'string') return value.replaceAll('*', star);
  if (typeof value !== 'object' || value === null) return value === null ? null : undefined;
  if (Array.isArray(value)) {
    return (value as unknown[]).map((each) => chosen(each, star)).find((each) => typeof each === 'string');
  }
  for (const [condition, inner] of Object.entries(value)) {
    if (condition !== 'default' && !CONDITIONS.has(condition)) continue;
    const found = chosen(inner, star);
    if (found !== undefined) return found;
  }
  return undefined;
}
