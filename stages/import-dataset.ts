/**
 * Rows to learn from, from outside: questions with the responses that fine-tuning (`sft`) is to teach. Read like the questions of
 * `import-prompts`; see data/README.md.
 */
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, defineStage, optional} from '../pipeline/stage.js';
import {MEASURES, READING, columnMistakes, portMistakes, sampleColumnMistakes} from './data/import/params.js';

/**
 * Takes questions and responses into the store, as a dataset for `sft` and a data card.
 *
 * @throws {StageFailure} from `run`: a row is not what it should be, rows are refused by a param, or none is left
 */
export const importDataset = defineStage({
  module: import.meta.url,
  name: 'import-dataset',
  summary: 'Questions and responses from a file, as a dataset for fine-tuning',
  seedless: true,
  inputs: {
    /** JSON Lines. */
    file: optional('jsonl'),
    /** In its place: a file or folder of any format that is known. */
    data: optional('data'),
    /** Prompts that must not be trained on, as `import-prompts` makes them. */
    heldOut: optional('prompts'),
    /** Files whose questions must not be trained on. */
    benchmarks: optional('data'),
  },
  /** `card`: what was found, counted, and the rows that it was found in. */
  outputs: {dataset: 'dataset', card: 'dataset'},
  ...declareParams({
    ...READING,
    unusable: described(
      'refuse',
      'What is done about rows without a question or a response, and those that turns and system call so.',
      ['refuse', 'drop'],
    ),
    turns: described(
      'unusable',
      'Conversations of more than one question: sft learns one. The last is learned without what was said before it.',
      ['unusable', 'first', 'last'],
    ),
    system: described('unusable', 'System prompts, which sft has no place for: left out, or put before the question.', [
      'unusable',
      'leave-out',
      'prepend',
    ]),
    duplicates: described('count', 'What is done about rows whose question and response occurred before.', MEASURES),
    overlap: described('count', 'What is done about rows that share 13 words with a held-out or benchmark question.', [
      ...MEASURES,
      'off',
    ]),
  }),
  check: ({params, inputs}) => [
    ...portMistakes(inputs),
    ...sampleColumnMistakes(params.columns),
    ...columnMistakes(params.benchmarkColumns, {param: 'benchmarkColumns'}),
  ],
  async run(context) {
    const path = context.inputs.file ?? context.inputs.data;
    if (path === undefined) throw new StageFailure(portMistakes([]).join());
    const {importSamples} = await import('./data/import/samples.js');
    await importSamples(path, context);
  },
});
