/**
 * Who runs a run: the process that holds its lock. An OS lock and not a pid or a heartbeat: it is free the moment the
 * process is dead, even where everyone is pid 1, and still held by one that is merely suspended.
 */
import {closeSync, existsSync, openSync, readdirSync, rmSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {openLockFile} from './database.js';
import type {LockFile} from './database.js';
import type {Layout} from '../layout.js';
import type {RunId} from '../records.js';

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
  /** Removes the lock files that nobody holds; a run that is resumed makes its own again. */
  sweep(): void;
  close(): void;
}

/** Long enough for somebody who only looks whether the lock is held to look away again. */
const LOOKERS = 1000;

const inodeOf = (file: string): bigint | undefined => statSync(file, {bigint: true, throwIfNoEntry: false})?.ino;

/**
 * Locks `file`, made if need be. A lock on a file that a sweep has removed in between keeps nobody out, so the file must
 * be the same before it is opened and once it is locked: a number is not given anew as long as the file is open.
 */
export function holdLockFile(file: string): LockFile | undefined {
  for (;;) {
    // Opened here only when nobody can hold it: closing it would give up what this process has locked.
    if (!existsSync(file)) closeSync(openSync(file, 'a'));
    // A looker shares the lock for a moment, so a holder is only believed after this wait.
    const lock = lockInPlace(file, LOOKERS);
    if (lock === 'held') return undefined;
    if (lock !== 'replaced') return lock;
  }
}

/** `wait` in milliseconds. */
function lockInPlace(file: string, wait: number): LockFile | 'held' | 'replaced' {
  const before = inodeOf(file);
  if (before === undefined) return 'replaced';
  const lock = openLockFile(file);
  let locked: boolean;
  try {
    locked = lock.acquire('exclusive', wait);
  } catch (error) {
    lock.close();
    // SQLite also looks at the file by its name, and reports an I/O error where a sweep has taken it away meanwhile.
    if (inodeOf(file) !== before) return 'replaced';
    throw error;
  }
  if (locked && inodeOf(file) === before) return lock;
  lock.close();
  return locked ? 'replaced' : 'held';
}

/** Whether another connection holds a lock file, of this process or another. */
export function isHeld(file: string): boolean {
  if (!existsSync(file)) return false;
  let lock: LockFile;
  try {
    lock = openLockFile(file, {readonly: true});
  } catch (error) {
    // Swept in between; only what nobody holds is.
    if (!existsSync(file)) return false;
    throw error;
  }
  try {
    const free = lock.acquire('shared', 0);
    if (free) lock.release();
    return !free;
  } catch (error) {
    if (!existsSync(file)) return false;
    throw error;
  } finally {
    lock.close();
  }
}

export function openRunnerLocks(layout: Layout): RunnerLocks {
  const mine = new Map<RunId, LockFile>();
  const fileOf = (run: RunId): string => join(layout.locks, `run-${run}.lock`);
  return {
    hold(run) {
      const lock = holdLockFile(fileOf(run));
      if (lock === undefined) return undefined;
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
      return mine.has(run) || isHeld(fileOf(run));
    },
    sweep() {
      for (const name of readdirSync(layout.locks)) {
        if (!/^run-\d+\.lock$/.test(name)) continue;
        const file = join(layout.locks, name);
        const lock = lockInPlace(file, 0);
        if (typeof lock === 'string') continue;
        try {
          // Removed while it is held: who waits for it sees that it is not in its place any more.
          rmSync(file);
        } finally {
          lock.close();
        }
      }
    },
    close() {
      for (const lock of mine.values()) lock.close();
      mine.clear();
    },
  };
}
