/**
 * Questions from outside: a JSONL file whose rows have `question` and `answer`, and may have `id` and `language`. They are
 * split by a hash of the question, so that the same question is always on the same side.
 */
import {readFile} from 'node:fs/promises';
import {StageFailure, defineStage} from '../pipeline/stage.js';
import {writeRows} from './data/rows.js';

/**
 * Takes a JSON Lines file of questions and answers into the store, as three prompt sets.
 *
 * @throws {StageFailure} from `run`: a line is not such a row, or one of the sets would be empty
 */
export const importPrompts = defineStage({
  module: import.meta.url,
  name: 'import-prompts',
  summary: 'Prompts from a JSONL file with question and answer, split into train, validation and held-out',
  seedless: true,
  inputs: {file: 'jsonl'},
  outputs: {train: 'prompts', validation: 'prompts', heldOut: 'prompts'},
  params: {},
  async run({inputs, outputs, note}) {
    const [{importPrompts: parse}, {splitOf}] = await Promise.all([
      import('./tasks/prompt-sets.js'),
      import('./tasks/splits.js'),
    ]);
    const rows = parse(await readFile(inputs.file, 'utf8'), inputs.file);
    const sides = {train: 'train', validation: 'validation', heldOut: 'held-out'} as const;
    const counts: string[] = [];
    for (const [port, split] of Object.entries(sides)) {
      const side = rows.filter(({key}) => splitOf(key) === split);
      if (side.length === 0)
        throw new StageFailure(
          `${inputs.file}: none of its ${rows.length} questions falls on the ${split} side; more questions are needed`,
        );
      await writeRows(outputs[port as keyof typeof sides], side, {rows: side.length});
      counts.push(`${side.length} ${split}`);
    }
    note(counts.join(', '));
  },
});
