/**
 * What code may run when a store names it. A store is data: it may have come from anybody. So modules of r1 itself are
 * trusted, a recipe that was typed is, and a recipe that only the store names if it lies in the project in which r1 is
 * typed and is a recipe at all; of that one, what it imports, so that nothing runs but what `r1 run` with it would run.
 * Nothing that lies in a store is code, wherever the store lies.
 */
import {existsSync, realpathSync} from 'node:fs';
import {dirname, join, sep} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {UserError} from '../../artifacts/index.js';
import {openCodeReader} from '../fingerprint/code-digest.js';
import type {Code, TokenCache} from '../fingerprint/code-digest.js';
import {findModule, isBuiltIn, packagedName, pathOf} from '../modules/module-names.js';
import type {Origin} from '../modules/module-names.js';
import {isInside, projectOf, storeAround} from '../modules/project.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import {openSources} from '../modules/source/sources.js';

/** Where somebody resumes or reproduces. */
export interface TrustedPlace {
  /** URL of the recipe that was typed with `--recipe`. */
  readonly recipe?: string | undefined;
  /** The project around it is trusted. */
  readonly cwd: string;
  /** The folder of the store. */
  readonly store: string;
  /** What was typed, to which `--recipe FILE` can be added. */
  readonly typed: string;
}

/** What a plan says of where its recipe was. */
export interface Claimed {
  readonly recipe: string;
  readonly file?: string;
}

export interface TrustedModules {
  readonly origin: Origin;
  /** The file of the recipe, where there is one. */
  readonly recipe: string | undefined;
  /**
   * URL of the module that a plan names, or why there is none. @throws UserError 'untrusted-code' where there is one that
   * may not run
   */
  find(name: string): Result<string, string>;
}

/** @throws UserError 'untrusted-code' where the plan's recipe is nowhere that is trusted, with what to type */
export function openTrusted(claimed: Claimed, place: TrustedPlace): TrustedModules {
  const project = projectOf(place.cwd);
  const refuse = (why: string): UserError => untrustedError(why, claimed, place);
  const file = recipeFile(claimed, project, place, refuse);
  const origin: Origin = file === undefined ? {folder: project} : {file, folder: dirname(file)};
  // Not the store's cache of what modules say: it may say anything.
  const reader = openCodeReader(noCache());
  const codeOf = (path: string): Code => {
    try {
      return reader.codeOf(pathToFileURL(path).href);
    } catch (error) {
      throw refuse(`${path} cannot be read as a module: ${(error as Error).message}`);
    }
  };
  /** What a recipe imports, or a module where no recipe is known; nothing that never asks for r1 has stages. */
  const reachOf = (path: string): ReadonlySet<string> => {
    const files = codeOf(path)
      .urls.filter((url) => url.startsWith('file:'))
      .map((url) => fileURLToPath(url));
    const texts = openSources();
    const asks = files.some((each) => ASKS_FOR_R1.test(texts.read(pathToFileURL(each).href).bytes.toString('utf8')));
    if (!asks && !(place.recipe !== undefined && path === file))
      throw refuse(`${path} is not a recipe: it never imports r1`);
    return new Set(files.map((each) => realpathSync(each)));
  };
  let reached: ReadonlySet<string> | undefined;
  return {
    origin,
    recipe: file,
    find(name) {
      const module =
        name.startsWith('file:') && place.recipe !== undefined && file !== undefined
          ? ofOldPlan(name, {file, origin, reached: (reached ??= reachOf(file))})
          : findModule(name, origin);
      if (!module.ok) return module;
      const {url, own, package: packaged} = module.value;
      if (own) return ok(url);
      const path = fileURLToPath(url);
      const around = isInside(path, realpathSync(place.store)) ? place.store : storeAround(path);
      if (around !== undefined) throw refuse(`${path} is in the store ${around}, and a store is data`);
      if (file === undefined) {
        if (!isInside(path, project)) throw refuse(`${path} is outside the project ${project}`);
        reachOf(path);
        return ok(url);
      }
      if (place.recipe !== undefined && (packaged !== undefined || isInside(path, projectOf(dirname(file)))))
        return ok(url);
      reached ??= reachOf(file);
      if (reached.has(path)) return ok(url);
      if (packaged !== undefined && Object.hasOwn(codeOf(file).parts.packages, packaged)) return ok(url);
      throw refuse(`${path} is nothing that the recipe ${file} imports`);
    },
  };
}

/** As module hooks look for it, and as our own recipes and tests do, by path. */
const ASKS_FOR_R1 = /['"](?:r1(?:\/[\w/-]+)?|(?:\.\.?\/)+[\w/.-]*pipeline\/(?:recipe|stage)\.js)['"]/;

/** The recipe: typed, or recorded and in the project; none for a built-in one, or where none is known. */
function recipeFile(
  {file: claimed}: Claimed,
  project: string,
  place: TrustedPlace,
  refuse: (why: string) => UserError,
): string | undefined {
  if (place.recipe !== undefined)
    return isBuiltIn(place.recipe) ? undefined : realpathSync(fileURLToPath(place.recipe));
  if (claimed === undefined) return undefined;
  const path = join(project, claimed);
  if (!existsSync(path))
    throw refuse(`its recipe ${claimed} is not in the project ${project}, from which this was typed`);
  const file = realpathSync(path);
  if (!isInside(file, project)) throw refuse(`its recipe ${file} is outside the project ${project}`);
  const around = isInside(file, realpathSync(place.store)) ? place.store : storeAround(file);
  if (around !== undefined) throw refuse(`its recipe ${file} is in the store ${around}, and a store is data`);
  return file;
}

interface OldPlan {
  readonly file: string;
  readonly origin: Origin;
  readonly reached: ReadonlySet<string>;
}

/**
 * A plan of version 1 has the address at which a module once was. Beside a recipe that was typed it means the module that the
 * recipe imports and whose path ends most like it, or the same file of the same package.
 */
function ofOldPlan(name: string, {file, origin, reached}: OldPlan): ReturnType<typeof findModule> {
  const path = pathOf(name);
  if (!path.ok) return path;
  const address = path.value.split(sep);
  const packages = address.lastIndexOf('node_modules');
  if (packages >= 0) return findModule(packagedName(address.slice(packages + 1)), origin);
  const wanted = address.reverse();
  const alike = (path: string): number => {
    const parts = path.split(sep).reverse();
    const end = parts.findIndex((part, index) => part !== wanted[index]);
    return end < 0 ? parts.length : end;
  };
  const best = Math.max(1, ...[...reached].map(alike));
  const [likest, ...more] = [...reached].filter((each) => alike(each) === best);
  if (likest === undefined || more.length > 0) return err(`${file} imports no module like ${name}`);
  return ok({url: pathToFileURL(likest).href, own: false});
}

/** What to type is said in full, since nobody should have to guess it. */
function untrustedError(why: string, {recipe, file}: Claimed, {typed}: TrustedPlace): UserError {
  const name = file?.split('/').at(-1);
  return new UserError('untrusted-code', `code is run from a trusted place only: ${why}`, {
    remedy: {type: 'trust-recipe', recipe, ...(name === undefined ? {} : {file: name}), typed},
  });
}

/** What modules say is read again each time: a store's own cache of it may say anything. */
export function noCache(): TokenCache {
  const texts = new Map<string, ReturnType<TokenCache['get']>>();
  return {get: (source) => texts.get(source), set: (source, text) => void texts.set(source, text)};
}
