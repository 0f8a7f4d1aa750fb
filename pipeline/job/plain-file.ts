/** Files that a job goes on writing to, or may have put something else in the place of: only plain ones are read, never waited at. */
import {closeSync, constants, fstatSync, openSync, readFileSync, readSync} from 'node:fs';

/**
 * The last bytes of a file that a job writes to, at most so many; empty where there is none (any more), or something else in
 * its place.
 */
export const endOfFile = (file: string, most: number): string =>
  withPlainFile(file, (fd, size) => readPart(fd, Math.max(0, size - most), size).toString('utf8')) ?? '';

/** The bytes of such a file from one offset up to another, as far as they are there. */
export const partOfFile = (file: string, from: number, to: number): Buffer =>
  withPlainFile(file, (fd, size) => readPart(fd, from, Math.min(to, size))) ?? Buffer.alloc(0);

/** All of such a file as text; `undefined` where there is none. */
export const plainFile = (file: string): string | undefined => withPlainFile(file, (fd) => readFileSync(fd, 'utf8'));

/** `undefined` where there is no such file, or something else in its place. */
function withPlainFile<T>(file: string, read: (fd: number, size: number) => T): T | undefined {
  let fd: number;
  try {
    // A pipe in its place would be waited for without end.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (NO_FILE.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    return stat.isFile() ? read(fd, stat.size) : undefined;
  } finally {
    closeSync(fd);
  }
}

/** What opening says where nothing is there, or a link that leads nowhere, or a socket. */
const NO_FILE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO']);

function readPart(fd: number, from: number, to: number): Buffer {
  const buffer = Buffer.alloc(Math.max(0, to - from));
  const got = readSync(fd, buffer, 0, buffer.length, from);
  return buffer.subarray(0, got);
}
