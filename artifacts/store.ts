/**
 * The store: bytes by content, and the facts about who made them. Says what a store can do and puts it together; what
 * each part does is in its own file.
 */
import {resolve} from 'node:path';
import {openArtifactRows} from './facts/artifact-rows.js';
import {Blobs} from './blobs/blobs.js';
import {openOwnerships} from './facts/ownership.js';
import type {Unowned} from './facts/ownership.js';
import {openDatabase, readDatabase} from './database/database.js';
import type {Database} from './database/database.js';
import {shortDigest} from './digest.js';
import type {Digest} from './digest.js';
import {openDiscard, setAside} from './folder/discard.js';
import type {Discard} from './folder/discard.js';
import {UserError, codeOf, mayBeFull, plainError} from './error.js';
import {jobFolder, openRecorder} from './facts/write.js';
import type {Recorder} from './facts/write.js';
import {disk} from './files.js';
import {isUsedUp} from './folder/network-fs.js';
import type {Files} from './files.js';
import {openFolders} from './blobs/folders.js';
import type {Damage, Placed} from './blobs/folders.js';
import {openGcLock} from './blobs/gc-lock.js';
import type {GcLock} from './blobs/gc-lock.js';
import {interruptible} from './blobs/interruption.js';
import type {Interruption} from './files.js';
import {foldersOf, layoutOf} from './layout.js';
import type {Layout} from './layout.js';
import {openMetrics} from './facts/metrics.js';
import type {Metrics} from './facts/metrics.js';
import {openOwnNames} from './folder/own-names.js';
import type {OwnNames} from './folder/own-names.js';
import {openQuarantine} from './blobs/quarantine.js';
import type {Quarantine} from './blobs/quarantine.js';
import {openLineage} from './facts/read.js';
import type {Lineage} from './facts/read.js';
import type {Artifact, AttemptId, RunId} from './records.js';
import {openReserve} from './folder/reserve.js';
import type {Reserve} from './folder/reserve.js';
import {openRunnerLocks} from './database/runner-lock.js';
import type {Lock, RunnerLocks} from './database/runner-lock.js';
import {openScratch} from './folder/scratch.js';
import type {Scratch, ScratchFolders} from './folder/scratch.js';
import {openGroupCommit} from './database/group-commit.js';
import {openStatCache} from './blobs/stat-cache.js';
import type {StatCache} from './blobs/stat-cache.js';
import {isBare, makeFolders, stateOf} from './folder/store-folder.js';

export interface StoreOptions {
  /** 'read' never writes, works on read-only folders and needs an existing store. Default 'write' (creates it). */
  readonly mode?: 'write' | 'read';
  /** False: a writer needs an existing store, too. Default true. */
  readonly create?: boolean;
  /** On a full disk, gives up the room that the store keeps for this rather than fail. For who will free some. */
  readonly useReserve?: boolean;
  /** The door to the disk; tests put one in that records, or fails. */
  readonly files?: Files;
}

/** An attempt without an outcome whose runner is dead; `run` is the one whose process died. */
export interface Orphan extends Unowned {
  readonly jobFolder: string;
}

export interface Store extends Recorder, Omit<Lineage, 'outputsPresent'>, Metrics {
  /** Absolute path. */
  readonly folder: string;
  readonly mode: 'write' | 'read';
  /** Random, made with the store. */
  readonly id: string;
  close(): void;

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
  artifact(digest: Digest): Artifact | undefined;
  /** Resolves when all that was written so far would survive a power cut. */
  flush(): Promise<void>;
  /**
   * From now on, when this is aborted, whatever reads or copies much (`ingest`, `describe`, `materialise`, `inputsIntact`)
   * ends within a moment with UserError 'interrupted'. Undefined: nothing does any more.
   */
  interruptOn(signal: AbortSignal | undefined): void;
  /** One view of the store for many reads, which then cost less; nothing may be written inside. */
  reading<T>(work: () => T): T;
  /** Keeps the garbage collector waiting until `work` is over: put `ingest` and its `finishAttempt` inside. */
  withoutGc<T>(work: () => Promise<T>): Promise<T>;

  /** Undefined when another process runs this run. */
  holdRunnerLock(run: RunId): Lock | undefined;
  isAlive(run: RunId): boolean;
  /** Attempts without an outcome whose runner is dead. */
  orphans(): readonly Orphan[];
  jobFolder(attempt: AttemptId): string;
  /**
   * Makes the job folder of an attempt that has just begun. A power cut may have taken back that an attempt of this number
   * began, and left its folder: that is removed first; what cannot be shown to be ours is set aside.
   */
  makeJobFolder(attempt: AttemptId): Promise<string>;
}

