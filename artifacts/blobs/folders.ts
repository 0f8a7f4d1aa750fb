/**
 * Artifacts as files and folders on the disk: into the store, out of it into a job folder, and the check afterwards that
 * a job has left its inputs alone. Writes no lineage.
 */
import {randomUUID} from 'node:crypto';
import {dirname, join} from 'node:path';
import {setImmediate as breathe} from 'node:timers/promises';
import type {BlobContext, Blobs} from './blobs.js';
import {sha256 as hashBytes, shortDigest} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError, codeOf} from '../error.js';
import type {FileStat} from '../files.js';
import {SMALL, hashAll, hashFile} from './hash.js';
import {toArtifact} from './list-files.js';
import {inParallel} from './in-parallel.js';
import type {Artifact, ArtifactFile} from '../records.js';
import {unreadable} from '../path-error.js';

import type {Known} from './stat-cache.js';
import {listFiles} from './list-files.js';

/** An input as it lies in a job folder. */
export interface Placed {
  readonly artifact: Digest;
  /** Where it was put: absolute. */
  readonly path: string;
}

/** A file of an input that no longer has the bytes it should. A blob of the store that changed is quarantined. */
export interface Damage {
  readonly artifact: Digest;
  /** Relative to the input's folder. */
  readonly file: string;
  /** True when the store's own copy changed with it (a hard link was written through). */
  readonly blobDamaged: boolean;
}

export interface Folders {
  ingest(path: string, kind: string, options?: {readonly own?: boolean}): Promise<Artifact>;
  describe(path: string, kind: string): Promise<Artifact>;
  materialise(artifact: Artifact, target: string): Promise<Placed>;
  inputsIntact(inputs: readonly {readonly artifact: Artifact; readonly path: string}[]): Promise<readonly Damage[]>;
  removeTrees(paths: readonly string[]): Promise<void>;
}

/** Trees that are removed at the same time; libuv has four threads for it. */
const AT_ONCE = 4;

/** So often a folder is emptied into which somebody writes at the same time. */
const ROUNDS = 5;

/** Letters of a path below a root, from which on it is not followed further down: the system refuses paths of 4,096 bytes. */
const LONG = 600;

const fileAt = (root: string, file: ArtifactFile): string => (file.path === '' ? root : join(root, file.path));

/** Of an input in a job folder: nobody may write to it. */
const modeOf = ({executable}: ArtifactFile): number => (executable === true ? 0o555 : 0o444);

