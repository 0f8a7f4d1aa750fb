/** Where a file of an artifact lies in the store, for what reads one file and has no use for a folder with all of them. */
import {shortDigest} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError} from '../error.js';
import type {Lineage} from '../facts/read.js';
import type {HasParts} from '../parts.js';

/**
 * The path of the bytes of one file of an artifact: to be read, never to be written to.
 *
 * @param path within the artifact
 * @throws UserError not-found where the artifact has no such file; bytes-missing where they are no longer in the store
 */
export function storedFile(
  {artifact: load, parts: {blobs}}: Lineage & HasParts,
  artifact: Digest,
  path: string,
): string {
  const name = `@${shortDigest(artifact)}`;
  const file = load(artifact)?.files.find((each) => each.path === path);
  if (file === undefined) throw new UserError('not-found', `${name} has no file ${path}`);
  if (blobs.isPresent(file.sha256, file.bytes)) return blobs.path(file.sha256);
  throw new UserError('bytes-missing', `the bytes of ${path} in ${name} are no longer in the store`, {
    remedy: {type: 'make-again', artifact},
  });
}
