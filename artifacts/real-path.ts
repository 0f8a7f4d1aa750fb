/** Where a path leads, of which the last parts need not be there yet. */
import {realpathSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {codeOf} from './error.js';

/** The path with its links followed, as far as it exists. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || path === dirname(path)) return path;
    return join(realPath(dirname(path)), basename(path));
  }
}