/** What modules beside this one need to work on a store: `verify`, `gc`, `ancestry` and such. Not for callers. */
export interface StoreParts {
  readonly db: Database;
  readonly layout: Layout;
  readonly files: Files;
  readonly blobs: Blobs;
  readonly gcLock: GcLock;
  readonly quarantine: Quarantine;
  readonly cache: StatCache;
  readonly locks: RunnerLocks;
  readonly own: OwnNames;
  readonly discard: Discard;
  readonly scratch: ScratchFolders;
  readonly reserve: Reserve;
  /** The reserve was used to open the store. */
  readonly usedReserve: boolean;
}

const parts = new WeakMap<Store, StoreParts>();

/** For modules of artifacts/ only. */
export function partsOf(store: Store): StoreParts {
  const found = parts.get(store);
  if (found === undefined) throw new Error('Internal error: this store was not opened by openStore');
  return found;
}

/**
 * A store that somebody sent may have links in it, and what is written to one would come to lie outside. The store's own
 * folder may be one, as whoever types its name knows where it leads.
 */
function refuseLinks(layout: Layout, files: Files): void {
  const link = foldersOf(layout).find((folder) => files.stat(folder)?.kind === 'link');
  if (link === undefined) return;
  throw new UserError('refused-file', `${link} is a symbolic link, and nothing is written through one into a store`, {
    hint: 'put a folder in its place; the whole store may lie behind a link: --store LINK',
  });
}

/** Made with the tables. @throws UserError 'store-damaged' */
function idOf(db: Database): string {
  const row = db.prepare<{id: string}>('SELECT id FROM store').get();
  if (row !== undefined) return row.id;
  throw new UserError('store-damaged', 'the store is damaged: it has no name of its own', {
    hint: 'restore store.db from a copy, or use another store with --store FOLDER',
  });
}

function assemble(
  folder: string,
  mode: 'write' | 'read',
  files: Files,
  db: Database,
  reserve: Reserve,
  usedReserve = false,
): Store {
  const readonly = mode === 'read';
  const layout = layoutOf(folder);
  const cache = openStatCache(db, readonly);
  const quarantine = openQuarantine(db, readonly);
  const interruption: Interruption = {signal: undefined};
  const context = {layout, files: interruptible(files, interruption), cache, quarantine, readonly};
  const blobs = new Blobs(context);
  const rows = openArtifactRows(db);
  const gcLock = openGcLock(layout, readonly);
  const locks = openRunnerLocks(layout);
  const ownerships = openOwnerships(db, locks);
  const lineage = openLineage(db, rows, blobs);
  const flush = openGroupCommit(layout, files);
  const facts = openRecorder({db, layout, rows, blobs, gcLock, ownerships, lineage, flush});
  const folders = openFolders(blobs, context);
  const id = idOf(db);
  const own = openOwnNames(layout, files, id);
  const discard = openDiscard(layout, files, (paths) => folders.removeTrees(paths));
  const discardTree = async (path: string): Promise<void> => {
    const away = discard.moveAway(path);
    if (away !== undefined) await discard.sweep(away);
  };
  const scratch = openScratch(layout, files, discardTree);
  const load = (digest: Digest): Artifact => {
    const artifact = rows.load(digest);
    if (artifact === undefined)
      throw new UserError('not-found', `the store knows no artifact @${shortDigest(digest)}`, {
        hint: '`r1 runs` lists what it knows',
      });
    return artifact;
  };

  const store: Store = {
    ...lineage,
    ...facts,
    ...openMetrics(db),
    folder,
    mode,
    id,
    close() {
      scratch.close();
      locks.close();
      gcLock.close();
      db.close();
    },
    ingest: (path, kind, options) => gcLock.runShared(() => folders.ingest(path, kind, options)),
    describe: (path, kind) => folders.describe(path, kind),
    materialise: (artifact, target) =>
      gcLock.runShared(async () => {
        try {
          return await folders.materialise(load(artifact), target);
        } catch (error) {
          // What was there before is not ours to remove.
          if (!(error instanceof UserError && error.reason === 'target-not-empty')) await folders.removeTrees([target]);
          throw error;
        }
      }),
    inputsIntact: (inputs) =>
      folders.inputsIntact(inputs.map(({artifact, path}) => ({artifact: load(artifact), path}))),
    async changedSince(artifacts) {
      const changed = new Set(await blobs.changedSince());
      if (changed.size === 0) return [];
      return artifacts.filter((digest) => load(digest).files.some(({sha256}) => changed.has(sha256)));
    },
    removeTree: (path) => folders.removeTrees([path].filter(own.mayRemove)),
    removeTrees: (paths) => folders.removeTrees(paths.filter(own.mayRemove)),
    scratch: (purpose) => scratch.make(purpose),
    abandonedScratch: () => own.temporaries().scratch.flatMap((name) => scratch.abandoned(name) ?? []),
    artifact: (digest) => rows.load(digest),
    flush,
    interruptOn: (signal) => void (interruption.signal = signal),
    reading: (work) => db.snapshot(work, 'carry this out'),
    withoutGc: (work) => gcLock.runShared(work),
    holdRunnerLock: (run) => locks.hold(run),
    isAlive: (run) => locks.isAlive(run),
    orphans: () => ownerships.unowned().map((orphan) => ({...orphan, jobFolder: jobFolder(layout, orphan.attempt)})),
    jobFolder: (attempt) => jobFolder(layout, attempt),
    async makeJobFolder(attempt) {
      const path = jobFolder(layout, attempt);
      if (!files.makeFolder(path)) {
        if (own.ownsJob(path)) await discardTree(path);
        else setAside(layout, files, path);
        files.makeFolder(path);
      }
      own.claimJob(path);
      return path;
    },
  };
  const guarded = guard(store, files);
  parts.set(guarded, {
    db,
    layout,
    files,
    blobs,
    gcLock,
    quarantine,
    cache,
    locks,
    own,
    discard,
    scratch,
    reserve,
    usedReserve,
  });
  return guarded;
}

