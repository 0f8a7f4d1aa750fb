/**
 * Who runs a run: the process that holds its lock. An OS lock and not a pid or a heartbeat: it is free the moment the
 * process is dead, even where everyone is pid 1, and still held by one that is merely suspended.
 */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {openLockFile} from './database.js';
import type {LockFile} from './database.js';
import type {Layout} from './layout.js';
import type {RunId} from './records.js';

/** A held OS lock; freed by the system when the process dies, however it dies. */
export interface Lock {
  release(): void;
}

export interface RunnerLocks {
  /** Undefined when somebody else holds it, in this process or another. */
  hold(run: RunId): Lock | undefined;
  /** True when this store object holds it. */
  isMine(run: RunId): boolean;
  isAlive(run: RunId): boolean;
  close(): void;
}

/** Long enough for somebody who only looks whether the lock is held to look away again. */
const LOOKERS = 1000;

export function openRunnerLocks(layout: Layout): RunnerLocks {
  const mine = new Map<RunId, LockFile>();
  const fileOf = (run: RunId): string => join(layout.locks, `run-${run}.lock`);
  return {
    hold(run) {
      const lock = openLockFile(fileOf(run));
      // A looker shares the lock for a moment, so a holder is only believed after this wait.
      if (!lock.acquire('exclusive', LOOKERS)) {
        lock.close();
        return undefined;
      }
      mine.set(run, lock);
      return {
        release() {
          if (mine.get(run) !== lock) return;
          mine.delete(run);
          lock.release();
          lock.close();
        },
      };
    },
    isMine: (run) => mine.has(run),
    isAlive(run) {
      if (mine.has(run)) return true;
      if (!existsSync(fileOf(run))) return false;
      const lock = openLockFile(fileOf(run), {readonly: true});
      try {
        const free = lock.acquire('shared', 0);
        if (free) lock.release();
        return !free;
      } finally {
        lock.close();
      }
    },
    close() {
      for (const lock of mine.values()) lock.close();
      mine.clear();
    },
  };
}
