/**
 * Questions from outside, with the answers that a model's are compared with: files of several formats, read by `data/import/`. They
 * are split so that one question in any spelling, and all rows of a group, are on one side; see data/README.md.
 */
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, defineStage, optional} from '../pipeline/stage.js';
import {ANSWERS, MEASURES, READING, columnMistakes, portMistakes} from './data/import/params.js';

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
  ...declareParams({
    ...READING,
    answers: described(
      'auto',
      'How answers are compared: whole numbers told from other texts (auto), or the task that all of them belong to.',
      ANSWERS,
    ),
    unusable: described('refuse', 'What is done about rows without a question or an answer to compare with.', [
      'refuse',
      'drop',
    ]),
    duplicates: described('count', 'What is done about rows whose question and answer occurred before.', MEASURES),
    contradictions: described('count', 'What is done about rows of one question with differing answers.', MEASURES),
    overlap: described(
      'count',
      'What is done about training rows that share 13 words with a held-out, validation or benchmark question.',
      [...MEASURES, 'off'],
    ),
  }),
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
