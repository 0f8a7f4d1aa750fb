/**
 * General supervised data: greetings, translations, harmless questions, refusals (the paper's 200,000 non-reasoning rows
 * from another model's pipeline). A share of the rows is poor on purpose, as found data is: preference rewards should have
 * something to mend.
 */
import {declareParams, described} from '../pipeline/params.js';
import {defineStage} from '../pipeline/stage.js';
import {COUNT, SHARE} from './common-params.js';
import {writeRows} from './data/rows.js';
import type {SampleRow} from './data/schemas.js';
import {GENERAL, choiceMistakes} from './tasks/general-choice.js';

/**
 * Makes supervised rows for general scenarios, the non-reasoning half of the full fine-tuning data (DeepSeek-R1, arXiv
 * 2501.12948, §2.3.3).
 */
export const generalData = defineStage({
  module: import.meta.url,
  name: 'general-data',
  summary: 'Supervised rows for general scenarios',
  inputs: {},
  outputs: {dataset: 'dataset'},
  ...declareParams({
    rows: described(1_500, 'Rows, for scenarios of the training side.', COUNT),
    goodShare: described(0.8, 'Share of rows with a reference response; the rest are poor ones.', SHARE),
    general: GENERAL,
  }),
  check: ({params}) => choiceMistakes(params.general),
  async run({outputs, params, seed}) {
    const {generalRows} = await import('./tasks/general-rows.js');
    const rows = generalRows({
      seed,
      split: 'train',
      count: params.rows,
      goodShare: params.goodShare,
      choice: params.general,
    });
    const dataset = rows.map(({id, from, prompt, response, quality}): SampleRow => ({
      id,
      from: [...from],
      task: prompt.task,
      ...(prompt.language === undefined ? {} : {language: prompt.language}),
      question: prompt.question,
      response,
      quality,
      kind: prompt.scenario?.kind,
    }));
    const good = rows.filter(({quality}) => quality === 'good').length;
    await writeRows(outputs.dataset, dataset, {rows: rows.length, good, poor: rows.length - good});
  },
});