export function openFolders(blobs: Blobs, {files, cache, quarantine}: BlobContext): Folders {
  const restoreMode = (blob: string): void => {
    const stat = files.stat(blob);
    if (stat?.kind === 'file' && (stat.writable || stat.executable)) files.setMode(blob, 0o444);
  };

  const makeFolders = (path: string): void => {
    if (files.stat(path)?.kind === 'folder') return;
    makeFolders(dirname(path));
    files.makeFolder(path);
  };

  const unusable = (artifact: Artifact, file: ArtifactFile, state: 'missing' | 'damaged'): UserError =>
    new UserError(
      state === 'missing' ? 'bytes-missing' : 'bytes-damaged',
      `the bytes of ${file.path === '' ? 'the file' : file.path} in @${shortDigest(artifact.digest)} are ${state} in the store`,
      {
        remedy: {type: 'make-again', artifact: artifact.digest},
      },
    );

  /** A file that is small enough to be read is checked byte by byte each time; returns its stat at the target. */
  const placeSmall = (artifact: Artifact, file: ArtifactFile, target: string): void => {
    const blob = blobs.path(file.sha256);
    const size = files.sizeOf(blob);
    // A link, a pipe or a folder in the place of a blob is not one, and reading it might never end.
    if (size === undefined) throw unusable(artifact, file, 'missing');
    // Nor is a file that turns out to be a large one read into memory.
    const bytes = size === file.bytes ? files.readSmall(blob) : undefined;
    if (bytes === undefined || hashBytes(bytes) !== file.sha256) {
      quarantine.add(
        file.sha256,
        bytes === undefined ? `${size} bytes instead of ${file.bytes}` : 'other bytes than its name says',
      );
      throw unusable(artifact, file, 'damaged');
    }
    files.writeSmall(target, bytes);
    files.setMode(target, modeOf(file));
  };

  /** Returns true when target and blob are now one inode. */
  const placeLarge = async (artifact: Artifact, file: ArtifactFile, target: string): Promise<boolean> => {
    const state = await blobs.check(file.sha256, file.bytes);
    if (state !== 'intact') throw unusable(artifact, file, state);
    const blob = blobs.path(file.sha256);
    if (blobs.clone(blob, target)) {
      files.setMode(target, modeOf(file));
      return false;
    }
    // A mode belongs to all links of a blob, and elsewhere the same bytes may not be there to be executed.
    if (file.executable !== true && blobs.link(blob, target)) return true;
    await files.copy(blob, target);
    files.setMode(target, modeOf(file));
    return false;
  };

  /** Blobs whose links went, by inode: several trees may have had links to one, and only the first finds it in the cache. */
  type Unlinked = Map<string, {readonly path: string; readonly sha256: Digest; readonly before: FileStat}>;

  const removeTree = async (root: string, unlinked: Unlinked): Promise<void> => {
    let removed = 0;
    /** A job may have taken its own rights to a folder away. */
    const withAccess = async <T>(folder: string, act: () => T | Promise<T>): Promise<T> => {
      try {
        return await act();
      } catch (error) {
        if (codeOf(error) !== 'EACCES' && codeOf(error) !== 'EPERM') throw error;
        files.setMode(folder, 0o700);
        return act();
      }
    };
    /** Folders that were brought up to the root, where paths of what is in them are short enough to be used. */
    const broughtUp: string[] = [];
    const visit = async (entry: string, parent: string): Promise<void> => {
      const stat = await withAccess(parent, () => files.stat(entry));
      if (stat === undefined) return;
      if (stat.kind === 'folder') {
        if (entry.length - root.length > LONG) {
          const up = join(root, randomUUID());
          await withAccess(parent, () => files.rename(entry, up));
          broughtUp.push(up);
          return;
        }
        for (let round = 1; ; round++) {
          for (const name of await withAccess(entry, () => files.list(entry))) await visit(join(entry, name), entry);
          if (entry === root)
            for (let up = broughtUp.pop(); up !== undefined; up = broughtUp.pop()) await visit(up, root);
          try {
            await withAccess(parent, () => files.removeFolder(entry));
            break;
          } catch (error) {
            // Somebody still writes in it; who never stops is left to the caller.
            if (codeOf(error) !== 'ENOTEMPTY' || round === ROUNDS) throw error;
          }
        }
      } else if (stat.kind === 'file' && stat.links > 1 && stat.bytes > SMALL) {
        const sha256 = cache.lookup(stat);
        const inode = `${stat.dev}/${stat.ino}`;
        if (sha256 !== undefined && !unlinked.has(inode))
          unlinked.set(inode, {path: blobs.path(sha256), sha256, before: stat});
      }
      if (stat.kind !== 'folder') await withAccess(parent, () => files.remove(entry));
      if (++removed % 512 === 0) await breathe();
    };
    await visit(root, dirname(root));
  };

  /** Reads only what its stat cannot vouch for, and says so in `known`. */
  const isIntact = async (
    path: string,
    stat: FileStat | undefined,
    {bytes, sha256}: ArtifactFile,
    known: Known[],
  ): Promise<boolean> => {
    if (stat?.kind !== 'file' || stat.bytes !== bytes) return false;
    if (cache.lookup(stat) === sha256) return true;
    const seenAt = Date.now();
    if ((await hashFile(files, {path, bytes})) !== sha256) return false;
    known.push({stat, sha256, seenAt});
    return true;
  };

  const describe = async (path: string, kind: string): Promise<Artifact> => {
    const listing = listFiles(files, path, 'follow');
    const digests = listing.files.map(({stat}) => cache.lookup(stat));
    const unknown = listing.files.filter((_, index) => digests[index] === undefined);
    const seenAt = Date.now();
    const hashed = await hashAll(
      files,
      unknown.map(({from, stat}) => ({path: from, bytes: stat.bytes})),
    );
    const known = unknown.map(({stat}, index): Known => ({stat, sha256: hashed[index]!, seenAt}));
    for (const {from, stat} of unknown) blobs.refuseChange(from, stat);
    cache.remember(known);
    let next = 0;
    return toArtifact(
      listing,
      digests.map((digest) => digest ?? hashed[next++]!),
      kind,
    );
  };

  return {
    async ingest(path, kind, {own = false} = {}) {
      const listing = listFiles(files, path, own ? 'refuse' : 'follow');
      return toArtifact(listing, await blobs.put(listing.files, own), kind);
    },

    async describe(path, kind) {
      try {
        return await describe(path, kind);
      } catch (error) {
        throw unreadable(error, path);
      }
    },

    async materialise(artifact, target) {
      if (files.stat(target) !== undefined) throw new UserError('target-not-empty', `${target} exists already`);
      makeFolders(dirname(target));
      if (artifact.shape === 'folder') files.makeFolder(target);
      for (const folder of artifact.emptyFolders) makeFolders(join(target, folder));
      const linked: {readonly path: string; readonly sha256: Digest; readonly before: FileStat}[] = [];
      let sinceBreath = 0;
      for (const file of artifact.files) {
        const to = fileAt(target, file);
        if (artifact.shape === 'folder') makeFolders(dirname(to));
        if (file.bytes <= SMALL) {
          placeSmall(artifact, file, to);
        } else {
          const before = files.stat(blobs.path(file.sha256));
          const isLink = await placeLarge(artifact, file, to);
          if (isLink && before !== undefined) linked.push({path: to, sha256: file.sha256, before});
        }
        sinceBreath += Math.min(file.bytes, SMALL) + 4096;
        if (sinceBreath > 8 * SMALL) {
          sinceBreath = 0;
          await breathe();
        }
      }
      // Linking has changed the ctime of those blobs. What the cache knew of them stays true if nothing else changed.
      await blobs.vouch(linked);
      return {artifact: artifact.digest, path: target};
    },

    async inputsIntact(inputs) {
      const damages: Damage[] = [];
      const known: Known[] = [];
      for (const {artifact, path: root} of inputs) {
        for (const file of artifact.files) {
          const path = fileAt(root, file);
          const mayBeLinked = file.bytes > SMALL;
          // Who may change permissions can do so through a hard link, and later changes would then need no intent at all.
          if (mayBeLinked) restoreMode(blobs.path(file.sha256));
          const stat = files.stat(path);
          const same = await isIntact(path, stat, file, known);
          // A link may have been written through and replaced by a file of the old bytes.
          const blob = mayBeLinked ? files.stat(blobs.path(file.sha256)) : undefined;
          if (same && (blob === undefined || blob.ino === stat?.ino)) continue;
          // A damaged one is put out of use by the check.
          const blobDamaged = (await blobs.check(file.sha256, file.bytes)) === 'damaged';
          if (!same || blobDamaged) damages.push({artifact: artifact.digest, file: file.path, blobDamaged});
        }
      }
      // Only large files are worth a row: small copies are read again in no time and die with the job folder.
      cache.remember(known.filter(({stat}) => stat.bytes > SMALL));
      return damages;
    },

    async removeTrees(paths) {
      const unlinked: Unlinked = new Map();
      await inParallel(paths, AT_ONCE, (path) => removeTree(path, unlinked));
      await blobs.vouch([...unlinked.values()]);
    },
  };
}
