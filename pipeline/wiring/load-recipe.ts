/**
 * From what a person typed to a recipe: a built-in name or the path of a `.ts` or `.js` file. Mistakes in the file come
 * back with their place; nothing is wired yet.
 */
import {existsSync, readFileSync, readdirSync, statSync} from 'node:fs';
import {basename, dirname, resolve} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {UserError} from '../../artifacts/index.js';
import {importModule} from '../modules/import.js';
import {nearest, suggestion} from './did-you-mean.js';
import {placeOf, placeText, withPlace} from '../modules/source/source-location.js';
import type {Place} from '../modules/source/source-location.js';
import type {Recipe} from '../recipe.js';

/** Built-in recipes: name → URL of the module whose default export it is. */
export type RecipeRegistry = Readonly<Record<string, string>>;

export interface LoadedRecipe {
  readonly recipe: Recipe;
  /** As messages name it. */
  readonly file: string;
  /** Of its module; left out where the recipe was given as a value. */
  readonly url?: string;
  /** Where relative source paths start. */
  readonly folder: string;
}

/** @throws UserError when there is no such recipe, or its file cannot be read as one */
export async function loadRecipe(wanted: string, registry: RecipeRegistry): Promise<LoadedRecipe> {
  const url = recipeUrl(wanted, registry);
  const file = fileURLToPath(url);
  let module: {default?: unknown};
  try {
    module = await inPlace(file, () => importModule(url));
  } catch (error) {
    throw await recipeError(file, error);
  }
  const recipe = module.default as Partial<Recipe> | undefined;
  if (typeof recipe?.wire !== 'function' || typeof recipe.name !== 'string') {
    throw new UserError(
      'bad-argument',
      `${file}: ${recipe === undefined ? 'it has no default export' : 'its default export is not a recipe'}`,
      {
        hint: "write `export default recipe('name', (add) => { … })`",
      },
    );
  }
  return {recipe: recipe as Recipe, file, url, folder: dirname(file)};
}

/** The address of a recipe's module, which is not loaded. @throws UserError when there is no such recipe */
export const recipeUrl = (wanted: string, registry: RecipeRegistry): string =>
  (Object.hasOwn(registry, wanted) ? registry[wanted] : undefined) ?? fileRecipe(wanted, registry);

let atHand: string | undefined;

/** The file of the recipe that was loaded last. */
export const recipeAtHand = (): string | undefined => atHand;

/** Calls the code of a recipe, which must not move the process: what was typed counts from its working folder. */
export async function inPlace<T>(file: string, work: () => Promise<T> | T): Promise<T> {
  atHand = file;
  const before = workingFolder();
  try {
    return await work();
  } finally {
    const after = workingFolder();
    if (before !== undefined && after !== before) {
      process.chdir(before);
      // Also in the place of another error: that one may come from being somewhere else.
      throw new UserError('bad-argument', `${file}: it changes the working folder (process.chdir)`, {
        hint: "write paths that start at the file itself: new URL('./data', import.meta.url)",
      });
    }
  }
}

