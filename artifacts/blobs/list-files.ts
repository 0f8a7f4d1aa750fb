/**
 * Lists what a file or folder holds, in the order of a manifest. Refuses by name what a manifest cannot tell: sockets,
 * devices, names that are not UTF-8, and in outputs also symbolic links, since they may point out of the store.
 */
import {UserError} from '../error.js';
import {hidesModes} from '../folder/file-modes.js';
import type {FileStat, Files} from '../files.js';
import {manifestDigest, pathMistake} from './manifest.js';
import type {Artifact} from '../records.js';
import type {Digest} from '../digest.js';

export interface Found {
  /** Relative, '/' between folders; '' when the root is a file. */
  readonly path: string;
  /** Where it is on the disk. */
  readonly from: string;
  readonly stat: FileStat;
  /** Its owner may execute it, and the file system tells such files from others. */
  readonly executable: boolean;
}

export interface Listing {
  readonly shape: 'file' | 'folder';
  /** Sorted by `path` (UTF-16 code units). */
  readonly files: readonly Found[];
  readonly emptyFolders: readonly string[];
}

function refuse(path: string, what: string, hint: string): UserError {
  return new UserError('refused-file', `${path} ${what}`, {hint});
}

/** Throws UserError 'not-found' or 'refused-file'. */
export function listFiles(files: Files, root: string, links: 'follow' | 'refuse'): Listing {
  const found: Found[] = [];
  const empty: string[] = [];
  const look = (path: string): FileStat => {
    const own = files.stat(path);
    if (own === undefined) throw new UserError('not-found', `${path} does not exist`);
    if (own.kind !== 'link') return own;
    if (links === 'refuse') throw refuse(path, 'is a symbolic link', 'write a regular file or folder there');
    const target = files.statFollowed(path);
    if (target === undefined) throw refuse(path, 'is a symbolic link that leads nowhere', 'fix or remove it');
    return target;
  };
  // `inside` holds the folders around this one, by inode: a link to one of them would never end.
  const visit = (from: string, path: string, inside: ReadonlySet<string>): void => {
    const mistake = path === '' ? undefined : pathMistake(path);
    if (mistake !== undefined) throw refuse(from, `has a name that ${mistake} on some systems`, 'rename it');
    // Before it is looked at: by the name that Node makes of such bytes, nothing is there.
    if (path.includes('\uFFFD'))
      throw refuse(from, 'has a name that is not valid UTF-8 (each \uFFFD stands for bytes that are not)', 'rename it');
    const stat = look(from);
    if (stat.kind === 'file') {
      found.push({path, from, stat, executable: stat.executable});
    } else if (stat.kind === 'folder') {
      const inode = `${stat.dev}:${stat.ino}`;
      if (inside.has(inode)) throw refuse(from, 'is a symbolic link to a folder around it', 'remove it');
      const names = files.list(from);
      if (names.length === 0 && path !== '') empty.push(path);
      const deeper = new Set(inside).add(inode);
      for (const name of names) visit(`${from}/${name}`, path === '' ? name : `${path}/${name}`, deeper);
    } else {
      throw refuse(from, 'is neither a file nor a folder', 'an artifact holds regular files only');
    }
  };
  const shape = look(root).kind === 'folder' ? 'folder' : 'file';
  visit(root, '', new Set());
  const byPath = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const sorted = found.sort((a, b) => byPath(a.path, b.path));
  // Where everything can be executed, the disk may have no modes: elsewhere these files are equal to it all the same.
  const isUnsaid = sorted.length > 0 && sorted.every(({executable}) => executable) && hidesModes(root);
  return {
    shape,
    files: isUnsaid ? sorted.map((file) => ({...file, executable: false})) : sorted,
    emptyFolders: empty.sort(byPath),
  };
}

/** The artifact that these files are. @param digests of the files, in their order */
export function toArtifact(listing: Listing, digests: readonly Digest[], kind: string): Artifact {
  const files = listing.files.map(({path, stat, executable}, index) => ({
    path,
    bytes: stat.bytes,
    sha256: digests[index]!,
    ...(executable ? {executable} : {}),
  }));
  const {shape, emptyFolders} = listing;
  return {
    digest: manifestDigest({shape, files, emptyFolders}),
    kind,
    shape,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    files,
    emptyFolders,
  };
}
