/**
 * The code digest of a stage: the tokens of the modules that are reachable from the one that exports it, and the versions of
 * the packages that these name. Modules are numbered as they are found, and a name that leads to one counts as its number:
 * where a file lies and what it is called does not count, which file is meant does.
 *
 * `pipeline/` and `artifacts/` are left out, because they do not compute anything of a result; so are recipes of this
 * package, and `stages/python/`, which makes environments of which the versions count. What `artifacts/formats/` holds counts: outputs are written with it. Not seen: modules whose name is computed
 * (`computed` tells where), and files that are read in other ways.
 */
import {dirname, relative} from 'node:path';
import {realpathSync} from 'node:fs';
import {fileURLToPath, pathToFileURL} from 'node:url';
import type {CodeParts} from '../../artifacts/queries/code-parts.js';
import {UserError, digestOf} from '../../artifacts/index.js';
import type {Digest, Json} from '../../artifacts/index.js';
import type {Named} from '../modules/source/module-links.js';
import {OWN_MODULES, isOwn, ownDoors, ownUrl} from '../modules/own-package.js';
import {withPlace} from '../modules/source/source-location.js';
import {openResolver} from '../modules/resolve-name.js';
import type {Target} from '../modules/resolve-name.js';
import {openSources} from '../modules/source/sources.js';
import type {Sources} from '../modules/source/sources.js';
import {isPython, pythonImports} from '../modules/source/python-imports.js';
import {readModuleText} from '../modules/source/parse-module.js';
import type {ModuleText} from '../modules/source/parse-module.js';
import {strip} from '../modules/source/typescript.js';
import type {Leads} from '../modules/snapshot/snapshot.js';

export interface Code {
  readonly digest: Digest;
  readonly parts: CodeParts;
  /** URLs of the files that the digest counts, in the order in which they were found; no links, no queries. */
  readonly urls: readonly string[];
  /**
   * Of these, files whose address or path the code comes by, as by `new URL('…', import.meta.url)`, each with all that can be
   * reached from it, itself included. They may be read by path or run by a program, where no module hook can say what they hold.
   */
  readonly named: Readonly<Record<string, readonly string[]>>;
  /** Addresses by which the code comes by one of these files, and from which links of the file system lead to it. */
  readonly links: Readonly<Record<string, string>>;
  /** Module → what its names lead to that are no plain path to a file. */
  readonly leads: Readonly<Record<string, Leads>>;
  /** Lines outside of this package that load something by a computed name, which no digest can see: `file:line`. */
  readonly computed: readonly string[];
}

/** Tokens by what they were read from, so that they are never stale; kept in a file by whoever opens it. */
export interface TokenCache {
  /** @param key from `tokenKey` */
  get(key: string): ModuleText | undefined;
  set(key: string, text: ModuleText): void;
}

const LEFT_OUT = ['pipeline/', 'artifacts/', 'stages/recipes/', 'stages/python/'].map(ownUrl);

/** Below one of these, and not left out. */
const COUNTED = ownUrl('artifacts/formats/');

export interface CodeReader {
  /** Code of the stage that the module at `url` exports. @throws UserError with the place where a module cannot be parsed */
  codeOf(url: string): Code;
  /** The parts behind a digest that `codeOf` returned. */
  partsOf(digest: string): CodeParts | undefined;
}

/** A file that counts. */
type Unit =
  | {readonly is: 'module'; readonly text: ModuleText; readonly targets: readonly Target[]}
  /** `broken`: it is called a module, but cannot be parsed. */
  | {readonly is: 'data'; readonly sha256: string; readonly broken?: UserError};

/** What a name comes to in the digest: the number of a file, or a list that begins with a word, or itself. */
type Link = number | string | readonly Json[];

/**
 * @param sources the bytes that count: those that will be run
 * @param resolver remembers where names led; another reader with the same one follows them there, whatever lies there by then
 */
