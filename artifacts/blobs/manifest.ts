/**
 * What an artifact's digest is the digest of, and what a manifest may say. A store may come from anybody, so whatever is
 * read out of one is checked here before a path of it is used.
 */
import {digestOf} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError} from '../error.js';
import type {Artifact} from '../records.js';

type Manifest = Pick<Artifact, 'shape' | 'files' | 'emptyFolders'>;

/**
 * Digest of an artifact: SHA-256 of the canonical JSON of `["artifact", {emptyFolders, files: [{bytes, path, sha256}],
 * shape}]`; a file that can be executed has `executable: true` there as well. The kind is not in it, so equal bytes have equal
 * names; nor are other modes, owners and times.
 */
export const manifestDigest = ({shape, files, emptyFolders}: Manifest): Digest =>
  digestOf('artifact', {
    shape,
    files: files.map(({bytes, executable, path, sha256}) =>
      executable === true ? {bytes, executable, path, sha256} : {bytes, path, sha256},
    ),
    emptyFolders,
  });

/** Reads like the beginning of an absolute path, here or on another system: `/x`, `\x`, `C:\x`, `C:/x`. */
const ABSOLUTE = /^(?:[A-Za-z]:)?[\\/]/;

/** What keeps `path` from being the path of something inside a folder, as a phrase; undefined when nothing does. */
export function pathMistake(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.includes('\0')) return 'has a NUL in it';
  if (ABSOLUTE.test(path)) return 'is absolute';
  if (path.split(/[\\/]/).includes('..')) return 'leads out of the artifact';
  return path.split('/').some((name) => name === '' || name === '.') ? 'has an empty part' : undefined;
}

/** What is wrong with a manifest in itself, as a phrase behind the artifact's name. */
function manifestMistake({shape, files, emptyFolders, bytes, digest}: Artifact): string | undefined {
  if (shape === 'file' && (files.length !== 1 || files[0]!.path !== '' || emptyFolders.length > 0))
    return 'is said to be one file and is not';
  const paths = shape === 'file' ? [] : [...files.map(({path}) => path), ...emptyFolders];
  for (const path of paths) {
    const mistake = pathMistake(path);
    if (mistake !== undefined) return `has a path that ${mistake}: ${JSON.stringify(path)}`;
  }
  const taken = new Set(paths);
  if (taken.size < paths.length) return 'has a path twice';
  for (const path of paths) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end);
      if (taken.has(folder)) return `has something below ${JSON.stringify(folder)}, which is not a folder of files`;
    }
  }
  if (!files.every((file) => Number.isSafeInteger(file.bytes) && file.bytes >= 0)) return 'has a file of no size';
  if (files.reduce((sum, file) => sum + file.bytes, 0) !== bytes) return 'has another size than its files';
  return manifestDigest({shape, files, emptyFolders}) === digest ? undefined : 'has files that do not give its digest';
}

/** The artifact, if its rows are true to its digest and all its paths lead into it. @throws UserError 'store-damaged' */
export function checkManifest(artifact: Artifact): Artifact {
  const mistake = manifestMistake(artifact);
  if (mistake === undefined) return artifact;
  throw new UserError('store-damaged', `the store is damaged: @${artifact.digest.slice(0, 8)} ${mistake}`, {
    remedy: {type: 'verify'},
  });
}
