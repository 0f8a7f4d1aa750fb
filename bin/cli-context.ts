/** What a command gets from the outside, so that its test needs neither a process nor a terminal. */
import type {Store, StoreOptions} from '../artifacts/index.js';

export interface Services {
  /** Opens the store of `--store`, R1_STORE or `.r1`, in that order. */
  openStore(folder: string | undefined, options?: StoreOptions): Store;
  /** A result: one line (or a block of lines) on stdout. */
  say(text: string): void;
  /** A piece of a result as it comes, on stdout, without a line break. */
  stream(piece: string): void;
  /**
   * A long result on stdout, piece by piece. On a terminal it goes through a pager as soon as it is longer than the screen, unless
   * `isPaged` is false. `show` says whether anybody still reads: a reader who has seen enough is no error.
   */
  long(
    work: (show: (text: string) => Promise<boolean>) => Promise<void>,
    how: {readonly isPaged: boolean},
  ): Promise<void>;
  /** Progress, notes and failures: stderr. */
  complain(text: string): void;
  /** Replaces the last progress line on a terminal; elsewhere it is said every 15 seconds. Undefined clears it. */
  progress(text: string | undefined): void;
  /** Columns to draw into. */
  readonly width: number;
  /** Whether results go to a terminal. Elsewhere nothing is cut to its width: who reads them may search them. */
  readonly isTerminal: boolean;
  /** Columns that a line of progress can fill. */
  readonly progressWidth: number;
  /** True when somebody sees colours: on stdout or stderr. They are taken out of the other. */
  readonly colours: boolean;
  /** Sets the exit code (`exit-codes.ts`). One that was set stays where a result could not be written, 0 too. */
  exit(code: number): void;
}

/** Options that every command has. */
export interface GlobalOptions {
  readonly store?: string;
  readonly json?: boolean;
}
