/**
 * Supervised fine-tuning like `sft`, with the optimizer steps made by TRL's SFTTrainer in Python: the same rows as tokens, in the same
 * batches, at the same learning rates.
 */
import {declareParams} from '../pipeline/params.js';
import {defineStage, many} from '../pipeline/stage.js';
import {FINE_TUNING, OPTIMIZER, SPECIAL_IN_PROMPTS} from './common-params.js';
import {template} from './text/template-names.js';
import {TRL} from './trl/environment.js';
import {TRAINING, configMistakes, microBatchOf, spreadMistakes} from './trl/params.js';

/** Counts as code, with what it imports from its folder. */
const PROGRAM = new URL('../../stages/trl/sft.py', import.meta.url);

/**
 * Fine-tunes a model on questions and responses with TRL (https://huggingface.co/docs/trl/sft_trainer). Ports and params are those of
 * `sft`; what differs is said in stages/trl/README.md.
 *
 * @throws {StageFailure} from `run`: as `sft`, and where the trainer fails
 */
export const trlSft = defineStage({
  module: import.meta.url,
  name: 'trl-sft',
  canFinishEarly: true,
  summary: 'Supervised fine-tuning like sft, by TRL’s SFTTrainer in Python',
  headline: ['loss'],
  trains: true,
  tensor: true,
  replaces: {stage: 'sft', trainer: 'trl'},
  environment: TRL,
  resources: {memory: 2500},
  inputs: {base: 'model', data: many('dataset')},
  outputs: {model: 'model', history: 'history'},
  ...declareParams({template: template('chat'), ...SPECIAL_IN_PROMPTS, ...FINE_TUNING, ...OPTIMIZER, ...TRAINING}),
  check: ({params}) => [
    ...spreadMistakes({rows: params.batch, named: 'batch'}, params),
    ...configMistakes(params.config),
  ],
  async run(context) {
    const {inputs, outputs, params, seed, scratch} = context;
    const [
      {trainOutside},
      {keepModel},
      {readConfig, readGeneration},
      {countParameters},
      {openTokenizer},
      {encodeSamples},
      {batchOrder},
      {writeLines, writeList},
      {writeRows},
    ] = await Promise.all([
      import('./trl/training.js'),
      import('./trl/keep-model.js'),
      import('./model/hf-folder/index.js'),
      import('./model/parameters.js'),
      import('./text/tokenizer.js'),
      import('./data/encode-samples.js'),
      import('./train/batch-order.js'),
      import('./trl/files.js'),
      import('./data/rows.js'),
    ]);
    const {python} = await TRL.open(context);
    const config = await readConfig(inputs.base);
    const generation = await readGeneration(inputs.base);
    const tokenizer = await openTokenizer(inputs.base, params);
    const limit = Math.min(params.maxTokens, config.maxPositions);
    const {template, batch, epochs} = params;
    const rows = await encodeSamples(Object.values(inputs.data), {tokenizer, template, limit});
    const steps = Math.max(1, Math.round((rows.length * epochs) / batch));
    const batchAt = batchOrder(rows.length, batch, {seed, purpose: 'sft/order'});
    const order = Array.from({length: steps}, (_, step) => batchAt(step)).flat();
    const trained = await trainOutside({
      context,
      python,
      program: PROGRAM,
      ranks: params.ranks,
      steps,
      boundary: 1,
      learningRate: params.learningRate,
      parameters: countParameters(config),
      start: null,
      spec: {
        ...params,
        base: inputs.base,
        schedule: 'cosine',
        microBatch: microBatchOf(batch, params),
        rows: await writeLines(scratch, 'rows.jsonl', rows),
        order: await writeList(scratch, 'order.json', order),
      },
      measure(
        _,
        {loss = NaN, grad_norm: gradNorm = NaN, learning_rate: learningRate = NaN, num_input_tokens_seen: seen},
        {tokens},
      ) {
        tokens.trained = seen ?? 0;
        return {loss, gradNorm, learningRate};
      },
      isHistoryOnly: (measure) => measure !== 'loss',
    });
    await keepModel(trained.model, outputs.model, {folder: inputs.base, config, generation});
    await writeRows(outputs.history, trained.history, {...trained.summary, rows: rows.length});
  },
});
