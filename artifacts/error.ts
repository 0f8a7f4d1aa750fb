/**
 * The one typed error of the store: something that can happen to anyone (full disk, wrong reference, newer store), said
 * in plain words with what to type next. Bugs stay plain `Error`s that start with “Internal error:”.
 */

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

/** Thrown for what a person can mend. `hint` says what to type or do next; the command line prints both and exits 2. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly reason: UserErrorReason;
  readonly hint: string | undefined;

  constructor(
    reason: UserErrorReason,
    message: string,
    options: {readonly hint?: string; readonly cause?: unknown} = {},
  ) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause});
    this.reason = reason;
    this.hint = options.hint;
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
  const say = (reason: UserErrorReason, why: string, hint: string) =>
    new UserError(reason, `could not ${doing}: ${why}${path}`, {hint, cause: error});
  const code = codeOf(error);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'SQLITE_FULL':
    // What SQLite says where it cannot make its shared memory any larger.
    case 'SQLITE_IOERR_SHMSIZE':
      return say(
        'disk-full',
        'the disk is full',
        'free some space (`r1 gc --dry-run` shows what the store could give) and run it again',
      );
    case 'EACCES':
    case 'EPERM':
      return say(
        'no-permission',
        'permission denied',
        'mend the rights of the file or folder, or choose another store with --store FOLDER',
      );
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
      return say(
        'read-only',
        'the folder cannot be written to',
        'choose another store with --store FOLDER, or make this one writable',
      );
    case 'EMFILE':
    case 'ENFILE':
      return say('too-many-files', 'too many files are open', 'raise the limit with `ulimit -n 4096` and run it again');
    case 'EIO':
      return say('io-error', 'the disk reported an input/output error', 'check the disk, then `r1 verify`');
    case 'SQLITE_CORRUPT':
      return say(
        'store-damaged',
        'the database is damaged',
        'restore store.db from a copy, or start a new store with --store FOLDER',
      );
    case 'SQLITE_NOTADB':
      return say('not-a-store', 'store.db is not a database', 'give the folder of a store with --store FOLDER');
    default:
      if (code?.startsWith('SQLITE_BUSY') === true) {
        return say(
          'store-busy',
          'another process keeps the store locked',
          'wait for it, or see `r1 status`, and run it again',
        );
      }
      if (code?.startsWith('SQLITE_IOERR') === true) {
        return say(
          'io-error',
          'the disk reported an input/output error',
          'check the disk and its free space, then `r1 verify`',
        );
      }
      if (code?.startsWith('SQLITE_CORRUPT') === true) {
        return say(
          'store-damaged',
          'the database is damaged',
          'restore store.db from a copy, or start a new store with --store FOLDER',
        );
      }
      if (code?.startsWith('SQLITE_READONLY') === true || code?.startsWith('SQLITE_CANTOPEN') === true) {
        return say(
          'read-only',
          'its database cannot be opened for this',
          'check the folder’s rights, or choose another with --store FOLDER',
        );
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
