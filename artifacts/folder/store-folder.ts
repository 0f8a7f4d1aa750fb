/**
 * What a folder is: a store, one whose making was interrupted, free for one, or in use for something else. A store is made
 * only where nothing lies, and known by its marker; one of version 0.1, which has none, by its database. So r1 never works
 * in a folder with files of somebody else, and need not guess which ones are its own.
 */
import {dirname, join, relative, sep} from 'node:path';
import {databaseKind} from '../database/database.js';
import {UserError, codeOf} from '../error.js';
import type {Files} from '../files.js';
import {refuseNetworkFileSystem} from './network-fs.js';
import {LOST_AND_FOUND, STORE_NAMES, layoutOf} from '../layout.js';
import type {Layout} from '../layout.js';
import {realPath} from '../real-path.js';

export type FolderState =
  | {readonly is: 'store'; readonly marked: boolean}
  /** There is nothing, or a store that nobody has finished making. */
  | {readonly is: 'free'};

const MARKER = `This folder is a store of r1: it belongs to the program, which may remove what lies in it.\n`;

/** Throws UserError 'folder-in-use', 'not-a-store', 'store-damaged' or 'bad-argument'. Changes nothing. */
export function stateOf(layout: Layout, files: Files): FolderState {
  const {folder, database, marker} = layout;
  const found = files.statFollowed(folder);
  if (found === undefined && isLink(folder, files)) throw leadsNowhere(folder);
  if (found === undefined) return {is: 'free'};
  if (found.kind !== 'folder') {
    throw new UserError('bad-argument', `${folder} is a file, and a store is a folder`, {
      remedy: {type: 'choose-folder'},
    });
  }
  const marked = files.sizeOf(marker) !== undefined;
  const db = files.statFollowed(database);
  if (db !== undefined && db.kind !== 'file') {
    throw new UserError('not-a-store', `${database} is not a file`, {remedy: {type: 'choose-folder'}});
  }
  const hasDatabase = (db?.bytes ?? 0) > 0;
  if (hasDatabase && (marked || databaseKind(database) === 'store')) return {is: 'store', marked};
  const names = files.list(folder).filter((name) => name !== LOST_AND_FOUND);
  if (!marked) {
    if (names.length === 0) return {is: 'free'};
    // Another process may have begun to make a store since the marker was looked for, which comes first.
    if (files.sizeOf(marker) !== undefined) return stateOf(layout, files);
    throw db === undefined ? inUse(folder, names) : notOurs(database, hasDatabase);
  }
  const others = names.filter((name) => !STORE_NAMES.has(name));
  if (others.length > 0) throw inUse(folder, others);
  if (isBare(layout, files)) return {is: 'free'};
  // Another process may have made the database while this one was looking.
  if ((files.statFollowed(database)?.bytes ?? 0) > 0) return {is: 'store', marked};
  throw new UserError(
    'store-damaged',
    `${database} is ${db === undefined ? 'missing' : 'empty'}, though there is a store around it`,
    {
      remedy: {type: 'restore-database'},
    },
  );
}

/** Nothing has been stored yet: the folders of the store are empty or missing. */
export function isBare(layout: Layout, files: Files): boolean {
  const isEmpty = (folder: string): boolean => {
    const found = files.statFollowed(folder);
    if (found === undefined) return !isLink(folder, files);
    return found.kind === 'folder' && files.list(folder).length === 0;
  };
  // Only the locks of those who are making it may be there.
  return [layout.blobs, layout.jobs, layout.tmp, layout.trash, layout.setAside].every(isEmpty);
}

/**
 * Makes the folders that are missing, and brings their names to the disk before anything relies on them. In a new store
 * the marker comes first; in one of 0.1 it is added.
 */