export function openCodeReader(
  cache: TokenCache,
  sources: Sources = openSources(),
  resolver = openResolver(),
): CodeReader {
  const codes = new Map<string, Code>();
  const units = new Map<string, Unit>();

  return {
    codeOf(url) {
      let code = codes.get(url);
      if (code === undefined) codes.set(url, (code = orMistake(() => read(url))));
      return code;
    },
    partsOf: (digest) => [...codes.values()].find((code) => code.digest === digest)?.parts,
  };

  function read(url: string): Code {
    const start = isOwn(url) ? url : pathToFileURL(realpathSync(fileURLToPath(url))).href;
    const walk = new Walk(start);
    const modules: Json[] = [];
    // Grows while it is gone through.
    for (const [i, each] of walk.urls.entries()) {
      const unit = unitOf(each);
      if (unit.is === 'data') modules.push(dataOf(each, unit.sha256, walk));
      else {
        const {tokens, named} = unit.text;
        modules.push({names: named.map((name, k) => linkOf(name, unit.targets[k]!, walk, each)), tokens});
      }
      walk.keep(i, unit.is === 'data' ? unit.sha256 : unit.text.tokens, modules[i]!);
    }
    for (const each of walk.loaded) {
      const unit = unitOf(each);
      if (unit.is === 'data' && unit.broken !== undefined) throw unit.broken;
    }
    const parts = walk.parts();
    const digest = digestOf('code', {modules, packages: parts.packages});
    const {urls, links, leads} = walk;
    return {
      digest,
      parts,
      urls,
      named: walk.named(),
      links: Object.fromEntries(links),
      leads: Object.fromEntries(leads),
      computed: urls.flatMap(computedIn),
    };
  }

  /** A file that is no module; a script of Python with the numbers of those beside it that it imports. */
  function dataOf(url: string, sha256: string, walk: Walk): Json {
    if (!isPython(url)) return {data: sha256};
    const root = walk.scripts.get(url) ?? url;
    const names = pythonImports(url, sources.read(url).bytes.toString('utf8'), root).map((each) => {
      if (!walk.scripts.has(each)) walk.scripts.set(each, root);
      return walk.numberOf(each);
    });
    return names.length === 0 ? {data: sha256} : {data: sha256, names};
  }

  function computedIn(url: string): string[] {
    const unit = unitOf(url);
    if (unit.is === 'data' || isOwn(url)) return [];
    return unit.text.computed.map((line) => `${fileURLToPath(url)}:${line}`);
  }

  function linkOf(named: Named, target: Target, walk: Walk, from: string): Link {
    const {specifier, names, via} = named;
    if (!isOwn(from)) walk.lead(named, target, from);
    if (target.is === 'nothing') return specifier;
    if (target.is === 'package') {
      walk.usePackage(target);
      return specifier;
    }
    const {url, suffix} = target;
    if (walk.leavesOut(url)) return ['left-out', ...names];
    if (ownDoors().has(url)) return ['door', ...throughDoor(url, names, walk)];
    if (via === 'import' || via === 'require') walk.loaded.add(url);
    else walk.addressed.add(url);
    const number = walk.numberOf(url);
    return suffix === '' ? number : ['at', number, suffix];
  }

  /** The modules behind the names that are taken from a front door of ours; the door counts only for what is its own. */
  function throughDoor(door: string, names: readonly string[], walk: Walk): Json[] {
    const unit = unitOf(door);
    if (unit.is === 'data') throw unit.broken ?? new Error(`Internal error: ${door} is not a module`);
    const {named, reExports} = unit.text;
    const passedOn = new Set(reExports.map(({name}) => name));
    const isPassedOn = (name: string): boolean => passedOn.has(name) || passedOn.has('*') || name === '*';
    if (!names.every(isPassedOn)) return [walk.numberOf(door)];
    const taken = names.includes('*') ? [...passedOn].sort() : [...names, ...(passedOn.has('*') ? ['*'] : [])];
    // In the order in which they are asked for, so that the order within the door does not count.
    return taken.flatMap((wanted) =>
      reExports
        .filter(({name}) => name === wanted)
        .map(({name, specifier, imported}) => {
          const k = named.findIndex((each) => each.specifier === specifier);
          return [name, imported, linkOf({specifier, names: [imported], via: 'import'}, unit.targets[k]!, walk, door)];
        }),
    );
  }

  function unitOf(url: string): Unit {
    let unit = units.get(url);
    if (unit === undefined) units.set(url, (unit = readUnit(url)));
    return unit;
  }

  function readUnit(url: string): Unit {
    const {bytes, sha256} = sources.read(url);
    const form = resolver.formOf(url);
    if (form === undefined) return {is: 'data', sha256};
    const file = fileURLToPath(url);
    const isTyped = /\.[mc]?tsx?$/.test(file);
    const key = tokenKey(sha256, isTyped ? `typed ${form}` : form);
    let text = cache.get(key);
    if (text === undefined) {
      try {
        const source = bytes.toString('utf8');
        text = readModuleText(isTyped ? strip(file, source) : source, form);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        return {is: 'data', sha256, broken: new UserError('bad-argument', withPlace(file, error), {cause: error})};
      }
      cache.set(key, text);
    }
    return {is: 'module', text, targets: text.named.map((named) => resolver.targetOf(named, url))};
  }
}

/** A file may go, or become unreadable, while it is looked for: an editor saves it, or another branch is checked out. */
function orMistake<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const {syscall, path, message} = error as NodeJS.ErrnoException;
    if (syscall === undefined || path === undefined) throw error;
    throw new UserError('bad-argument', `${path}, which belongs to the code of a stage, cannot be read: ${message}`, {
      cause: error,
    });
  }
}

