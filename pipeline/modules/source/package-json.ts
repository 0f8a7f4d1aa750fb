/** The `package.json` of somebody's own folder, which may be half written, or nothing that Node would take for one. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {UserError} from '../../../artifacts/error.js';

export interface PackageJson {
  readonly name?: unknown;
  readonly version?: string;
  readonly type?: unknown;
  readonly main?: string;
  readonly exports?: unknown;
  readonly imports?: unknown;
}

/**
 * `undefined` where there is none; a folder of that name is not one.
 *
 * @throws UserError with the file where it holds no record
 */
export function packageJsonIn(folder: string): PackageJson | undefined {
  const file = join(folder, 'package.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError('bad-argument', `${file} is not JSON: ${error.message}`, {cause: error});
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UserError('bad-argument', `${file} does not hold a record`, {hint: 'the smallest one is {}'});
  }
  return value;
}
