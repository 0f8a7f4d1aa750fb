/** What the system says of a path that somebody typed: it is no fault of the store, and another store would not help. */
import {existsSync, statSync} from 'node:fs';
import {dirname, sep} from 'node:path';
import {UserError, codeOf, shortPath} from './error.js';
import type {UserErrorReason} from './error.js';

/** What was to be done with it. */
export interface Attempted {
  readonly path: string;
  /** Completes “could not …”. */
  readonly doing: string;
  /** What to give instead, as in “give another folder”. */
  readonly instead: string;
}

/** Code → what it says, and what helps beside another path. */
const SAID: Readonly<Record<string, readonly [reason: UserErrorReason, why: string, helps?: string]>> = {
  EACCES: ['no-permission', 'permission denied', 'fix the permissions there'],
  EPERM: ['no-permission', 'permission denied', 'fix the permissions there'],
  EROFS: ['read-only', 'nothing can be written there, only read'],
  ENOSPC: ['disk-full', 'the disk is full', 'free some space there'],
  EDQUOT: ['disk-full', 'the disk is full, or your share of it used up', 'free some space there'],
  ENOTDIR: ['bad-argument', 'a part of the path is a file'],
  ENAMETOOLONG: ['bad-argument', 'the path is too long'],
  ELOOP: ['bad-argument', 'a link in the path leads to itself'],
  ENOENT: ['not-found', 'there is no such folder'],
  EIO: ['io-error', 'the disk reported an input/output error', 'check the disk'],
};

/** The error as a sentence about the path, if it is about that; any other as it is. */
export function pathError(error: unknown, attempted: Attempted): unknown {
  const code = codeOf(error);
  if (error instanceof UserError || code === undefined || !isAbout(error as NodeJS.ErrnoException, attempted.path))
    return error;
  const {path, doing, instead} = attempted;
  if (!/^E[A-Z0-9]+$/.test(code)) return error;
  const [reason, why, helps] = SAID[code] ?? ['io-error', (error as Error).message];
  const {path: where} = error as NodeJS.ErrnoException;
  const part = code === 'ENOTDIR' ? fileIn(path) : undefined;
  const at = part === undefined ? (where === undefined || where === path ? '' : ` (${shortPath(where)})`) : '';
  return new UserError(
    reason,
    `could not ${doing} ${shortPath(path)}: ${part === undefined ? why : `${part} is a file`}${at}`,
    {
      hint: helps === undefined ? instead : `${helps}, or ${instead}`,
      cause: error,
    },
  );
}

export const unreadable = (error: unknown, path: string): unknown =>
  pathError(error, {path, doing: 'read', instead: 'give another path'});

/** Of the path itself, of what lies in it or of a folder around it; what is written through a descriptor has no name. */
function isAbout(error: NodeJS.ErrnoException & {readonly dest?: string}, path: string): boolean {
  const named = [error.path, error.dest].filter((name) => name !== undefined);
  if (named.length === 0) return error.syscall === 'write';
  const isIn = (one: string, other: string): boolean => one === other || one.startsWith(other + sep) || other === sep;
  return named.some((name) => isIn(name, path) || isIn(path, name));
}

/** The part of a path that is a file, though more stands behind it. */
function fileIn(path: string): string | undefined {
  for (let part = dirname(path); part !== dirname(part); part = dirname(part)) {
    if (existsSync(part)) return statSync(part).isDirectory() ? undefined : part;
  }
  return undefined;
}
