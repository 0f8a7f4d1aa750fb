/**
 * What a script of Python imports from its own folder and the packages below it: files that a program runs with it, so that they
 * count as it does. Whatever lies elsewhere belongs to the environment. Reads the text and starts no Python; modules whose names are
 * computed, or that are found by a changed `sys.path`, are not seen.
 */
import {realpathSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';

/** `pkg.deep`, or with dots before it from where the file lies; and what is taken from it, where that may be modules, too. */
interface Import {
  readonly dots: number;
  readonly module: readonly string[];
  readonly names: readonly string[];
}

export const isPython = (url: string): boolean => url.endsWith('.py');

/**
 * URLs of the files that a file imports, each once, in the order of its text.
 *
 * @param root URL of the script that is started: Python looks in its folder first
 */
export function pythonImports(url: string, text: string, root: string): readonly string[] {
  const [top, here] = [root, url].map((each) => dirname(fileURLToPath(each))) as [string, string];
  const found = new Set<string>();
  for (const {dots, module, names} of importsIn(text)) {
    const base = dots === 0 ? top : join(here, ...Array<string>(dots - 1).fill('..'));
    for (const file of filesOf(base, module, names)) found.add(pathToFileURL(realpathSync(file)).href);
  }
  found.delete(url);
  return [...found];
}

/** The packages on the way to a module, the module, and those of its names that are modules of their own. */
function* filesOf(base: string, module: readonly string[], names: readonly string[]): Generator<string> {
  for (let depth = 0; depth <= module.length; depth++) {
    const path = join(base, ...module.slice(0, depth));
    // The folder of a script is no package, whatever lies in it; that of `from . import x` has been run by whoever imports from it.
    if (depth > 0) yield* moduleAt(path);
    if (depth === module.length) for (const name of names) yield* moduleAt(join(path, name));
  }
}

/** A package goes before a module of the same name. */
function moduleAt(path: string): readonly string[] {
  const candidates = [join(path, '__init__.py'), `${path}.py`];
  return candidates.filter((file) => statSync(file, {throwIfNoEntry: false})?.isFile() === true).slice(0, 1);
}

/** `import a.b as c, d`; `from .a import b, c as d` */
function importsIn(text: string): Import[] {
  return statementsIn(text.replace(/\r\n?/g, '\n')).flatMap((statement): Import[] => {
    // One may stand behind the colon of `try:` or `if x:`.
    const [, from, taken, whole] =
      /(?:^|:\s*)(?:from\s*(\.[.\s]*[\p{L}\p{N}_.]*|\s[\p{L}\p{N}_.]+)\s+import\b(.*)|import\s+(.+))$/u.exec(
        statement,
      ) ?? [];
    if (whole !== undefined) return listed(whole).map((name) => ({dots: 0, module: partsOf(name), names: []}));
    if (from === undefined || taken === undefined) return [];
    const name = from.replace(/\s/g, '');
    const dots = /^\.*/.exec(name)![0].length;
    return [{dots, module: partsOf(name.slice(dots)), names: listed(taken).filter(isName)}];
  });
}

/** Names of Python may have letters of any script. */
const isName = (text: string): boolean => /^[\p{L}\p{N}_]+$/u.test(text);

const partsOf = (name: string): readonly string[] => name.split('.').filter(isName);

/** `a.b as c, d` → `a.b`, `d` */
const listed = (text: string): readonly string[] =>
  text
    .replace(/[()]/g, ' ')
    .split(',')
    .map((each) => each.trim().split(/\s/)[0]!)
    .filter((each) => each !== '');

/** Comments, strings (with what they hold), line breaks that are escaped, brackets, and what ends a statement. */
const PIECES =
  /#[^\n]*|("""|''')(?:\\[\s\S]|(?!\1)[\s\S])*(?:\1|$)|"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?|\\\r?\n|[([{]|[)\]}]|[\n;]/g;

/** The statements of a text, each as one line, without comments and with nothing in the place of strings. */
function statementsIn(text: string): string[] {
  let depth = 0;
  const flat = text.replace(PIECES, (piece) => {
    if ('([{'.includes(piece)) depth++;
    if (')]}'.includes(piece)) depth = Math.max(0, depth - 1);
    if ('([{)]}'.includes(piece)) return piece;
    if (piece === '\n' || piece === ';') return depth > 0 ? ' ' : '\n';
    return piece.startsWith('"') || piece.startsWith("'") ? '""' : ' ';
  });
  return flat.split('\n').map((line) => line.trim());
}
