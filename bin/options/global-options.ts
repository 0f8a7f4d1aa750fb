/** The options that every command has. */
import type {Command} from 'commander';

/** Adds `--store` and `--json`, and shows `examples` under the help. */
export function withGlobals(command: Command, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ ${example}`);
  return command
    .option('--store <folder>', 'folder of the store (default: R1_STORE, else .r1)')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
