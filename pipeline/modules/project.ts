/** Where somebody's project is, and what lies in it. */
import {existsSync, realpathSync} from 'node:fs';
import {dirname, join, relative, sep} from 'node:path';

/** Both are absolute paths without links. */
export const isInside = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** The nearest folder with a package.json, from `folder` upwards; `folder` itself where there is none. Links are resolved. */
export function projectOf(folder: string): string {
  const start = realpathSync(folder);
  for (let around = start; ; around = dirname(around)) {
    if (existsSync(join(around, 'package.json'))) return around;
    if (around === dirname(around)) return start;
  }
}

/** The store that a path lies in. */
export function storeAround(path: string): string | undefined {
  for (let around = dirname(path); ; around = dirname(around)) {
    if (existsSync(join(around, 'store.db')) && (existsSync(join(around, 'jobs')) || existsSync(join(around, 'blobs'))))
      return around;
    if (around === dirname(around)) return undefined;
  }
}

/** The path of a recipe as a run records it: from the project in which r1 is typed, or else from the recipe's own. */
export function recordedRecipe(file: string, cwd: string): string {
  const here = projectOf(cwd);
  const project = isInside(file, here) ? here : projectOf(dirname(file));
  return relative(project, file).split(sep).join('/');
}
