/** What every command has. */
import type {Command} from 'commander';

/** Adds `--store` and `--json`. */
export const withGlobals = (command: Command): Command =>
  command
    .option('--store <folder>', 'the store (default: R1_STORE, or .r1)')
    .option('--json', 'print JSON for programs instead of text for people');
