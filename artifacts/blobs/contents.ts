/**
 * The first face of a store: bytes. What goes in, what comes out, and the folders in which work is done meanwhile. Writes no
 * lineage; the facts about what is in here are in `facts/`.
 */
import type {Blobs} from './blobs.js';
import {shortDigest} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError} from '../error.js';
import type {Files, Interruption} from '../files.js';
import {setAside} from '../folder/discard.js';
import type {Discard} from '../folder/discard.js';
import type {OwnNames} from '../folder/own-names.js';
import type {Scratch, ScratchFolders} from '../folder/scratch.js';
import {jobFolder} from '../layout.js';
import type {Layout} from '../layout.js';
import type {Artifact, AttemptId} from '../records.js';
import type {Damage, Folders, Placed} from './folders.js';
import type {GcLock} from './gc-lock.js';

/** Bytes by content, and the folders in which work is done. Records no lineage. */
export interface Contents {
  /**
   * Stores a file or folder: hashes it, writes its blobs durably, returns what it is. No lineage yet: bytes first, row
   * last (`finishAttempt`). `own: true` says that nobody else can write to the files any more (an attempt's outputs once
   * its process tree is dead): large ones are then hard-linked where that is safe instead of copied, and made read-only;
   * symbolic links are refused in them, and followed elsewhere.
   * Throws UserError: not-found, refused-file, changed-while-read, disk-full, io-error …
   */
  ingest(path: string, kind: string, options?: {readonly own?: boolean}): Promise<Artifact>;
  /** The same without storing anything; unchanged files are not read again. */
  describe(path: string, kind: string): Promise<Artifact>;
  /**
   * Puts an artifact at `target` (which must not exist), read-only: reflink, else a copy up to 1 MiB, else a hard link.
   * Throws UserError: not-found, bytes-missing, bytes-damaged, target-not-empty, disk-full …
   */
  materialise(artifact: Digest, target: string): Promise<Placed>;
  /** After an attempt: which files of its inputs were changed. Reads only what a stat cannot vouch for. */
  inputsIntact(inputs: readonly Placed[]): Promise<readonly Damage[]>;
  /**
   * Artifacts among these whose bytes somebody has written to after they were stored by this store object: a process that
   * outlived its stage unseen. Such bytes are put out of use.
   */
  changedSince(artifacts: readonly Digest[]): Promise<readonly Digest[]>;
  /** Deletes a job folder or a part of it. Use this and not `rm`: unlinking a hard link touches the blob's stat. */
  removeTree(path: string): Promise<void>;
  /** The same for many, several at once. */
  removeTrees(paths: readonly string[]): Promise<void>;
  /** An empty folder of one's own, to work in for a while; `gc` sweeps it when this process dies before it is removed. */
  scratch(purpose: string): Scratch;
  /** Scratch folders whose process died before it removed them; processes that it started may still be at work in them. */
  abandonedScratch(): readonly Scratch[];
  /** Path of the job folder of an attempt, whether it is there or not. */
  jobFolder(attempt: AttemptId): string;
  /**
   * Makes the job folder of an attempt that has just begun. A power cut may have taken back that an attempt of this number
   * began, and left its folder: that is removed first; what cannot be shown to be ours is set aside.
   */
  makeJobFolder(attempt: AttemptId): Promise<string>;
  /**
   * From now on, when this is aborted, whatever reads or copies much (`ingest`, `describe`, `materialise`, `inputsIntact`)
   * ends within a moment with UserError 'interrupted'. Undefined: nothing does any more.
   */
  interruptOn(signal: AbortSignal | undefined): void;
  /** Keeps the garbage collector waiting until `work` is over: put `ingest` and its `finishAttempt` inside. */
  withoutGc<T>(work: () => Promise<T>): Promise<T>;
}

export interface ContentsContext {
  readonly layout: Layout;
  readonly files: Files;
  readonly blobs: Blobs;
  readonly folders: Folders;
  readonly gcLock: GcLock;
  readonly own: OwnNames;
  readonly discard: Discard;
  readonly scratch: ScratchFolders;
  readonly interruption: Interruption;
  /** What the facts know of an artifact. */
  readonly load: (digest: Digest) => Artifact | undefined;
}

export function openContents(context: ContentsContext): Contents {
  const {layout, files, blobs, folders, gcLock, own, discard, scratch, interruption} = context;
  const known = (digest: Digest): Artifact => {
    const artifact = context.load(digest);
    if (artifact === undefined)
      throw new UserError('not-found', `the store knows no artifact @${shortDigest(digest)}`, {
        remedy: {type: 'list-lineage'},
      });
    return artifact;
  };
  return {
    ingest: (path, kind, options) => gcLock.runShared(() => folders.ingest(path, kind, options)),
    describe: (path, kind) => folders.describe(path, kind),
    materialise: (artifact, target) =>
      gcLock.runShared(async () => {
        try {
          return await folders.materialise(known(artifact), target);
        } catch (error) {
          // What was there before is not ours to remove.
          if (!(error instanceof UserError && error.reason === 'target-not-empty')) await folders.removeTrees([target]);
          throw error;
        }
      }),
    inputsIntact: (inputs) =>
      folders.inputsIntact(inputs.map(({artifact, path}) => ({artifact: known(artifact), path}))),
    async changedSince(artifacts) {
      const changed = new Set(await blobs.changedSince());
      if (changed.size === 0) return [];
      return artifacts.filter((digest) => known(digest).files.some(({sha256}) => changed.has(sha256)));
    },
    removeTree: (path) => folders.removeTrees([path].filter(own.mayRemove)),
    removeTrees: (paths) => folders.removeTrees(paths.filter(own.mayRemove)),
    scratch: (purpose) => scratch.make(purpose),
    abandonedScratch: () => own.temporaries().scratch.flatMap((name) => scratch.abandoned(name) ?? []),
    jobFolder: (attempt) => jobFolder(layout, attempt),
    async makeJobFolder(attempt) {
      const path = jobFolder(layout, attempt);
      if (!files.makeFolder(path)) {
        if (own.ownsJob(path)) await discard.remove(path);
        else setAside(layout, files, path);
        files.makeFolder(path);
      }
      own.claimJob(path);
      return path;
    },
    interruptOn: (signal) => void (interruption.signal = signal),
    withoutGc: (work) => gcLock.runShared(work),
  };
}
