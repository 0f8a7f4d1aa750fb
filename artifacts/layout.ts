/** Where things lie in a store. Nothing here touches the disk. */
import {join, sep} from 'node:path';
import type {Digest} from './digest.js';

/**
 *     .r1/
 *       store.db                     facts (SQLite, WAL)
 *       blobs/sha256/ab/ab12…        bytes of files, by their SHA-256, read-only
 *       jobs/17/                     one folder per attempt
 *       locks/run-3.lock             held by the process that runs run 3
 *       locks/collector.lock         shared by those who rely on blobs, exclusive while garbage is condemned
 *       tmp/                         half-written files; what a crash leaves here is swept by `r1 gc`
 *       trash/                       condemned blobs on their way out
 */
export interface Layout {
  readonly folder: string;
  readonly database: string;
  readonly blobs: string;
  readonly jobs: string;
  readonly locks: string;
  readonly tmp: string;
  readonly trash: string;
}

/** `folder` is absolute. */
export function layoutOf(folder: string): Layout {
  return {
    folder,
    database: join(folder, 'store.db'),
    blobs: join(folder, 'blobs', 'sha256'),
    jobs: join(folder, 'jobs'),
    locks: join(folder, 'locks'),
    tmp: join(folder, 'tmp'),
    trash: join(folder, 'trash'),
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
