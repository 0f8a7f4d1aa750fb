/**
 * Questions from outside, with the answers that a model's are compared with: files of several formats, read by `data/import/`. They
 * are split so that one question in any spelling, and all rows of a group, are on one side; see data/README.md.
 */
import {StageFailure, defineStage, optional, param} from '../pipeline/stage.js';
import {ANSWERS, FORMATS, MEASURES, columnMistakes, portMistakes} from './data/import/params.js';
import type {Answers, Columns, Format, Measure} from './data/import/params.js';
import {LANGUAGES} from './text/language.js';
import type {Language} from './text/language.js';

/**
 * Takes questions and answers into the store, as three prompt sets and a data card.
 *
 * @throws {StageFailure} from `run`: a row is not what it should be, rows are refused by a param, or one of the sets would be empty
 */
export const importPrompts = defineStage({
  module: import.meta.url,
  name: 'import-prompts',
  summary: 'Prompts from a file with questions and answers, split into train, validation and held-out',
  seedless: true,
  inputs: {
    /** JSON Lines. */
    file: optional('jsonl'),
    /** In its place: a file or folder of any format that is known. */
    data: optional('data'),
    /** Files whose questions must not be trained on. */
    benchmarks: optional('data'),
  },
  /** `card`: what was found, counted, and the rows that it was found in. */
  outputs: {train: 'prompts', validation: 'prompts', heldOut: 'prompts', card: 'dataset'},
  params: {
    format: param<Format>('auto'),
    /** Of a folder: a regular expression that paths of files have to match; '' for all. */
    files: '',
    /** What the fields are, where their names do not say it: `{question: 'problem', answer: 'reward_model.ground_truth'}`. */
    columns: param<Columns>({}),
    benchmarkColumns: param<Columns>({}),
    /** How answers are compared: whole numbers told from other texts, or the task that all of them belong to. */
    answers: param<Answers>('auto'),
    /** Of rows that do not say their own. */
    language: param<Language | null>(null),
    /** Rows without a question or an answer to compare with. */
    unusable: param<'refuse' | 'drop'>('refuse'),
    /** Rows whose question and answer occurred before. */
    duplicates: param<Measure>('count'),
    /** Rows of one question with differing answers. */
    contradictions: param<Measure>('count'),
    /** Training rows that share 13 words with a held-out, validation or benchmark question. */
    overlap: param<Measure | 'off'>('count'),
  },
  choices: {
    format: FORMATS,
    answers: ANSWERS,
    language: [null, ...LANGUAGES],
    unusable: ['refuse', 'drop'],
    duplicates: MEASURES,
    contradictions: MEASURES,
    overlap: [...MEASURES, 'off'],
  },
  check: ({params, inputs}) => [
    ...portMistakes(inputs),
    ...columnMistakes(params.columns, params),
    ...columnMistakes(params.benchmarkColumns, {param: 'benchmarkColumns'}),
  ],
  async run(context) {
    const path = context.inputs.file ?? context.inputs.data;
    if (path === undefined) throw new StageFailure(portMistakes([]).join());
    const [{importPromptSets}, {checkReferences}, {readPrompts}] = await Promise.all([
      import('./data/import/prompt-sets.js'),
      import('./graders/registry.js'),
      import('./data/rows.js'),
    ]);
    await importPromptSets(path, context);
    // What a grader cannot read as a reference would be found out after hours of training.
    const {outputs, cores, note} = context;
    const sides = await Promise.all(
      [outputs.train, outputs.validation, outputs.heldOut].map((side) => readPrompts(side)),
    );
    await checkReferences(sides.flat(), {cores, note});
  },
});