/** What a person was about when the system failed them; completes “could not …”. */
const DOING: Partial<Record<keyof Store, string>> = {
  ingest: 'store the files',
  describe: 'read the files',
  materialise: 'lay out an input',
  inputsIntact: 'check the inputs',
  changedSince: 'check what was stored',
  removeTree: 'remove a folder',
  removeTrees: 'remove folders',
  scratch: 'make a folder to work in',
  makeJobFolder: 'make the folder of a job',
  flush: 'write to the store',
  reading: 'carry this out',
  holdRunnerLock: 'lock the run',
};

/** Whatever the system throws in a method leaves it as a sentence. */
function guard(store: Store, files: Files): Store {
  const {folder} = store;
  const failure = (error: unknown, doing: string): unknown => {
    if (codeOf(error) !== 'ENOENT' || files.stat(folder) !== undefined) return plainError(error, doing);
    return new UserError('no-store', `could not ${doing}: the store ${folder} is not there any more`, {
      hint: 'where it was moved, go on with it in its new place: r1 resume --store FOLDER',
      cause: error,
    });
  };
  const entries = Object.entries(store).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [name, value];
    const doing =
      DOING[name as keyof Store] ??
      (/^(begin|resume|end|adopt|finish|record|add)/.test(name) ? 'write to the store' : 'read the store');
    const wrapped = (...args: unknown[]): unknown => {
      try {
        const result: unknown = Reflect.apply(value, store, args);
        if (!(result instanceof Promise)) return result;
        return result.catch((error: unknown) => {
          throw failure(error, doing);
        });
      } catch (error) {
        throw failure(error, doing);
      }
    };
    return [name, wrapped];
  });
  return Object.fromEntries(entries) as Store;
}

function whyNotOpened(error: unknown, {folder}: Layout): unknown {
  const isDisguised = codeOf(error)?.startsWith('SQLITE_CANTOPEN') === true && isUsedUp(folder);
  const doing = `open the store ${folder}`;
  return plainError(isDisguised ? Object.assign(new Error('no room', {cause: error}), {code: 'ENOSPC'}) : error, doing);
}

/**
 * Opens the store at `folder`; a writer creates what is missing, in a folder that is missing or empty. Throws UserError:
 * folder-in-use, newer-store, read-only, unsafe-file-system, not-a-store, disk-full, store-damaged, no-store (where none
 * is to be made).
 */
export function openStore(
  folder: string,
  {mode = 'write', create = true, useReserve = false, files = disk}: StoreOptions = {},
): Store {
  if (folder === '') {
    throw new UserError('bad-argument', 'the name of the store’s folder is empty', {
      hint: 'leave --store out for .r1, or give a folder: --store FOLDER',
    });
  }
  const layout = layoutOf(resolve(folder));
  try {
    const state = stateOf(layout, files);
    if (state.is === 'free' && (mode === 'read' || !create)) {
      throw new UserError('no-store', `there is no store at ${layout.folder}`, {
        hint: '`r1 run` makes one; --store FOLDER names another',
      });
    }
    if (mode === 'write') refuseLinks(layout, files);
    const reserve = openReserve(layout, files);
    if (mode === 'read') return assemble(layout.folder, mode, files, readDatabase(layout.database), reserve);
    const open = (): Database => {
      makeFolders(layout, files, state);
      return openDatabase(layout.database, () => isBare(layout, files));
    };
    let db: Database;
    let usedReserve = false;
    try {
      db = open();
    } catch (thrown) {
      if (!useReserve || !mayBeFull(whyNotOpened(thrown, layout))) throw thrown;
      usedReserve = reserve.use();
      db = open();
    }
    if (state.is === 'free') files.syncNow(layout.folder);
    if (!usedReserve) reserve.make();
    return assemble(layout.folder, mode, files, db, reserve, usedReserve);
  } catch (error) {
    throw whyNotOpened(error, layout);
  }
}
