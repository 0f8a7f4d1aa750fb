/**
 * Removes what attempts no longer need of their job folders. Little is left for the end of the run: a file system looks
 * at each inode that was given back a moment ago when the next file is made (ext4 does for a minute), so a run that makes
 * and removes thousands of small files would get slower with every node.
 * Without this module, if each folder were removed at once, everything else would be the same.
 */
import {lstatSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {plainError} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import type {Emit} from '../events.js';

export interface Cleanup {
  /** Removes each of these folders that is there, now if it is worth it and at the end otherwise. */
  remove(folders: readonly string[]): Promise<void>;
  /** Removes the rest. What cannot be removed harms nobody and is only reported; `r1 gc` tries again. */
  finish(): Promise<void>;
}

/** A tree of less than this, in bytes and in entries, can wait. */
const LITTLE = {bytes: 1 << 20, entries: 64};
/** So many bytes may wait at a time. */
const MOST_WAITING = 64 << 20;

export function openCleanup({store, emit}: {readonly store: Store; readonly emit: Emit}): Cleanup {
  let waiting: string[] = [];
  let bytes = 0;
  const removeAll = async (paths: readonly string[]): Promise<void> => {
    try {
      await store.removeTrees(paths);
    } catch (thrown) {
      // What an attempt came to is recorded by now, and stays so.
      const error = plainError(thrown, 'remove what attempts left behind');
      emit({type: 'warning', text: error instanceof Error ? error.message : String(error)});
    }
  };
  const removeWaiting = async (): Promise<void> => {
    const paths = waiting;
    waiting = [];
    bytes = 0;
    await removeAll(paths);
  };
  return {
    async remove(folders) {
      for (const path of folders) {
        const stat = lstatSync(path, {throwIfNoEntry: false});
        if (stat === undefined) continue;
        // A job may have put something else in its place.
        const size = stat.isDirectory() ? sizeOf(path) : 0;
        if (size === undefined) await removeAll([path]);
        else {
          waiting.push(path);
          bytes += size;
        }
      }
      if (bytes > MOST_WAITING) await removeWaiting();
    },
    finish: removeWaiting,
  };
}

/** Bytes in a folder and its folders; undefined when they are not little, or cannot be counted. */
function sizeOf(root: string): number | undefined {
  let bytes = 0;
  let entries = 0;
  const folders = [root];
  try {
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const entry of readdirSync(folder, {withFileTypes: true})) {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(path);
        else bytes += lstatSync(path).size;
        if (++entries > LITTLE.entries || bytes > LITTLE.bytes) return undefined;
      }
    }
    return bytes;
  } catch {
    // A folder without rights, or one in which somebody still removes files. Whoever removes it says what is in the way.
    return undefined;
  }
}
