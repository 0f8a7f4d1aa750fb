/**
 * Room that a store keeps free for the day on which the disk is full: a collection has to write down what it removes before
 * it removes it, and SQLite needs files of its own to be opened at all. A few small files, since not only blocks but also
 * inodes may run out; of random bytes, since a file system that compresses would keep no room for zeros.
 */
import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {codeOf} from '../error.js';
import type {Files} from '../files.js';
import {hasRoom} from './network-fs.js';
import type {Layout} from '../layout.js';

const FILES = ['0', '1', '2', '3'];
const BYTES = 64 << 10;

export interface Reserve {
  /** Puts it there as far as it is missing; false where it would take most of what is left. */
  make(): boolean;
  /** Gives it up, and with it what may be lost without harm; false when there was nothing to give up. */
  use(): boolean;
}

const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');

export function openReserve(layout: Layout, files: Files): Reserve {
  const paths = FILES.map((name) => join(layout.reserve, name));
  const remove = (path: string): boolean => files.sizeOf(path) !== undefined && files.remove(path);
  const write = (path: string): void => {
    try {
      files.writeSmall(path, randomBytes(BYTES));
    } catch (error) {
      // Whoever else opens the store at this moment keeps the same room.
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  };
  return {
    make() {
      if (paths.every((path) => files.sizeOf(path) === BYTES)) return true;
      if (!hasRoom(layout.folder, 4 * FILES.length * BYTES)) return false;
      try {
        files.makeFolder(layout.reserve);
        for (const path of paths) {
          if (files.sizeOf(path) === BYTES) continue;
          remove(path);
          write(path);
        }
        return true;
      } catch (error) {
        if (!isFull(error)) throw error;
        // What was made of it may be enough for a small collection.
        return false;
      }
    },
    use() {
      const spare = files.stat(layout.cache)?.kind === 'folder' ? [join(layout.cache, 'tokens.json')] : [];
      return [...paths, ...spare].map(remove).includes(true);
    },
  };
}
