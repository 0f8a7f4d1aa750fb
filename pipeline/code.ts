/**
 * The code digest of a stage: tokens of the modules that are reachable from the one that exports it, plus the versions of
 * the packages these name. `pipeline/` and `artifacts/` are left out, because they do not compute anything of a result;
 * so are recipes of this package. Not seen: modules whose name is computed, and data files that are read by path.
 */
import {existsSync, readFileSync, statSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join, relative} from 'node:path';
import {fileURLToPath} from 'node:url';
import {digestOf} from '../artifacts/index.js';
import type {Digest} from '../artifacts/index.js';
import {strip, typedSibling} from './hooks.js';
import {OWN_MODULES, ownExport, ownUrl} from './own-package.js';
import {openSources} from './sources.js';
import type {Sources} from './sources.js';
import type * as Tokens from './tokens.js';
import type {ModuleText} from './tokens.js';

/** What a stage's code is made of: label → digest of tokens, package → version. Kept with the attempt, to name changes. */
export interface CodeParts {
  readonly files: Readonly<Record<string, string>>;
  readonly packages: Readonly<Record<string, string>>;
}

export interface Code {
  readonly digest: Digest;
  readonly parts: CodeParts;
  /** URLs of the files that the digest counts, in the order in which they were found. */
  readonly urls: readonly string[];
  /**
   * Files that the code names by `new URL('…', import.meta.url)`, each with all that can be reached from it, itself included.
   * They may be read by path or run by a program, where no module hook can say what they hold.
   */
  readonly named: Readonly<Record<string, readonly string[]>>;
}

/** Token digests by content, so that they are never stale; kept in a file by whoever opens it. */
export interface TokenCache {
  get(source: string): ModuleText | undefined;
  set(source: string, text: ModuleText): void;
}

const LEFT_OUT = ['pipeline/', 'artifacts/', 'stages/recipes/'].map(ownUrl);

export interface CodeReader {
  /** Code of the stage that the module at `url` exports. */
  codeOf(url: string): Code;
  /** The parts behind a digest that `codeOf` returned. */
  partsOf(digest: string): CodeParts | undefined;
}

/** @param sources the bytes that count: those that will be run */
export function openCodeReader(cache: TokenCache, sources: Sources = openSources()): CodeReader {
  const codes = new Map<string, Code>();
  const texts = new Map<string, ModuleText | undefined>();
  const versions = new Map<string, string>();

  return {
    codeOf(url) {
      let code = codes.get(url);
      if (code === undefined) codes.set(url, (code = read(url)));
      return code;
    },
    partsOf: (digest) => [...codes.values()].find((code) => code.digest === digest)?.parts,
  };

  function read(start: string): Code {
    const files: Record<string, string> = {};
    const packages: Record<string, string> = {};
    const seen = new Set<string>();
    const reached = new Map<string, string[]>();
    const named = new Set<string>();
    const waiting = [start];
    for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
      if (seen.has(url) || isLeftOut(url, start)) continue;
      seen.add(url);
      const text = textOf(url);
      if (text === undefined) {
        files[labelOf(url, start)] = sources.read(url).sha256;
        continue;
      }
      files[labelOf(url, start)] = text.tokens;
      for (const {specifier, names, via} of text.imports) {
        if (specifier.startsWith('node:')) continue;
        const own = ownExport(specifier);
        if (own !== undefined) waiting.push(...throughBarrel(own, names));
        else if (/^(\.{1,2}\/|file:)/.test(specifier) || via === 'url') {
          const target = typedSibling(specifier, url) ?? new URL(specifier, url).href;
          if (via === 'import' || (target.startsWith('file:') && isFile(target))) {
            waiting.push(target);
            reached.set(url, [...(reached.get(url) ?? []), target]);
            if (via === 'url') named.add(target);
          }
        } else {
          const version = versionOf(specifier, url);
          if (version !== undefined) packages[version.name] = version.version;
        }
      }
    }
    const parts = {files: sorted(files), packages: sorted(packages)};
    const urls = [...seen];
    return {digest: digestOf('code', parts), parts, urls, named: withReach(named, reached)};
  }

  /** The modules behind the names that are taken from a front door of ours; the door itself does not count. */
  function throughBarrel(door: string, names: readonly string[]): string[] {
    if (isLeftOut(door, '')) return [];
    const {reExports} = textOf(door)!;
    return reExports
      .filter(({name}) => name === '*' || names.includes('*') || names.includes(name))
      .map(({specifier}) => new URL(specifier, door).href);
  }

  /** Tokens and imports of a module, or `undefined` for what is no JavaScript (a JSON file, a binary). */
  function textOf(url: string): ModuleText | undefined {
    if (!/\.[mc]?[jt]s$/.test(url)) return undefined;
    if (texts.has(url)) return texts.get(url);
    const file = fileURLToPath(url);
    const source = sources.read(url).bytes.toString('utf8');
    let text = cache.get(source);
    if (text === undefined) {
      const {readModuleText} = createRequire(import.meta.url)('./tokens.js') as typeof Tokens;
      text = readModuleText(/\.m?ts$/.test(file) ? strip(file, source) : source);
      cache.set(source, text);
    }
    texts.set(url, text);
    return text;
  }

  function versionOf(specifier: string, from: string): {name: string; version: string} | undefined {
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    for (let folder = dirname(fileURLToPath(from)); ; folder = dirname(folder)) {
      const file = join(folder, 'node_modules', name, 'package.json');
      const known = versions.get(file);
      if (known !== undefined) return {name, version: known};
      if (existsSync(file)) {
        const {version} = JSON.parse(readFileSync(file, 'utf8')) as {version: string};
        versions.set(file, version);
        return {name, version};
      }
      if (folder === dirname(folder)) return undefined; // a built-in without its `node:`
    }
  }
}

/** Each of the files with all that can be reached from it. */
function withReach(files: Iterable<string>, reached: ReadonlyMap<string, readonly string[]>): Code['named'] {
  const reach = (file: string): string[] => {
    const found = new Set([file]);
    for (const each of found) for (const next of reached.get(each) ?? []) found.add(next);
    return [...found];
  };
  return Object.fromEntries(Array.from(files, (file) => [file, reach(file)]));
}

function isLeftOut(url: string, start: string): boolean {
  // A stage that a recipe of ours defines inside its own file counts that file.
  return url !== start && LEFT_OUT.some((prefix) => url.startsWith(prefix));
}

/** A name that does not depend on where things lie: inside the package from its root, else from the stage's own folder. */
function labelOf(url: string, start: string): string {
  if (url.startsWith(OWN_MODULES)) return url.slice(OWN_MODULES.length);
  return relative(dirname(fileURLToPath(start)), fileURLToPath(url));
}

/** A folder that is named has no bytes to count. */
const isFile = (url: string): boolean => statSync(fileURLToPath(url), {throwIfNoEntry: false})?.isFile() === true;

const sorted = (record: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