export function makeFolders(layout: Layout, files: Files, {is}: FolderState): void {
  const made: string[] = [];
  const make = (folder: string): void => {
    const found = files.statFollowed(folder);
    if (found?.kind === 'folder') return;
    if (found === undefined && isLink(folder, files)) throw leadsNowhere(folder);
    if (found !== undefined) {
      throw new UserError('bad-argument', `there should be a folder, but ${folder} is a file`, {
        remedy: {type: 'choose-folder', or: 'move it elsewhere'},
      });
    }
    if (folder !== dirname(folder)) make(dirname(folder));
    try {
      if (files.makeFolder(folder)) made.push(folder);
    } catch (error) {
      // Where files are made up by the system, as in /proc, there is no room for any other.
      if (codeOf(error) !== 'ENOENT') throw error;
      throw new UserError('bad-argument', `no folder can be made in ${dirname(folder)}`, {
        remedy: {type: 'choose-folder'},
        cause: error,
      });
    }
  };
  if (is === 'free') refuseInside(layout.folder, files);
  else refuseShared(layout, files);
  make(layout.folder);
  refuseNetworkFileSystem(layout.folder);
  mark(layout, files, is);
  for (const folder of [layout.blobs, layout.jobs, layout.locks, layout.tmp, layout.trash]) make(folder);
  for (const parent of new Set(made.map((folder) => dirname(folder)))) files.syncNow(parent);
}

/** What jobs work in: a store that a stage makes there goes with the rest of what it leaves. */
const OF_A_JOB = /^jobs\/\d+\/./;

/** A collection in the store around it could take a part of it away. Links may lead into one. */
function refuseInside(folder: string, files: Files): void {
  for (const path of new Set([folder, realPath(folder)])) refuseBelow(path, folder, files);
}

/** @param path where the folder lies */
function refuseBelow(path: string, folder: string, files: Files): void {
  for (let around = dirname(path); around !== dirname(around); around = dirname(around)) {
    const {marker} = layoutOf(around);
    if (files.sizeOf(marker) === undefined) continue;
    if (OF_A_JOB.test(relative(around, path).replaceAll(sep, '/'))) return;
    throw new UserError('folder-in-use', `${folder} is inside the store ${around}`, {
      remedy: {type: 'use-store-around', store: around},
    });
  }
}

/** After `cp -al`, what one copy writes to its database is in that of the other one, whose files are others; then both are lost. */
function refuseShared({folder, database}: Layout, files: Files): void {
  if ((files.stat(database)?.links ?? 1) === 1) return;
  throw new UserError(
    'refused-file',
    `${database} is a hard link: another store, of which this is a copy, has the same one`,
    {
      hint: `give this one its own while nothing runs in either: cd "${folder}" && for f in store.db*; do cp -p "$f" own && mv own "$f"; done`,
    },
  );
}

function mark({marker, folder}: Layout, files: Files, is: FolderState['is']): void {
  if (files.stat(marker) !== undefined) return;
  try {
    files.writeSmall(marker, Buffer.from(MARKER));
    files.syncNow(marker);
  } catch (error) {
    // Somebody else was quicker. And a store of 0.1 is known by its database, so a full disk does not keep anybody from it.
    const harmless = ['EEXIST', ...(is === 'store' ? ['ENOSPC', 'EDQUOT'] : [])];
    if (!harmless.includes(codeOf(error) ?? '')) throw error;
  }
  files.syncNow(folder);
}

/** More names than this help nobody. */
const NAMED = 3;

function inUse(folder: string, names: readonly string[]): UserError {
  const shown = names.slice(0, NAMED).map((name) => `“${name}”`);
  const more = names.length - shown.length;
  const what = more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(' and ');
  const own = folder === process.cwd() ? '.r1' : join(folder, '.r1');
  return new UserError(
    'folder-in-use',
    `${folder} is in use and no store: ${what} ${names.length === 1 ? 'lies' : 'lie'} in it`,
    {
      remedy: {type: 'use-empty-folder', folder: own},
    },
  );
}

function notOurs(database: string, hasDatabase: boolean): UserError {
  const kind = hasDatabase ? databaseKind(database) : undefined;
  const why =
    kind === undefined
      ? 'is empty, and nothing says that it is a store’s'
      : kind === 'none'
        ? 'is not a database'
        : 'is a database, but not one of a store';
  return new UserError('not-a-store', `${database} ${why}`, {remedy: {type: 'choose-folder'}});
}

/** Asked where following found nothing. A folder there now was made by another process after that look, and is no link. */
const isLink = (path: string, files: Files): boolean => files.stat(path)?.kind === 'link';

const leadsNowhere = (folder: string): UserError =>
  new UserError('bad-argument', `${folder} is a link that leads nowhere`, {
    remedy: {type: 'choose-folder', or: 'fix or remove the link'},
  });
