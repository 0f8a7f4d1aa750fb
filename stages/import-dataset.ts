/**
 * Rows to learn from, from outside: questions with the responses that fine-tuning (`sft`) is to teach. Read like the questions of
 * `import-prompts`; see data/README.md.
 */
import {StageFailure, defineStage, optional, param} from '../pipeline/stage.js';
import {FORMATS, MEASURES, columnMistakes, portMistakes, sampleColumnMistakes} from './data/import/params.js';
import type {Columns, Format, Measure} from './data/import/params.js';
import {LANGUAGES} from './text/language.js';
import type {Language} from './text/language.js';

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
  params: {
    format: param<Format>('auto'),
    /** Of a folder: a regular expression that paths of files have to match; '' for all. */
    files: '',
    /** What the fields are, where their names do not say it: `{question: 'instruction', answer: 'chosen.1.content'}`. */
    columns: param<Columns>({}),
    benchmarkColumns: param<Columns>({}),
    /** Of rows that do not say their own. */
    language: param<Language | null>(null),
    /** Rows without a question or a response, and those that the next two call so. */
    unusable: param<'refuse' | 'drop'>('refuse'),
    /** Conversations of more than one question: `sft` learns one. The last is learned without what was said before it. */
    turns: param<'unusable' | 'first' | 'last'>('unusable'),
    /** System prompts, which `sft` has no place for: left out, or put before the question. */
    system: param<'unusable' | 'leave-out' | 'prepend'>('unusable'),
    /** Rows whose question and response occurred before. */
    duplicates: param<Measure>('count'),
    /** Rows that share 13 words with a held-out or benchmark question. */
    overlap: param<Measure | 'off'>('count'),
  },
  choices: {
    format: FORMATS,
    language: [null, ...LANGUAGES],
    unusable: ['refuse', 'drop'],
    turns: ['unusable', 'first', 'last'],
    system: ['unusable', 'leave-out', 'prepend'],
    duplicates: MEASURES,
    overlap: [...MEASURES, 'off'],
  },
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
