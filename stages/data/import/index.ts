/** Questions and rows of files from outside, for the stages that import them and for `r1 eval`. */
import type {Prompt} from '../../tasks/prompt.js';
import {Findings} from './findings.js';
import {promptRows} from './prompt-rows.js';
import type {PromptOptions} from './prompt-rows.js';
import {findingNotes} from './reporting.js';
import {compared, formulaNotes, repeats} from './prompt-findings.js';
import {Survey} from './survey.js';
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
  const survey = new Survey();
  const prompts: Prompt[] = [];
  for await (const {prompt, group, hash} of promptRows(path, name, options, tally)) {
    survey.add({question: prompt.question, hash, answer: compared(prompt), group});
    prompts.push(prompt);
  }
  const findings = new Findings();
  prompts.forEach((prompt, row) => {
    if (survey.duplicateOf(row) !== undefined) findings.add('duplicate', prompt);
    if (survey.contradicts(row)) findings.add('contradiction', prompt);
  });
  return {
    prompts: prompts.map((prompt, row) => ({...prompt, key: `imported:${survey.families.of(row)}`})),
    notes: [...tally.notes(options.wording), ...formulaNotes(tally), ...findingNotes(repeats(), findings, name)],
  };
}
