/** What an artifact's digest is the digest of. */
import {digestOf} from './digest.js';
import type {Digest} from './digest.js';
import type {Artifact} from './records.js';
import type {Listing} from './walk.js';

/**
 * Digest of an artifact: SHA-256 of the canonical JSON of `["artifact", {emptyFolders, files: [{bytes, path, sha256}],
 * shape}]`. The kind is not in it, so equal bytes have equal names; nor are modes, owners and times.
 */
export function toArtifact(listing: Listing, digests: readonly Digest[], kind: string): Artifact {
  const files = listing.files.map(({path, stat}, index) => ({path, bytes: stat.bytes, sha256: digests[index]!}));
  const {shape, emptyFolders} = listing;
  return {
    digest: digestOf('artifact', {shape, files, emptyFolders}),
    kind,
    shape,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    files,
    emptyFolders,
  };
}
