/** Takes an artifact out of the store: a copy of its own, never a link, each byte checked on its way. */
import {createHash} from 'node:crypto';
import {dirname, join, sep} from 'node:path';
import {shortDigest} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError, codeOf, plainError} from '../error.js';
import type {Files} from '../files.js';
import {pathError} from '../path-error.js';
import {realPath} from '../real-path.js';
import type {Artifact, ArtifactFile} from '../records.js';
import type {Store} from '../store.js';
import type {HasParts} from '../parts.js';

/**
 * Copies the artifact's files into `target`, which must be empty or not exist; a single file becomes `target` itself.
 * Every byte is hashed on the way. After an error nothing is left; what cannot be removed is named.
 *
 * @param stop ends the copying between two pieces of a file, and its reason is thrown
 * @throws UserError not-found, target-not-empty, bad-argument (a target inside the store), bytes-missing,
 * bytes-damaged, store-damaged, disk-full …
 */
export async function exportArtifact(
  store: Store,
  digest: Digest,
  target: string,
  stop?: AbortSignal,
): Promise<Artifact> {
  const {files} = store.parts;
  const artifact = store.artifact(digest);
  if (artifact === undefined) throw new UserError('not-found', `the store knows no artifact @${shortDigest(digest)}`);
  try {
    refuseTaken(files, artifact, target);
  } catch (error) {
    throw ofTarget(error, target);
  }
  refuseInside(store.folder, target);
  const made: string[] = [];
  try {
    await store.withoutGc(async () => {
      try {
        await copyAll(store, {artifact, target, made, stop});
      } catch (error) {
        // Before the store takes it for its own.
        throw ofTarget(error, target);
      }
    });
  } catch (error) {
    const left = removeAll(files, made);
    if (stop?.aborted === true && error === stop.reason && left.length === 0) throw error;
    throw withLeftovers(error, target, left);
  }
  return artifact;
}

const ofTarget = (error: unknown, target: string): unknown =>
  pathError(error, {path: target, doing: 'export to', instead: 'give another place to export to'});

/** Only what is empty or not there may be written to. */
function refuseTaken(files: Files, {shape}: Artifact, target: string): void {
  const refuse = (what: string, hint: string): UserError =>
    new UserError('target-not-empty', `${target} ${what}`, {hint});
  const before = files.statFollowed(target);
  if (before === undefined) {
    const entry = files.stat(target);
    if (entry === undefined) return;
    if (entry.kind === 'link') throw refuse('is a symbolic link that leads nowhere', 'remove it, or give another path');
    throw refuse('was made by another process just now', 'give a path where there is nothing yet');
  }
  if (before.kind !== 'folder') throw refuse('exists already', 'give a path where there is nothing yet');
  if (shape === 'file') {
    throw refuse('is a folder, and this is a single file', `give the path of the file to be: ${join(target, 'FILE')}`);
  }
  if (files.list(target).length > 0) throw refuse('is not empty', 'give a folder that is empty or does not exist yet');
}

/** What lies in a store is the store's: it would not know the copy, and `r1 gc` might take it for its own. */
function refuseInside(folder: string, target: string): void {
  const inside = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep);
  if (!inside(realPath(target), realPath(folder))) return;
  throw new UserError('bad-argument', `${target} is inside the store`, {hint: 'give a folder outside of it'});
}

interface Copy {
  readonly artifact: Artifact;
  readonly target: string;
  /** Collects what was made, parents first. */
  readonly made: string[];
  readonly stop: AbortSignal | undefined;
}

async function copyAll(store: HasParts, copy: Copy): Promise<void> {
  const {files} = store.parts;
  const {artifact, target, made} = copy;
  if (artifact.shape === 'folder') makeFolders(files, target, made);
  for (const folder of artifact.emptyFolders) makeInside(files, target, folder, made);
  for (const file of artifact.files) {
    if (file.path === '') makeFolders(files, dirname(target), made);
    else makeInside(files, target, dirname(file.path), made);
    await copyFile(store, file, copy);
  }
}

async function copyFile(store: HasParts, file: ArtifactFile, {artifact, target, made, stop}: Copy): Promise<void> {
  const {files, blobs} = store.parts;
  const to = file.path === '' ? target : join(target, file.path);
  const from = blobs.path(file.sha256);
  const what = `the bytes of ${file.path === '' ? 'the file' : file.path}`;
  const size = files.sizeOf(from);
  if (size === undefined) {
    throw new UserError('bytes-missing', `${what} are no longer in the store`, {
      remedy: {type: 'make-again', artifact: artifact.digest},
    });
  }
  const hash = createHash('sha256');
  const check = (chunk: Uint8Array): void => {
    stop?.throwIfAborted();
    hash.update(chunk);
  };
  if (size === file.bytes) {
    made.push(to);
    try {
      await files.copy(from, to, check, file.executable === true ? 0o777 : undefined);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      made.pop(); // Somebody else's.
      throw new UserError('target-not-empty', `${to} is there already`, {
        hint: 'give an empty folder; where upper and lower case are the same, two names may be one',
      });
    }
  }
  if (size !== file.bytes || hash.digest('hex') !== file.sha256) {
    throw new UserError('bytes-damaged', `${what} are damaged in the store`, {
      remedy: {type: 'run-anew', because: 'bytes-gone'},
    });
  }
}

/** Removes the newest first, and returns what could not be removed. */
function removeAll(files: Files, made: readonly string[]): readonly string[] {
  return made.toReversed().filter((path) => {
    try {
      files.remove(path);
      return false;
    } catch (error) {
      // Where a part of the path is a file, nothing was made. What else stays is named to the person who exports.
      return codeOf(error) !== 'ENOTDIR';
    }
  });
}

/** The error as a sentence, with what was left behind. */
function withLeftovers(error: unknown, target: string, left: readonly string[]): unknown {
  const plain = plainError(error, `export to ${target}`);
  const code = codeOf(plain);
  const said =
    plain instanceof UserError || !/^E[A-Z]+$/.test(code ?? '')
      ? plain
      : new UserError('io-error', `could not export to ${target}: ${(plain as Error).message}`, {cause: error});
  if (left.length === 0 || !(said instanceof Error)) return said;
  const rest = `left behind, since it could not be removed: ${left.join(', ')}`;
  const reason = said instanceof UserError ? said.reason : 'io-error';
  const {hint, remedy} = said instanceof UserError ? said : {};
  return new UserError(reason, said.message, {
    hint: hint === undefined ? rest : `${hint}\n${rest}`,
    remedy,
    cause: error,
  });
}

function makeFolders(files: Files, path: string, made: string[]): void {
  if (files.statFollowed(path)?.kind === 'folder') return;
  makeFolders(files, dirname(path), made);
  if (files.makeFolder(path)) made.push(path);
}

/** The folders of a relative path. Inside of the target no link is followed: it would lead out of it. */
function makeInside(files: Files, target: string, path: string, made: string[]): void {
  let folder = target;
  for (const name of path === '.' ? [] : path.split('/')) {
    folder = join(folder, name);
    if (files.makeFolder(folder)) made.push(folder);
    else if (files.stat(folder)?.kind !== 'folder') {
      throw new UserError('target-not-empty', `${folder} is there already, and is not a folder`, {
        hint: 'give a folder that is empty or does not exist yet',
      });
    }
  }
}
