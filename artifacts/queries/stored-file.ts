/** Where a file of an artifact lies in the store, for what reads one file and has no use for a folder with all of them. */
import {shortDigest} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError} from '../error.js';
import type {Lineage} from '../facts/read.js';
import type {HasParts} from '../parts.js';
import type {ArtifactFile} from '../records.js';

/**
 * Why bytes that are not usable cannot be read: they are gone, or no longer what they were.
 *
 * @param what they are, for the message: `the bytes of scores.json in @1234abcd`
 */
export function unusableBytes(
  {parts: {blobs, files}}: HasParts,
  {artifact, file, what}: {readonly artifact: Digest; readonly file: ArtifactFile; readonly what: string},
): UserError {
  const size = files.sizeOf(blobs.path(file.sha256));
  const remedy = {type: 'make-again', artifact} as const;
  if (size === undefined) return new UserError('bytes-missing', `${what} are no longer in the store`, {remedy});
  const how = size === file.bytes ? '' : `: ${size} of ${file.bytes} bytes`;
  return new UserError('bytes-damaged', `${what} are damaged in the store${how}`, {remedy});
}

/**
 * The path of the bytes of one file of an artifact: to be read, never to be written to.
 *
 * @param path within the artifact
 * @throws UserError not-found where the artifact has no such file; bytes-missing, bytes-damaged as `unusableBytes`
 */
export function storedFile(store: Lineage & HasParts, artifact: Digest, path: string): string {
  const {blobs} = store.parts;
  const name = `@${shortDigest(artifact)}`;
  const file = store.artifact(artifact)?.files.find((each) => each.path === path);
  if (file === undefined) throw new UserError('not-found', `${name} has no file ${path}`);
  if (blobs.isPresent(file.sha256, file.bytes)) return blobs.path(file.sha256);
  throw unusableBytes(store, {artifact, file, what: `the bytes of ${path} in ${name}`});
}
