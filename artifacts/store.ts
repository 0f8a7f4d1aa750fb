/**
 * The store: bytes by content, and the facts about who made them. Puts together what a store can do, from three faces:
 * contents (`blobs/contents.ts`), recorder (`facts/write.ts`) and lineage (`facts/read.ts`).
 */
import {resolve} from 'node:path';
import {Blobs} from './blobs/blobs.js';
import {openContents} from './blobs/contents.js';
import type {Contents} from './blobs/contents.js';
import {openFolders} from './blobs/folders.js';
import {openGcLock} from './blobs/gc-lock.js';
import {interruptible} from './blobs/interruption.js';
import {openQuarantine} from './blobs/quarantine.js';
import {openStatCache} from './blobs/stat-cache.js';
import {openDatabase, readDatabase} from './database/database.js';
import type {Database} from './database/database.js';
import {openGroupCommit} from './database/group-commit.js';
import {openRunnerLocks} from './database/runner-lock.js';
import type {Digest} from './digest.js';
import {UserError, codeOf, mayBeFull, plainError} from './error.js';
import {openArtifactRows} from './facts/artifact-rows.js';
import {openOwnerships} from './facts/ownership.js';
import {openLineage} from './facts/read.js';
import type {Lineage} from './facts/read.js';
import {openReuse} from './facts/reuse.js';
import {openRecorder} from './facts/write.js';
import type {Recorder} from './facts/write.js';
import {disk} from './files.js';
import type {Files, Interruption} from './files.js';
import {openDiscard} from './folder/discard.js';
import {isUsedUp} from './folder/network-fs.js';
import {openOwnNames} from './folder/own-names.js';
import {openReserve} from './folder/reserve.js';
import type {Reserve} from './folder/reserve.js';
import {openScratch} from './folder/scratch.js';
import {isBare, makeFolders, stateOf} from './folder/store-folder.js';
import {openGuard} from './guard.js';
import {foldersOf, layoutOf} from './layout.js';
import type {Layout} from './layout.js';
import type {HasParts} from './parts.js';
import type {Artifact} from './records.js';

/** How to open a store. */
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

/**
 * Bytes by content, the facts about who made them, and questions about those: one face each. A function takes the face that it
 * needs.
 */
export interface Store extends Contents, Recorder, Lineage, HasParts {
  /** Absolute path. */
  readonly folder: string;
  readonly mode: 'write' | 'read';
  /** Random, made with the store. */
  readonly id: string;
  /** Frees the database and the locks. Nothing of the store may be used afterwards. */
  close(): void;
}

/**
 * A store that somebody sent may have links in it, and what is written to one would come to lie outside. The store's own
 * folder may be one, as whoever types its name knows where it leads.
 */
function refuseLinks(layout: Layout, files: Files): void {
  const link = foldersOf(layout).find((folder) => files.stat(folder)?.kind === 'link');
  if (link === undefined) return;
  throw new UserError('refused-file', `${link} is a symbolic link, and nothing is written through one into a store`, {
    remedy: {type: 'replace-link'},
  });
}

/** Made with the tables. @throws UserError 'store-damaged' */
function idOf(db: Database): string {
  const row = db.prepare<{id: string}>('SELECT id FROM store').get();
  if (row !== undefined) return row.id;
  throw new UserError('store-damaged', 'the store is damaged: it has no name of its own', {
    remedy: {type: 'restore-database'},
  });
}

interface Assembly {
  readonly folder: string;
  readonly mode: 'write' | 'read';
  readonly files: Files;
  readonly db: Database;
  readonly reserve: Reserve;
  readonly usedReserve: boolean;
}

