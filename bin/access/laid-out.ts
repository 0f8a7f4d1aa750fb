/** An artifact as a folder for as long as it is read. */
import {join} from 'node:path';
import type {Digest, Store} from '../../artifacts/index.js';
import {temporaryFolder} from '../../artifacts/temporary-folder.js';

/** Lays the artifact out in a folder of its own, which is gone after `read`. */
export async function withLaidOut<T>(store: Store, artifact: Digest, read: (folder: string) => Promise<T>): Promise<T> {
  const scratch = temporaryFolder('laid-out');
  const folder = join(scratch, 'artifact');
  try {
    await store.materialise(artifact, folder);
    return await read(folder);
  } finally {
    await store.removeTree(scratch); // what a store lays out is read-only
  }
}
