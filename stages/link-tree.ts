/** The same files in a second place without a second copy of their bytes, as far as the file system allows it. */
import {constants} from 'node:fs';
import {copyFile, link, mkdir, readdir} from 'node:fs/promises';
import {join} from 'node:path';

/** Errors of a file system that has no hard links, or none to another device, or no more of them for this file. */
const NO_LINK: ReadonlySet<unknown> = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * Fills the folder `to` with the files of `from`: hard links, or else clones, or else copies. Nobody may write to either afterwards, as
 * the other would change with it.
 *
 * @param to does not exist yet, or holds none of these files
 */
export async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to, {recursive: true});
  for (const entry of await readdir(from, {withFileTypes: true})) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await linkTree(source, target);
    else await linkFile(source, target);
  }
}

async function linkFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && NO_LINK.has(error.code))) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
