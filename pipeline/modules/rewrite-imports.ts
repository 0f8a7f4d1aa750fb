/**
 * Modules of one's own that need no hooks though they ask for this package by its name. A plain module asks at its head for
 * parts of this package and of Node, and later for nothing more: its names are replaced by addresses in the text that Node is
 * given.
 *
 * Without this everything is the same, slower by 40 ms at each start of r1 and of a stage on a Node before 22.15, where
 * module hooks live in a thread of their own. It serves Node 20 and the first releases of 22 alone, and goes with Node 20.
 */
import module from 'node:module';
import {dirname} from 'node:path';
import {fileURLToPath} from 'node:url';

/** What a module may ask for by a name that only holds here. */
export interface Door {
  /** Where Node finds it. */
  readonly address: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

/** An import at the head of a module: what it asks for, then the name in quotes. */
const IMPORT = /import\b(?:\s*([\w$*{][\w\s$*{},]*?)\bfrom)?\s*(?=['"])/y;
const NAME = /(['"])([^'"\\\n]+)\1[ \t]*(?:;|(?=\r?\n|$))/y;
const BLANK = /(?:\s|\/\/.*|\/\*[^]*?\*\/)*/y;

/**
 * The text with its bare specifiers rewritten to URLs, or `undefined` where it asks for something that is neither behind a door nor
 * a part of Node, or may do so further down. Lines stay, and so do columns below the imports.
 */
export function withAddresses(text: string, doors: ReadonlyMap<string, Door>): string | undefined {
  const parts: string[] = [];
  let [from, at] = [0, 0];
  const advance = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  advance(BLANK);
  for (let found = advance(IMPORT); found !== null; found = advance(IMPORT)) {
    const begin = at + 1;
    const name = advance(NAME)?.[2];
    if (name === undefined) return undefined;
    const door = doors.get(name);
    const exports = door?.exports ?? partOfNode(name);
    const isThere = (each: string): boolean => each in exports! || (door === undefined && each === 'default');
    // Once it has failed to link a module, Node cannot import it in another way.
    if (exports === undefined || !namesIn(found[1] ?? '').every(isThere)) return undefined;
    if (door !== undefined) {
      parts.push(text.slice(from, begin), door.address.replaceAll("'", '%27'));
      from = begin + name.length;
    }
    advance(BLANK);
  }
  const asksForMore = /\bimport\b(?!\.meta\b)|\bfrom\s*['"]|\b(?:require|createRequire)\b/.test(text.slice(at));
  return asksForMore || parts.length === 0 ? undefined : parts.join('') + text.slice(from);
}

const require = module.createRequire(import.meta.url);

/** Its default export is the whole. */
const partOfNode = (name: string): object | undefined =>
  module.isBuiltin(name) ? (require(name) as object) : undefined;

/** `a, {b as c}` → `default`, `b` */
function namesIn(clause: string): string[] {
  const [, before = '', braces = ''] = /^([^{]*)(?:\{([^}]*)\})?/.exec(clause)!;
  const named = braces.split(',').map((each) => each.trim().split(/\s/)[0]!);
  return [...(/^\s*[\w$]/.test(before) ? ['default'] : []), ...named.filter((name) => name !== '')];
}

/**
 * Imports a plain module from its text; from then on it is the module at its address for everybody.
 * @returns `undefined` where it is not one, or Node cannot do it (before 20.19), or it waits for something, or has a mistake of
 * syntax: whoever imports it in the usual way learns which
 */
export function importPlain(
  url: string,
  source: string,
  doors: ReadonlyMap<string, Door>,
): Record<string, unknown> | undefined {
  if (!/^file:.*\.m?js$/.test(url) || !process.features.require_module) return undefined;
  const file = fileURLToPath(url);
  const text = withAddresses(source, doors);
  if (text === undefined) return undefined;
  const {Module} = module as unknown as {Module: new (file: string) => CommonJsModule};
  const loaded = new Module(file);
  loaded.filename = file;
  loaded.paths = (module as unknown as {_nodeModulePaths(folder: string): string[]})._nodeModulePaths(dirname(file));
  try {
    loaded._compile(text, file);
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ERR_REQUIRE_ASYNC_MODULE') {
      return undefined;
    }
    throw error;
  }
  return loaded.exports;
}

/** What `require` makes of a file. That it takes the text of a module, too, came with `require` of modules. */
interface CommonJsModule {
  filename: string;
  paths: string[];
  readonly exports: Record<string, unknown>;
  _compile(text: string, file: string): void;
}
