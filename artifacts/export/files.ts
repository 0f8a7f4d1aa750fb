/** Takes an artifact out of the store: a copy of its own, never a link, each byte checked on its way. */
import {createHash} from 'node:crypto';
import {dirname, join} from 'node:path';
import {shortDigest} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError, plainError} from '../error.js';
import type {Files} from '../files.js';
import type {Artifact} from '../records.js';
import {partsOf} from '../store.js';
import type {Store} from '../store.js';

/**
 * Copies the artifact's files into `target`, which must be empty or not exist; a single file becomes `target` itself.
 * Throws UserError: not-found, target-not-empty, bytes-missing, bytes-damaged, disk-full … After an error nothing is left.
 */
export async function exportArtifact(store: Store, digest: Digest, target: string): Promise<Artifact> {
  const {files} = partsOf(store);
  const artifact = store.artifact(digest);
  if (artifact === undefined) throw new UserError('not-found', `the store knows no artifact @${shortDigest(digest)}`);
  const before = files.statFollowed(target);
  const empty =
    before === undefined ||
    (before.kind === 'folder' && artifact.shape === 'folder' && files.list(target).length === 0);
  if (!empty) {
    throw new UserError(
      'target-not-empty',
      `${target} ${before.kind === 'folder' ? 'is not empty' : 'exists already'}`,
      {
        hint: 'give a folder that is empty or does not exist yet',
      },
    );
  }
  const made: string[] = [];
  try {
    await store.withoutCollector(() => copyAll(store, artifact, target, made));
  } catch (error) {
    for (const path of made.reverse()) if (files.stat(path) !== undefined) files.remove(path);
    throw plainError(error, `export to ${target}`);
  }
  return artifact;
}

/** `made` collects what was made, parents first. */
async function copyAll(store: Store, artifact: Artifact, target: string, made: string[]): Promise<void> {
  const {files, blobs} = partsOf(store);
  if (artifact.shape === 'folder') makeFolders(files, target, made);
  for (const folder of artifact.emptyFolders) makeFolders(files, join(target, folder), made);
  for (const file of artifact.files) {
    const to = file.path === '' ? target : join(target, file.path);
    makeFolders(files, dirname(to), made);
    const from = blobs.path(file.sha256);
    const what = `the bytes of ${file.path === '' ? 'the file' : file.path}`;
    if (files.stat(from) === undefined) {
      throw new UserError('bytes-missing', `${what} are no longer in the store`, {
        hint: `\`r1 show @${shortDigest(artifact.digest)}\` says what made it; running that again brings them back`,
      });
    }
    const hash = createHash('sha256');
    made.push(to);
    await files.copy(from, to, (chunk) => hash.update(chunk));
    if (hash.digest('hex') !== file.sha256) {
      throw new UserError('bytes-damaged', `${what} are damaged in the store`, {
        hint: '`r1 verify` names everything that is',
      });
    }
  }
}

function makeFolders(files: Files, path: string, made: string[]): void {
  if (files.statFollowed(path)?.kind === 'folder') return;
  makeFolders(files, dirname(path), made);
  if (files.makeFolder(path)) made.push(path);
}
