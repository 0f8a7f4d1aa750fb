/** Folders for the moment, where the system has its temporary files: the variable TMPDIR says which place that is. */
import {mkdtempSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {StageFailure} from '../pipeline/stage.js';

/**
 * Makes a folder of its own, which whoever asked for it removes.
 *
 * @param purpose a word that its name begins with, behind `r1-`
 * @throws {StageFailure} where the system lets nothing be made there
 */
export function temporaryFolder(purpose: string): string {
  const place = tmpdir();
  try {
    return mkdtempSync(join(place, `r1-${purpose}-`));
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new StageFailure(
      `no temporary folder can be made in ${place} (${code}); let the variable TMPDIR name a folder that can be written to`,
    );
  }
}