/** `undefined` where somebody removed it; paths that are absolute do not need it. */
function workingFolder(): string | undefined {
  try {
    return process.cwd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Where a function stands that the file itself defines; its text is that of the file with its types taken out. */
export async function placeOfFunction(
  file: string,
  written: (...words: never[]) => unknown,
): Promise<string | undefined> {
  const {isTyped, strip} = await import('../modules/source/typescript.js');
  const source = readFileSync(file, 'utf8');
  const text = isTyped(file) ? strip(file, source) : source;
  const at = text.indexOf(String(written));
  if (at < 0) return undefined;
  const before = text.slice(0, at).split('\n');
  return placeText({file, line: before.length, column: before.at(-1)!.length + 1});
}

function fileRecipe(wanted: string, registry: RecipeRegistry): string {
  const file = resolve(wanted);
  if (existsSync(file)) {
    const stat = statSync(file);
    if (stat.isFile()) return pathToFileURL(file).href;
    throw new UserError(
      'bad-argument',
      `${file} is ${stat.isDirectory() ? 'a folder' : 'a special file'}, not a recipe`,
      {
        hint: 'give the path of a .ts or .js file',
      },
    );
  }
  const names = Object.keys(registry);
  if (/[/\\]|\.(?:[mc]?[jt]s|tsx)$/.test(wanted)) throw new UserError('not-found', `there is no recipe file ${file}`);
  throw new UserError('not-found', `there is no recipe “${wanted}”${suggestion(wanted, names)}`, {
    hint: `built in: ${names.join(', ')}; or give the path of a .ts or .js file`,
  });
}

/** What is wrong with a recipe file that was imported or wired, its place first. */
export async function recipeError(file: string, error: unknown): Promise<Error> {
  if (error instanceof UserError) return error;
  const message = error instanceof Error ? error.message : String(error);
  // A type stripper's or parser's message starts with its place already.
  if (/^\S+:\d+:\d+: /.test(message)) return new UserError('bad-argument', message, {cause: error});
  const place = syntaxPlace(error) ?? importPlace(error) ?? (await parsedPlace(file, error)) ?? placeOf(error);
  if (typeof place === 'string') return new UserError('bad-argument', place, {cause: error});
  const name = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
  const hint = missingHint(message);
  return new UserError('bad-argument', `${place === undefined ? file : placeText(place)}: ${name}${message}`, {
    cause: error,
    ...(hint === undefined ? {} : {hint}),
  });
}

const MISSING = /^Cannot find (module|package) '(.+?)' imported from (.+)$/;

/** What to do about an import of something that is not there. */
function missingHint(message: string): string | undefined {
  const [, what, name, importer] = MISSING.exec(message) ?? [];
  if (name === undefined || importer === undefined) return undefined;
  if (what === 'package')
    return `install it where the file can find it: cd ${dirname(importer)} && npm install ${name}`;
  if (!existsSync(dirname(name))) return undefined;
  // TypeScript's files are asked for by the name that they have once compiled.
  const there = readdirSync(dirname(name)).map((file) => file.replace(/\.([cm]?)ts$/, '.$1js'));
  const meant = nearest(basename(name), there);
  return meant === undefined ? undefined : `did you mean “${meant}”?`;
}

/** The head that Node puts before the stack of an error of syntax or linking: the file with a line, that line, a caret below. */
export function syntaxPlace(error: unknown): Place | undefined {
  if (!(error instanceof SyntaxError) || error.stack === undefined) return undefined;
  const [head = '', , caret = ''] = error.stack.split('\n');
  const [, at, line] = /^(file:.*|\/.*):(\d+)$/.exec(head) ?? [];
  if (at === undefined) return undefined;
  const file = at.startsWith('file:') ? fileURLToPath(at) : at;
  return {file, line: Number(line), column: Math.max(caret.indexOf('^'), 0) + 1};
}

/** A module that is not there: the line of the file that names it. */
function importPlace(error: unknown): Place | undefined {
  const match = MISSING.exec((error as Error).message);
  if (match === null || !existsSync(match[3]!)) return undefined;
  const name = basename(match[2]!);
  const lines = readFileSync(match[3]!, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.includes(name));
  return line < 0 ? undefined : {file: match[3]!, line: line + 1, column: lines[line]!.indexOf(name) + 1};
}

/**
 * A plain syntax error, whose place Node keeps to itself: the files that the recipe reaches are parsed once more, until
 * one cannot be. The answer is a whole message.
 */
async function parsedPlace(file: string, error: unknown): Promise<string | undefined> {
  if (!(error instanceof SyntaxError)) return undefined;
  const {isTyped, strip} = await import('../modules/source/typescript.js');
  const {readModuleText} = await import('../modules/source/parse-module.js');
  const {typedSibling} = await import('../modules/hooks.js');
  const files = new Set([file]);
  for (const each of files) {
    try {
      const source = readFileSync(each, 'utf8');
      const form = each.endsWith('.cjs') ? 'script' : 'module';
      for (const {specifier} of readModuleText(isTyped(each) ? strip(each, source) : source, form).named) {
        if (!specifier.startsWith('.')) continue;
        const typed = typedSibling(specifier, pathToFileURL(each).href);
        const next = typed === undefined ? resolve(dirname(each), specifier) : fileURLToPath(typed);
        if (statSync(next, {throwIfNoEntry: false})?.isFile() === true) files.add(next);
      }
    } catch (broken) {
      if (broken instanceof SyntaxError) return withPlace(each, broken);
      throw broken;
    }
  }
  return undefined;
}
