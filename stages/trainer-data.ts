/**
 * Questions, or questions with responses, as the files that other trainers read: JSON Lines whose fields are called as each of them
 * wants. What such a trainer makes comes back as a Hugging Face folder, which `import-model` takes in.
 */
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, defineStage, optional} from '../pipeline/stage.js';
import type {Prompt} from './tasks/prompt.js';

/** Whose fields they are. */
export const TRAINER_FORMATS = ['verl', 'openrlhf', 'trl'] as const;
type Format = (typeof TRAINER_FORMATS)[number];

interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/**
 * Questions with known answers, for reinforcement learning from verifiable rewards. verl looks a reward up by `data_source`
 * (https://verl.readthedocs.io/en/latest/preparation/prepare_data.html); OpenRLHF hands `label` to a reward function
 * (`--data.input_key input --data.label_key label`), TRL every column.
 */
const ASKED: {readonly [format in Format]: (prompt: Prompt, turns: readonly Turn[], index: number) => object} = {
  verl: ({id, task, answer}, prompt, index) => ({
    data_source: `r1/${task}`,
    prompt,
    ability: task,
    reward_model: {style: 'rule', ground_truth: answer},
    extra_info: {split: 'train', index, id},
  }),
  openrlhf: ({id, task, answer}, input) => ({input, label: answer, datasource: `r1/${task}`, id}),
  trl: ({id, task, answer}, prompt) => ({prompt, answer, task, id}),
};

/** Questions with responses, for supervised fine-tuning. */
const ANSWERED: {readonly [format in Format]: (id: string, turns: readonly Turn[], response: string) => object} = {
  verl: (id, turns, response) => ({messages: [...turns, {role: 'assistant', content: response}], id}),
  openrlhf: (id, input, output) => ({input, output, id}),
  trl: (id, turns, response) => ({messages: [...turns, {role: 'assistant', content: response}], id}),
};

/**
 * Writes `train.jsonl`, a row for each question that has an answer, or for each row of a dataset. Equal inputs give equal bytes.
 *
 * @throws {StageFailure} from `run` where no row is left
 */
export const trainerData = defineStage({
  module: import.meta.url,
  name: 'trainer-data',
  summary: 'Questions or rows as the JSON Lines that verl, OpenRLHF and TRL read',
  seedless: true,
  inputs: {prompts: optional('prompts'), data: optional('dataset')},
  outputs: {rows: 'folder'},
  ...declareParams({
    format: described('verl', 'Whose fields the rows have.', TRAINER_FORMATS),
    system: described('', 'Text of a system turn in front of each question; "" for none.'),
    suffix: described('', 'Text behind every question, as it is.'),
  }),
  check: ({inputs}) =>
    inputs.length === 1 ? [] : ['wire either prompts, for reinforcement learning, or data, for fine-tuning'],
  definitions: {tasks: 'task'},
  async run({inputs, outputs, params: {format, system, suffix}, definitions, note}) {
    const [{mkdir}, {readPrompts, readRows}, {sampleRow}, {tasksWith}, {writeLines}] = await Promise.all([
      import('node:fs/promises'),
      import('./data/rows.js'),
      import('./data/schemas.js'),
      import('./tasks/load-tasks.js'),
      import('./trl/files.js'),
    ]);
    const turnsOf = (question: string): Turn[] => [
      ...(system === '' ? [] : [{role: 'system', content: system} as const]),
      {role: 'user', content: question + suffix},
    ];
    let rows: object[];
    if (inputs.prompts !== undefined) {
      const all = await readPrompts(inputs.prompts, await tasksWith(definitions.tasks));
      const known = all.filter(({answer}) => answer !== undefined);
      if (known.length < all.length)
        note(`${all.length - known.length} of ${all.length} questions have no answer and are left out`);
      rows = known.map((prompt, index) => ASKED[format](prompt, turnsOf(prompt.question), index));
    } else {
      const samples = await readRows(inputs.data!, sampleRow);
      rows = samples.map(({id, question, response}) => ANSWERED[format](id, turnsOf(question), response));
    }
    if (rows.length === 0) throw new StageFailure('there is no row to write: no question has an answer');
    await mkdir(outputs.rows);
    await writeLines(outputs.rows, 'train.jsonl', rows);
    note(`${rows.length} rows in train.jsonl`);
  },
});
