/** Where things lie in a store. Nothing here touches the disk. */
import {dirname, join, sep} from 'node:path';
import type {Digest} from './digest.js';
import type {AttemptId} from './records.js';

/**
 *     .r1/
 *       r1-store                     the marker: this folder is a store; written before anything else
 *       store.db                     facts (SQLite, WAL)
 *       blobs/sha256/ab/ab12…        bytes of files, by their SHA-256, read-only
 *       jobs/17/                     one folder per attempt
 *       locks/run-3.lock             held by the process that runs run 3
 *       locks/collector.lock         shared by those who rely on blobs, exclusive while garbage is condemned
 *       locks/scratch-….lock         held as long as somebody works in the scratch folder of that name
 *       tmp/                         half-written files and scratch folders; what a crash leaves here is swept by `r1 gc`
 *       trash/                       condemned blobs and folders on their way out
 *       set-aside/                   what lay in the place of a blob and is not one; kept for whoever wants to look at it
 *       reserve/                     room that is kept free, for a collection on a full disk
 *       cache/                       may be lost without harm
 */
export interface Layout {
  readonly folder: string;
  readonly marker: string;
  readonly database: string;
  readonly blobs: string;
  readonly jobs: string;
  readonly locks: string;
  readonly tmp: string;
  readonly trash: string;
  readonly setAside: string;
  readonly reserve: string;
  readonly cache: string;
}

/** What r1 itself puts into the folder of a store. Whatever else lies there is somebody else's and is left alone. */
export const STORE_NAMES: ReadonlySet<string> = new Set([
  'r1-store',
  'store.db',
  'store.db-wal',
  'store.db-shm',
  'store.db-journal',
  'blobs',
  'jobs',
  'locks',
  'tmp',
  'trash',
  'set-aside',
  'reserve',
  'cache',
]);

/** Made by the system at the root of a file system; it belongs to nobody. */
export const LOST_AND_FOUND = 'lost+found';

/** `folder` is absolute. */
export function layoutOf(folder: string): Layout {
  return {
    folder,
    marker: join(folder, 'r1-store'),
    database: join(folder, 'store.db'),
    blobs: join(folder, 'blobs', 'sha256'),
    jobs: join(folder, 'jobs'),
    locks: join(folder, 'locks'),
    tmp: join(folder, 'tmp'),
    trash: join(folder, 'trash'),
    setAside: join(folder, 'set-aside'),
    reserve: join(folder, 'reserve'),
    cache: join(folder, 'cache'),
  };
}

/** The folder of a blob, one of 256; made with the first blob that goes there. */
export function shardOf(layout: Layout, sha256: Digest): string {
  return join(layout.blobs, sha256.slice(0, 2));
}

/** Put together by hand: `join` looks at every character, and a plan asks for the path of every blob. */
export function blobPath(layout: Layout, sha256: Digest): string {
  return layout.blobs + sep + sha256.slice(0, 2) + sep + sha256;
}

/** The folder of one attempt; nobody else writes there. */
export function jobFolder(layout: Layout, attempt: AttemptId): string {
  return join(layout.jobs, String(attempt));
}

/** Every folder that something is written to. */
export const foldersOf = ({folder, blobs, jobs, locks, tmp, trash, setAside}: Layout): readonly string[] => [
  dirname(blobs),
  blobs,
  jobs,
  locks,
  tmp,
  trash,
  setAside,
  join(folder, 'cache'),
];
