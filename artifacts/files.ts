/**
 * The one door for file operations of the store. Everything that writes beside SQLite goes through an object of this
 * type, so that a test can record the operations, cut the power after any of them, or make any of them fail. It knows
 * nothing of blobs; it only does what it is told and throws what the system throws.
 */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type {BigIntStats} from 'node:fs';
import {open, rmdir} from 'node:fs/promises';
import type {FileHandle} from 'node:fs/promises';
import {promisify} from 'node:util';
import {codeOf} from './error.js';

export type EntryKind = 'file' | 'folder' | 'link' | 'special';

export interface FileStat {
  readonly kind: EntryKind;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly bytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** Hard links to the inode. */
  readonly links: number;
  /** Anybody may write to it, as far as its permissions go; root may always. */
  readonly writable: boolean;
  /** Its owner may execute it. */
  readonly executable: boolean;
}

/** Receives the bytes of a file in order; the view is only valid during the call. */
export type OnChunk = (chunk: Uint8Array) => void;

/** What ends long reads and copies early (`blobs/interruption.ts`). */
export interface Interruption {
  /** Aborted when what takes long is to end. */
  signal: AbortSignal | undefined;
}

export interface Files {
  /** Set on a door whose long operations can be ended: what it stands before, and what ends them. */
  readonly original?: Files;
  readonly interruption?: Interruption;
  /** Of the entry itself, a symbolic link is not followed. Undefined when nothing is there. */
  stat(path: string): FileStat | undefined;
  /** Of what a symbolic link leads to. Undefined when it leads nowhere. */
  statFollowed(path: string): FileStat | undefined;
  /** Bytes of a regular file, links not followed. Undefined when there is none. Quicker than `stat`. */
  sizeOf(path: string): number | undefined;
  /** Names in a folder, sorted by UTF-16 code units. */
  list(folder: string): readonly string[];
  /** A whole small file. */
  readSmall(path: string): Uint8Array;
  /** Part of a file; shorter than asked for at its end. */
  readRange(path: string, offset: number, bytes: number): Uint8Array;
  /** Reads a file of any size, the next chunk while `onChunk` works on this one. */
  read(path: string, onChunk: OnChunk): Promise<void>;

  /** Makes one folder; false when it is there already. */
  makeFolder(path: string): boolean;
  /** Makes a new file of these bytes; fails when something is there. */
  writeSmall(path: string, bytes: Uint8Array): void;
  /**
   * Copies into a new file, reading, writing and `onChunk` at the same time; fails when something is there. The mode of the
   * new file is `mode`, as far as the umask allows.
   */
  copy(from: string, to: string, onChunk?: OnChunk, mode?: number): Promise<void>;
  /** A copy that shares its blocks with the original until one is written. False where the file system has none. */
  clone(from: string, to: string): boolean;
  link(from: string, to: string): void;
  rename(from: string, to: string): void;
  /** Removes a file or an empty folder; false when there was nothing, for instance because another process was quicker. */
  remove(path: string): boolean;
  /** Removes an empty folder while others go on: a file system that trims its disk at once takes a millisecond for it. */
  removeFolder(path: string): Promise<void>;
  setMode(path: string, mode: number): void;
  /** Brings the bytes of a file, or the names of a folder, to the disk. */
  sync(path: string): Promise<void>;
  /** The same while everybody waits; for making a store. */
  syncNow(path: string): void;
}

/** 1 MiB: large enough that a read costs little beside hashing it, small enough that the event loop stays responsive. */
const CHUNK = 1 << 20;

/** What a file system answers that has no reflinks, or none between these two places. */
const NO_CLONE = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY']);

function toStat(stats: BigIntStats | undefined): FileStat | undefined {
  if (stats === undefined) return undefined;
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'special';
  return {
    kind,
    dev: stats.dev,
    ino: stats.ino,
    bytes: Number(stats.size),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    links: Number(stats.nlink),
    writable: (stats.mode & 0o222n) !== 0n,
    executable: (stats.mode & 0o100n) !== 0n,
  };
}

