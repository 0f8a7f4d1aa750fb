/**
 * The lock between garbage collection and whoever relies on blobs: those who rely on them share it, and the collection
 * holds it exclusively, only while it condemns. It is an OS lock, so a crash leaves nothing to clean up.
 */
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {openLockFile} from '../database/database.js';
import type {LockFile} from '../database/database.js';
import {UserError, codeOf} from '../error.js';
import type {Layout} from '../layout.js';

export interface GcLock {
  /** Holds the lock together with others while `work` goes on. May be nested. */
  runShared<T>(work: () => Promise<T>): Promise<T>;
  runSharedNow<T>(work: () => T): T;
  /** Holds it exclusively: waits until nobody shares it, in this process or another, for `patience` milliseconds. */
  runExclusive<T>(work: () => T, patience?: number): T;
  close(): void;
}

const BUSY = () =>
  new UserError('store-busy', 'the garbage collector keeps the store busy', {
    remedy: {type: 'wait-for-gc'},
  });

/** How long the collector may keep the others waiting, and the other way round, in milliseconds. */
const PATIENCE = 60_000;

/** A reader that may not even open the lock file does without it: it only reads, and finds out when a blob is gone. */
export function openGcLock(layout: Layout, readonly: boolean): GcLock {
  const file = join(layout.locks, 'collector.lock');
  let shared: LockFile | undefined;
  let holders = 0;
  const open = (): LockFile => {
    if (!readonly) return openLockFile(file);
    try {
      return openLockFile(file, {readonly});
    } catch (error) {
      if (codeOf(error)?.startsWith('SQLITE_CANTOPEN') !== true) throw error;
      return {acquire: () => true, release: () => undefined, close: () => undefined};
    }
  };
  const acquire = (milliseconds: number): boolean => (shared ??= open()).acquire('shared', milliseconds);
  const release = (): void => {
    if (--holders === 0) shared?.release();
  };
  return {
    async runShared(work) {
      // Waits without blocking the event loop; somebody else of this process may get in meanwhile.
      const until = Date.now() + PATIENCE;
      while (holders === 0 && !acquire(0)) {
        if (Date.now() > until) throw BUSY();
        await sleep(10);
      }
      holders += 1;
      try {
        return await work();
      } finally {
        release();
      }
    },
    runSharedNow(work) {
      if (holders === 0 && !acquire(PATIENCE)) throw BUSY();
      holders += 1;
      try {
        return work();
      } finally {
        release();
      }
    },
    runExclusive(work, patience = PATIENCE) {
      const lock = openLockFile(file);
      try {
        if (!lock.acquire('exclusive', patience)) {
          throw new UserError('store-busy', 'somebody is storing results without a pause', {
            remedy: {type: 'collect-later'},
          });
        }
        try {
          return work();
        } finally {
          lock.release();
        }
      } finally {
        lock.close();
      }
    },
    close: () => shared?.close(),
  };
}
