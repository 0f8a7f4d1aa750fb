/** Questions and rows of files from outside, for the stages that import them and for `r1 eval`. */
import type {Prompt} from '../../tasks/prompt.js';
import {Families} from './families.js';
import {promptRows} from './prompt-rows.js';
import type {PromptOptions} from './prompt-rows.js';
import {Tally} from './tally.js';

export type {PromptOptions} from './prompt-rows.js';

/**
 * All prompts of a file or folder, in memory, with what a person should know of how they were read.
 *
 * @param name by which messages call the file
 * @throws {StageFailure} with file, line or row, and field
 */
export async function readPromptFile(
  path: string,
  name: string,
  options: PromptOptions = {},
): Promise<{prompts: Prompt[]; notes: readonly string[]}> {
  const tally = new Tally();
  const families = new Families();
  const prompts: Prompt[] = [];
  for await (const {prompt, group, hash} of promptRows(path, name, options, tally)) {
    families.add(hash, group);
    prompts.push(prompt);
  }
  return {
    prompts: prompts.map((prompt, row) => ({...prompt, key: `imported:${families.of(row)}`})),
    notes: tally.notes(),
  };
}
