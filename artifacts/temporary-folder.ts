/** Folders for the moment, where the system has its temporary files: which place that is the variable TMPDIR says. */
import {mkdtempSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {UserError, codeOf} from './error.js';
import {pathError} from './path-error.js';

/**
 * Makes a folder of its own, which whoever asked for it removes.
 *
 * @param purpose a word that its name begins with, behind `r1-`
 * @throws {UserError} where nothing can be made there, with the variable that names another place
 */
export function temporaryFolder(purpose: string): string {
  const place = tmpdir();
  try {
    return mkdtempSync(join(place, `r1-${purpose}-`));
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    const said = pathError(error, {
      path: place,
      doing: 'make a temporary folder in',
      instead: 'set TMPDIR to a folder',
    });
    if (!(said instanceof UserError)) throw error;
    throw new UserError(said.reason, said.message, {
      cause: error,
      hint: 'set the variable TMPDIR to a folder that can be written to',
    });
  }
}
