/**
 * Folders to work in for a while. Each belongs to the process that was given it, which an OS lock says: so a collection
 * sweeps those of dead processes and leaves those of living ones alone, however they were killed and whoever is pid 1.
 */
import {randomUUID} from 'node:crypto';
import {join} from 'node:path';
import type {Files} from '../files.js';
import type {Layout} from '../layout.js';
import {holdLockFile, isHeld} from '../database/runner-lock.js';

/** A folder to work in for a while, which this process owns. */
export interface Scratch {
  /** Absolute path; it is there and empty when it is handed out. */
  readonly folder: string;
  /** Removes the folder and all that is in it, and gives the lock back. What cannot be removed yet, `r1 gc` sweeps. */
  remove(): Promise<void>;
}

export interface ScratchFolders {
  /** `purpose` is a word for people who look into the store: `reproduce-17`. */
  make(purpose: string): Scratch;
  /** False where the process that was given it is dead. `name` is that of an entry of tmp/. */
  isOwned(name: string): boolean;
  /** The folder of that name, for whoever wants to remove it; undefined while its process lives. */
  abandoned(name: string): Scratch | undefined;
  /** Removes the lock of a folder that has gone. */
  forget(name: string): void;
  close(): void;
}

/** Of an entry in tmp/: the purpose, then a name that nobody else comes upon. */
const NAME = /^[\w-]+\.scratch-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export const isScratch = (name: string): boolean => NAME.test(name);

/** `discard` moves a tree out of the way and removes as much of it as can be removed. */
export function openScratch(layout: Layout, files: Files, discard: (path: string) => Promise<void>): ScratchFolders {
  const held = new Set<() => void>();
  const lockOf = (name: string): string => join(layout.locks, `scratch-${NAME.exec(name)?.[1]}.lock`);
  const forget = (name: string): void => {
    // SQLite leaves a journal beside a lock whose holder was killed.
    for (const file of [lockOf(name), `${lockOf(name)}-journal`]) files.remove(file);
  };
  return {
    make(purpose) {
      const name = `${purpose.replace(/[^\w-]/g, '-')}.scratch-${randomUUID()}`;
      const folder = join(layout.tmp, name);
      // The lock comes first: a folder without one is nobody’s.
      const lock = holdLockFile(lockOf(name));
      if (lock === undefined) throw new Error(`Internal error: somebody else holds the lock of ${name}`);
      const release = (): void => {
        if (held.delete(release)) lock.close();
      };
      held.add(release);
      try {
        files.makeFolder(folder);
      } catch (error) {
        release();
        forget(name);
        throw error;
      }
      return {
        folder,
        async remove() {
          try {
            await discard(folder);
          } finally {
            release();
          }
          forget(name);
        },
      };
    },
    isOwned: (name) => isHeld(lockOf(name)),
    abandoned(name) {
      if (isHeld(lockOf(name))) return undefined;
      const folder = join(layout.tmp, name);
      return {
        folder,
        async remove() {
          await discard(folder);
          forget(name);
        },
      };
    },
    forget,
    close() {
      for (const release of held) release();
    },
  };
}
