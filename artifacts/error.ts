/**
 * The one typed error of the store: something that can happen to anyone (full disk, wrong reference, newer store), said
 * in plain words with what can be done. Bugs stay plain `Error`s that start with “Internal error:”.
 */
import type {Remedy} from './remedy.js';

/** What went wrong, as a fact to branch on. The sentence for people is the error's `message`. */
export type UserErrorReason =
  | 'ambiguous-reference'
  | 'bad-argument'
  | 'bytes-damaged'
  | 'bytes-missing'
  | 'changed-while-read'
  | 'disk-full'
  | 'folder-in-use'
  | 'interrupted'
  | 'io-error'
  | 'newer-store'
  | 'no-permission'
  | 'no-store'
  | 'not-a-store'
  | 'not-found'
  | 'read-only'
  | 'refused-file'
  | 'store-busy'
  | 'store-damaged'
  | 'target-not-empty'
  | 'too-many-files'
  | 'unsafe-file-system'
  | 'untrusted-code';

/** What an error says beside its message. */
export interface UserErrorOptions {
  /** What to do next, in a sentence that is as true for a program as for the command line. */
  readonly hint?: string | undefined;
  /** What to do next where that is a command or an option of r1: as data, since commands and options are not ours. */
  readonly remedy?: Remedy | undefined;
  /** What was thrown below, for stack traces. */
  readonly cause?: unknown;
}

/**
 * Thrown for what a person can fix. `message` is a whole sentence by itself; the command line prints below it what is
 * to be done, from `remedy` and `hint`, and exits with 2.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly reason: UserErrorReason;
  /** What to do next, as a sentence for people. */
  readonly hint: string | undefined;
  /** What to do next, as data. */
  readonly remedy: Remedy | undefined;

  constructor(reason: UserErrorReason, message: string, {hint, remedy, cause}: UserErrorOptions = {}) {
    super(message, cause === undefined ? undefined : {cause});
    this.reason = reason;
    this.hint = hint;
    this.remedy = remedy;
  }
}

/** Errors that Node and SQLite throw carry a `code`; this reads it without trusting the value's type. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Turns what the operating system or SQLite threw into a `UserError` where it is something that can happen to anyone;
 * everything else comes back as it is. `doing` completes “could not …”.
 */
export function plainError(error: unknown, doing: string): unknown {
  if (error instanceof UserError) return error;
  const path =
    error instanceof Error && 'path' in error && typeof error.path === 'string' ? ` (${shortPath(error.path)})` : '';
  const say = (reason: UserErrorReason, why: string, help: string | Remedy) =>
    new UserError(reason, `could not ${doing}: ${why}${path}`, {
      ...(typeof help === 'string' ? {hint: help} : {remedy: help}),
      cause: error,
    });
  const code = codeOf(error);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'SQLITE_FULL':
    // What SQLite says where it cannot make its shared memory any larger.
    case 'SQLITE_IOERR_SHMSIZE':
      return say('disk-full', 'the disk is full', {type: 'free-space'});
    case 'EACCES':
    case 'EPERM':
      return say('no-permission', 'permission denied', {
        type: 'choose-folder',
        or: 'fix the permissions of the file or folder',
      });
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
    case 'ELOOP':
      return say(
        'bad-argument',
        'there can be no such path',
        'check the path: a part of it is a file, too long, or a link to itself',
      );
    case 'EROFS':
    case 'SQLITE_READONLY':
      return say('read-only', 'the folder cannot be written to', {type: 'choose-folder', or: 'make this one writable'});
    case 'EMFILE':
    case 'ENFILE':
      return say('too-many-files', 'too many files are open', 'raise the limit with `ulimit -n 4096` and run it again');
    case 'EIO':
      return say('io-error', 'the disk reported an input/output error', {type: 'check-disk'});
    case 'SQLITE_CORRUPT':
      return say('store-damaged', 'the database is damaged', {type: 'restore-database'});
    case 'SQLITE_NOTADB':
      return say('not-a-store', 'store.db is not a database', {type: 'choose-folder'});
    case 'ENOENT':
      if ((error as NodeJS.ErrnoException).syscall !== 'uv_cwd') return error;
      return say('not-found', 'the folder you are in has been removed', 'go to another folder and try again');
    default:
      if (code?.startsWith('SQLITE_BUSY') === true) {
        return say('store-busy', 'another process keeps the store locked', {type: 'wait'});
      }
      if (code?.startsWith('SQLITE_IOERR') === true) {
        return say('io-error', 'the disk reported an input/output error', {type: 'check-disk'});
      }
      if (code?.startsWith('SQLITE_CORRUPT') === true) {
        return say('store-damaged', 'the database is damaged', {type: 'restore-database'});
      }
      if (code?.startsWith('SQLITE_READONLY') === true || code?.startsWith('SQLITE_CANTOPEN') === true) {
        return say('read-only', 'its database cannot be opened for this', {
          type: 'choose-folder',
          or: 'fix the folder’s permissions',
        });
      }
      return error;
  }
}

/** Letters of a path that are shown of its beginning and of its end; nobody reads thousands. */
const SHOWN = 500;

export const shortPath = (path: string): string =>
  path.length <= 2 * SHOWN ? path : `${path.slice(0, SHOWN)}…${path.slice(-SHOWN)}`;

/** The disk is full, or may be: where a quota is used up, SQLite only says that it could not write. */
export const mayBeFull = (error: unknown): boolean =>
  error instanceof UserError && (error.reason === 'disk-full' || error.reason === 'io-error');