/** ENOTDIR counts as “nothing is there”: a parent of the path is a file. */
function unlessMissing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function readChunk(file: FileHandle, buffer: Uint8Array): Promise<Uint8Array> {
  const {bytesRead} = await file.read(buffer, 0, buffer.length, null);
  return buffer.subarray(0, bytesRead);
}

async function writeChunk(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    const {bytesWritten} = await file.write(chunk, done, chunk.length - done, null);
    done += bytesWritten;
  }
}

/** Two buffers take turns: one is being filled while the other is hashed and written. */
async function pump(source: FileHandle, target: FileHandle | undefined, onChunk: OnChunk): Promise<void> {
  let [filling, spare] = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)];
  let chunk = await readChunk(source, filling);
  while (chunk.length > 0) {
    [filling, spare] = [spare, filling];
    const next = readChunk(source, filling);
    const written = target === undefined ? undefined : writeChunk(target, chunk);
    // An exception of `onChunk` must not leave a promise behind that nobody waits for.
    const both = Promise.all([next, written]);
    both.catch(() => undefined);
    onChunk(chunk);
    [chunk] = await both;
  }
}

const NONE_IS_UNDEFINED = {throwIfNoEntry: false} as const;

const fsyncSoon = promisify(fsync);

/** The real disk. */
export const disk: Files = {
  stat: (path) => unlessMissing(() => toStat(lstatSync(path, {bigint: true, throwIfNoEntry: false}))),
  statFollowed: (path) => unlessMissing(() => toStat(statSync(path, {bigint: true, throwIfNoEntry: false}))),
  sizeOf(path) {
    const stats = unlessMissing(() => lstatSync(path, NONE_IS_UNDEFINED));
    return stats?.isFile() === true ? stats.size : undefined;
  },
  list: (folder) => readdirSync(folder).sort(),
  readSmall: (path) => readFileSync(path),
  readRange(path, offset, bytes) {
    const file = openSync(path, 'r');
    try {
      const buffer = new Uint8Array(bytes);
      let done = 0;
      while (done < bytes) {
        const read = readSync(file, buffer, done, bytes - done, offset + done);
        if (read === 0) break;
        done += read;
      }
      return buffer.subarray(0, done);
    } finally {
      closeSync(file);
    }
  },
  async read(path, onChunk) {
    const source = await open(path, 'r');
    try {
      await pump(source, undefined, onChunk);
    } finally {
      await source.close();
    }
  },
  makeFolder(path) {
    try {
      mkdirSync(path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  },
  writeSmall: (path, bytes) => writeFileSync(path, bytes, {flag: 'wx'}),
  async copy(from, to, onChunk = () => undefined, mode = 0o666) {
    const source = await open(from, 'r');
    try {
      const target = await open(to, 'wx', mode);
      try {
        await pump(source, target, onChunk);
      } finally {
        await target.close();
      }
    } finally {
      await source.close();
    }
  },
  clone(from, to) {
    try {
      copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
      return true;
    } catch (error) {
      if (NO_CLONE.has(codeOf(error) ?? '')) return false;
      throw error;
    }
  },
  link: linkSync,
  rename: renameSync,
  remove(path) {
    try {
      unlinkSync(path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      // Linux says EISDIR of a folder, macOS EPERM. Most are files, so looking first would cost more.
      if (!['EISDIR', 'EPERM'].includes(codeOf(error) ?? '') || !lstatSync(path).isDirectory()) throw error;
      rmdirSync(path);
      return true;
    }
  },
  removeFolder: (path) => rmdir(path),
  setMode: chmodSync,
  async sync(path) {
    // To open and to close takes less than to wake another thread for it; only the disk is worth waiting for elsewhere.
    const file = openSync(path, 'r');
    try {
      await fsyncSoon(file);
    } finally {
      closeSync(file);
    }
  },
  syncNow(path) {
    const file = openSync(path, 'r');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  },
};