/** What tokens are kept under: the text that they are of, and the way in which it was read. */
export const tokenKey = (sha256: string, form: string): string => `${sha256} ${form}`;

/** What is found on the way from a stage's module. */
class Walk {
  readonly urls: string[];
  /** Files that are imported or required, so that they must be modules if they are called that. */
  readonly loaded: Set<string>;
  /** Files whose address or path the code comes by. */
  readonly addressed = new Set<string>();
  /** File of Python → the script that was started when it was imported first. */
  readonly scripts = new Map<string, string>();
  /** @see Code.links */
  readonly links = new Map<string, string>();
  /** @see Code.leads */
  readonly leads = new Map<string, Record<keyof Leads, Record<string, string | null>>>();
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #taken = new Set<string>();
  readonly #digests: string[] = [];
  readonly #linked: (readonly Link[])[] = [];
  readonly #versions = new Map<string, Set<string>>();

  constructor(readonly start: string) {
    this.urls = [];
    this.loaded = new Set([start]);
    this.numberOf(start);
  }

  numberOf(url: string): number {
    let number = this.#numbers.get(url);
    if (number === undefined) {
      number = this.urls.push(url) - 1;
      this.#numbers.set(url, number);
      const name = nameOf(url, this.start);
      this.#names.push(this.#taken.has(name) ? `./${name}` : name);
      this.#taken.add(name);
    }
    return number;
  }

  leavesOut(url: string): boolean {
    // A stage that a recipe of ours defines inside its own file counts that file.
    if (url === this.start || url.startsWith(COUNTED)) return false;
    return LEFT_OUT.some((prefix) => url.startsWith(prefix));
  }

  /** Keeps what the disk may say otherwise by the time when the module runs. */
  lead({specifier, via}: Named, target: Target, from: string): void {
    if (target.is === 'file' && target.address !== undefined) this.links.set(target.address, target.url);
    if (via === 'url' || via === 'path' || target.is === 'package') return;
    const isPath = /^(\.{0,2}\/|\.{1,2}$|file:)/.test(specifier);
    if (target.is === 'nothing' && (via === 'resolve' || !(isPath || specifier.startsWith('#')))) return;
    if (target.is === 'file' && isOwn(target.url)) return;
    const to = target.is === 'file' ? target.url + target.suffix : null;
    if (isPath && to === new URL(specifier, from).href) return;
    let leads = this.leads.get(from);
    if (leads === undefined) this.leads.set(from, (leads = {import: {}, require: {}}));
    leads[via === 'require' ? 'require' : 'import'][specifier] = to;
  }

  usePackage({name, version}: Extract<Target, {is: 'package'}>): void {
    this.#versions.set(name, (this.#versions.get(name) ?? new Set()).add(version));
  }

  keep(number: number, digest: string, module: Json): void {
    this.#digests[number] = digest;
    this.#linked[number] = (module as {readonly names?: readonly Link[]}).names ?? [];
  }

  /** @see Code.named */
  named(): Code['named'] {
    const reachOf = (url: string): string[] => {
      const found = new Set([this.#numbers.get(url)!]);
      for (const each of found) for (const next of this.#linked[each]!.flatMap(numbersIn)) found.add(next);
      return [...found].map((number) => this.urls[number]!);
    };
    return Object.fromEntries(Array.from(this.addressed, (url) => [url, reachOf(url)]));
  }

  parts(): CodeParts {
    const byName = <T>(values: readonly T[]) => sorted(this.#names.map((name, i) => [name, values[i]!] as const));
    const packages = [...this.#versions].map(([name, versions]) => [name, [...versions].sort().join(' and ')] as const);
    return {
      files: byName(this.#digests),
      imports: byName(this.#linked.map((links) => links.flatMap((link) => this.#namesIn(link)))),
      packages: sorted(packages),
    };
  }

  /** A link as `why` compares it: with the names of files in the place of their numbers. */
  #namesIn(link: Json): string[] {
    if (typeof link === 'number') return [this.#names[link]!];
    return typeof link === 'string' ? [link] : (link as readonly Json[]).flatMap((each) => this.#namesIn(each));
  }
}

/** The numbers of files in a link; in the lists that links may be, there are no other numbers. */
function numbersIn(link: Json): number[] {
  if (typeof link === 'number') return [link];
  return Array.isArray(link) ? (link as readonly Json[]).flatMap(numbersIn) : [];
}

/** A name that does not depend on where things lie: of ours from the package's root, else from the stage's own folder. */
function nameOf(url: string, start: string): string {
  // What people know, and find in a stack, is the source.
  if (url.startsWith(OWN_MODULES)) return url.slice(OWN_MODULES.length).replace(/\.js$/, '.ts');
  return relative(dirname(fileURLToPath(start)), fileURLToPath(url));
}

const sorted = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
