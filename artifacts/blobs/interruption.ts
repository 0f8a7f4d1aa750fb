/** Ends long reads and copies early: of files that are large or many, since the others are through in no time. */
import {UserError} from '../error.js';
import type {Files, Interruption} from '../files.js';

/**
 * Whether an error says that reading or copying was interrupted on request (`Contents.interruptOn`), and so nothing is
 * wrong.
 */
export const isInterrupted = (error: unknown): boolean => error instanceof UserError && error.reason === 'interrupted';

export const interruptedError = (): UserError =>
  new UserError('interrupted', 'it was stopped before all bytes were read', {hint: 'run it again'});

/** Throws UserError 'interrupted'. */
export function throwIfInterrupted(interruption: Interruption | undefined): void {
  if (interruption?.signal?.aborted === true) throw interruptedError();
}

/** A door to the disk whose long operations can be ended. */
export function interruptible(files: Files, interruption: Interruption): Files {
  return {
    ...files,
    original: files,
    interruption,
    read: (path, onChunk) =>
      files.read(path, (chunk) => {
        throwIfInterrupted(interruption);
        onChunk(chunk);
      }),
    copy: (from, to, onChunk, mode) =>
      files.copy(
        from,
        to,
        (chunk) => {
          throwIfInterrupted(interruption);
          onChunk?.(chunk);
        },
        mode,
      ),
  };
}
