/** What a command gets from the outside, so that its test needs neither a process nor a terminal. */
import type {Store, StoreOptions} from '../artifacts/index.js';

export interface Services {
  /** Opens the store of `--store`, R1_STORE or `.r1`, in that order. */
  openStore(folder: string | undefined, options?: StoreOptions): Store;
  /** A result: one line (or a block of lines) on stdout. */
  say(text: string): void;
  /** A piece of a result as it comes, on stdout, without a line break. */
  stream(piece: string): void;
  /** Progress, notes and failures: stderr. */
  complain(text: string): void;
  /** Replaces the last progress line on a terminal; silent elsewhere. Undefined clears it. */
  progress(text: string | undefined): void;
  /** Columns to draw into. */
  readonly width: number;
  /** True when stdout is a terminal that shows colours. */
  readonly colours: boolean;
  /** Sets the exit code: 0 ok, 1 a check found problems, 2 wrong usage or unusable store. */
  exit(code: number): void;
}

/** Options that every command has. */
export interface GlobalOptions {
  readonly store?: string;
  readonly json?: boolean;
}
