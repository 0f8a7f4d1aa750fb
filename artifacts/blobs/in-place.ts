/** What lies where a blob should be. Whoever meddles with a store may have put anything there. */
import type {Digest} from '../digest.js';
import type {EntryKind, FileStat, Files} from '../files.js';
import {blobPath, shardOf} from '../layout.js';
import type {Layout} from '../layout.js';

export type InPlace =
  | {readonly is: 'file'; readonly stat: FileStat}
  | {readonly is: 'nothing'}
  /** Something that is no blob; `because` says what it is. It, or the folder above it, is at `path`. */
  | {readonly is: 'other'; readonly path: string; readonly because: string};

const NAMES_OF_KINDS: Readonly<Record<Exclude<EntryKind, 'file'>, string>> = {
  folder: 'a folder',
  link: 'a symbolic link',
  special: 'something that is neither a file nor a folder',
};

/**
 * Opens nothing: to open a pipe would wait for whoever writes to it. `folders` remembers the folders of blobs that were seen to
 * be folders.
 */
export function lookAt(
  sha256: Digest,
  {files, layout}: {readonly files: Files; readonly layout: Layout},
  folders: Set<string>,
): InPlace {
  const path = blobPath(layout, sha256);
  const shard = shardOf(layout, sha256);
  if (!folders.has(shard)) {
    const kind = files.stat(shard)?.kind;
    if (kind === undefined) return {is: 'nothing'};
    // What lies behind a link could change without anybody here having a hand in it.
    if (kind !== 'folder') {
      const what = kind === 'file' ? 'a file' : NAMES_OF_KINDS[kind];
      return {is: 'other', path: shard, because: `${what} is in the place of its folder`};
    }
    folders.add(shard);
  }
  const stat = files.stat(path);
  if (stat === undefined) return {is: 'nothing'};
  if (stat.kind === 'file') return {is: 'file', stat};
  return {is: 'other', path, because: `${NAMES_OF_KINDS[stat.kind]} is in its place`};
}
