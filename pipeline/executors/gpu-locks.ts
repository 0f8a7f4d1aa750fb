/**
 * Locks of the system on GPUs, one for each device and user: whoever of a user's runners uses them, in whatever store, no two
 * jobs meet on a device. `flock` opens the lock's file and becomes the shell that starts the job, which hands the open file on to
 * the job and to all that it starts; so the device is free when the last of them is gone, and not when a runner dies.
 *
 * A lock says nothing by being there: files stay, and a file that is not locked is free.
 */
import {chmodSync, lstatSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {UserError} from '../../artifacts/index.js';
import {startLauncher} from './launcher-shell.js';
import type {Launcher} from './launcher-shell.js';

/** Written into the file of a lock, for those who wait. */
export interface Holder {
  readonly pid: number;
  /** The job folder. */
  readonly job: string;
}

/**
 * Where a user's locks are. The folder has to be the same for all runners of the user and to last as long as any job: what is
 * named by `XDG_RUNTIME_DIR` goes when the user logs out, and `TMPDIR` may differ from shell to shell.
 */
export const lockFolder = (): string => `/tmp/r1-gpus-${String(process.getuid?.() ?? 0)}`;

/** Makes the folder. @throws UserError where it is somebody else's, who could take the locks away */
export function ownFolder(folder: string): void {
  if (lstatSync(folder, {throwIfNoEntry: false}) === undefined) mkdirSync(folder, {recursive: true, mode: 0o700});
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || (process.getuid !== undefined && stat.uid !== process.getuid())) {
    throw new UserError(
      'no-permission',
      `${folder}, in which GPUs are locked, is not a folder of yours: remove it, or ask whoever it belongs to`,
    );
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/** @param id of the device; an old name of a part of a GPU has slashes in it */
export const lockFile = (folder: string, id: string): string => join(folder, `${encodeURIComponent(id)}.lock`);

export type Locking =
  /** The shell that holds them all. It has to end for them to be free. */
  | {readonly state: 'locked'; readonly launcher: Launcher}
  /** Somebody else holds the one of this place in the list; none was taken. */
  | {readonly state: 'held'; readonly index: number}
  /** What came about without saying anything of the locks: the shell was killed before it was there. */
  | {readonly state: 'lost'}
  | {readonly state: 'unusable'; readonly why: string};

/** How `flock` ends that finds its lock held, for the first of the locks. It ends with less for any other reason. */
const HELD = 130;

/**
 * Takes all of the locks or none, and waits for none. Each `flock` becomes the next and the last one the shell: no process is
 * started but that one.
 */
export async function startLocked(flock: string, files: readonly string[]): Promise<Locking> {
  const before = files.flatMap((file, i) => [flock, '-n', '-E', String(HELD + i), '-F', file]);
  const launcher = await startLauncher(before);
  if (await launcher.isReady()) return {state: 'locked', launcher};
  const code = await launcher.end();
  if (code === null) return {state: 'lost'};
  const index = code - HELD;
  return index >= 0 && index < files.length
    ? {state: 'held', index}
    : {state: 'unusable', why: `it ended with exit code ${code}`};
}

/** In place, so that the locked file stays the one that others find. Where it cannot be written, who waits is told less. */
export function writeHolder(file: string, holder: Holder): void {
  try {
    writeFileSync(file, `${JSON.stringify(holder)}\n`);
  } catch {
    // The lock holds all the same.
  }
}

/** Whoever locked it last, which is whoever holds it where it is held. */
export function readHolder(file: string): Holder | undefined {
  try {
    const read = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder> | null;
    return typeof read?.pid === 'number' && typeof read.job === 'string' ? {pid: read.pid, job: read.job} : undefined;
  } catch {
    // It is written at this moment, or was by another version; who waits then waits for somebody without a name.
    return undefined;
  }
}