function assemble({folder, mode, files, db, reserve, usedReserve}: Assembly): Store {
  const readonly = mode === 'read';
  const layout = layoutOf(folder);
  const cache = openStatCache(db, readonly);
  const quarantine = openQuarantine(db, readonly);
  const interruption: Interruption = {signal: undefined};
  const context = {layout, files: interruptible(files, interruption), cache, quarantine, readonly};
  const blobs = new Blobs(context);
  const folders = openFolders(blobs, context);
  const rows = openArtifactRows(db);
  const gcLock = openGcLock(layout, readonly);
  const locks = openRunnerLocks(layout);
  const ownerships = openOwnerships(db, locks);
  const reuse = openReuse(db, blobs);
  const flush = openGroupCommit(layout, files);
  const id = idOf(db);
  const own = openOwnNames(layout, files, id);
  const discard = openDiscard(layout, files, (paths) => folders.removeTrees(paths));
  const scratch = openScratch(layout, files, (path) => discard.remove(path));

  const load = (digest: Digest): Artifact | undefined => rows.load(digest);
  const contents = openContents({layout, files, blobs, folders, gcLock, own, discard, scratch, interruption, load});
  const recorder = openRecorder({db, layout, rows, blobs, gcLock, locks, ownerships, reuse, flush});
  const lineage = openLineage({db, layout, rows, blobs, locks, ownerships, reuse});
  const close = (): void => {
    scratch.close();
    locks.close();
    gcLock.close();
    db.close();
  };

  const guard = openGuard(folder, files);
  return {
    folder,
    mode,
    id,
    ...guard(contents, 'read the files', {
      ingest: 'store the files',
      materialise: 'lay out an input',
      inputsIntact: 'check the inputs',
      changedSince: 'check what was stored',
      removeTree: 'remove a folder',
      removeTrees: 'remove folders',
      scratch: 'make a folder to work in',
      makeJobFolder: 'make the folder of a job',
      withoutGc: 'write to the store',
    }),
    ...guard(recorder, 'write to the store', {holdRunnerLock: 'lock the run'}),
    ...guard(lineage, 'read the store', {reading: 'carry this out'}),
    ...guard({close}, 'close the store'),
    parts: {db, layout, files, blobs, gcLock, quarantine, cache, locks, own, discard, scratch, reserve, usedReserve},
  };
}

function whyNotOpened(error: unknown, {folder}: Layout): unknown {
  const isDisguised = codeOf(error)?.startsWith('SQLITE_CANTOPEN') === true && isUsedUp(folder);
  const doing = `open the store ${folder}`;
  return plainError(isDisguised ? Object.assign(new Error('no room', {cause: error}), {code: 'ENOSPC'}) : error, doing);
}

/**
 * Opens the store at `folder`; a writer creates what is missing, in a folder that is missing or empty.
 *
 * @throws UserError folder-in-use, newer-store, read-only, unsafe-file-system, not-a-store, disk-full, store-damaged;
 * no-store where none is to be made
 */
export function openStore(
  folder: string,
  {mode = 'write', create = true, useReserve = false, files = disk}: StoreOptions = {},
): Store {
  if (folder === '') {
    throw new UserError('bad-argument', 'the name of the store’s folder is empty', {
      remedy: {type: 'name-folder'},
    });
  }
  let layout: Layout;
  try {
    layout = layoutOf(resolve(folder));
  } catch (error) {
    throw plainError(error, 'open the store');
  }
  try {
    const state = stateOf(layout, files);
    if (state.is === 'free' && (mode === 'read' || !create)) {
      throw new UserError('no-store', `there is no store at ${layout.folder}`, {
        remedy: {type: 'make-store'},
      });
    }
    if (mode === 'write') refuseLinks(layout, files);
    const reserve = openReserve(layout, files);
    if (mode === 'read') {
      const db = readDatabase(layout.database);
      return orClose(db, () => assemble({folder: layout.folder, mode, files, db, reserve, usedReserve: false}));
    }
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
    return orClose(db, () => {
      if (state.is === 'free') files.syncNow(layout.folder);
      if (!usedReserve) reserve.make();
      return assemble({folder: layout.folder, mode, files, db, reserve, usedReserve});
    });
  } catch (error) {
    throw whyNotOpened(error, layout);
  }
}

/** A database that nobody gets is not left open. */
function orClose<T>(db: Database, work: () => T): T {
  try {
    return work();
  } catch (error) {
    db.close();
    throw error;
  }
}
