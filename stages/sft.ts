/**
 * Supervised fine-tuning, for cold start, full scenario and distillation alike: next-token loss on the assistant's
 * tokens only, end of sequence included; prompt and padding are left out. Cosine from the peak to a tenth of it, two to
 * three epochs (DeepSeek-R1, supplement B.4.2). Not packed: rows are padded to a few lengths.
 */
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, many, defineStage} from '../pipeline/stage.js';
import {readRows, writeRows} from './data/rows.js';
import {ABOVE_ZERO, COUNT, COUNT_OR_NONE, LEARNING_RATE, OPTIMIZER, SPECIAL_IN_PROMPTS} from './common-params.js';
import {lengthBuckets} from './train/length-buckets.js';
import {COMPUTING, countsTargets} from './train/compute.js';
import {template} from './text/template-names.js';

/** Params of a supervised training on datasets, without those of its optimizer. */
export const FINE_TUNING = {
  epochs: described(2, 'How often each row is learned; a fraction is a part of the rows.', ABOVE_ZERO),
  batch: described(128, 'Rows in an optimizer step; the paper’s 128 at 800,000 rows.', COUNT),
  microBatch: described(16, 'Rows in one native call; the sum over a step is the same, its last bits are not.', COUNT),
  learningRate: described(
    5e-5,
    'Peak of the learning rate; the paper’s 5e-5 for its own size. It falls to a tenth by a cosine.',
    LEARNING_RATE,
  ),
  warmup: described(0, 'Optimizer updates over which the learning rate rises linearly from 0.', COUNT_OR_NONE),
  maxTokens: described(32_768, 'Rows with more tokens than this are an error, not cut.', COUNT),
};

/**
 * Fine-tunes a model on questions and responses (DeepSeek-R1, arXiv 2501.12948, §2.3.1, §2.3.3 and, for distillation,
 * §2.4).
 *
 * @throws {StageFailure} from `run`: the loss is not finite, the datasets hold no rows, or a row has more than
 * `maxTokens` tokens or the model's positions
 */
export const sft = defineStage({
  module: import.meta.url,
  name: 'sft',
  canFinishEarly: true,
  summary: 'Supervised fine-tuning on the completions of one or more datasets',
  headline: ['loss'],
  trains: true,
  tensor: true,
  resources: {memory: 1500},
  inputs: {base: 'model', data: many('dataset')},
  outputs: {model: 'model', history: 'history'},
  ...declareParams({
    template: template('chat'),
    ...SPECIAL_IN_PROMPTS,
    ...FINE_TUNING,
    ...OPTIMIZER,
    ...COMPUTING,
  }),
  async memory({inputs, params, threads}) {
    const {fineTuningNeed} = await import('./memory/training.js');
    return fineTuningNeed({base: inputs.base, data: Object.values(inputs.data), threads, params});
  },
  async run(context) {
    const {inputs, outputs, params, seed, threads, note} = context;
    const [
      {withTraining, countTokens},
      {crossEntropyTraining},
      {carriedOn, openModel, saveModel},
      {openTokenizer},
      {encodePrompt},
      {batchOrder},
      {cosine},
      {handOver},
      {computesAgain},
      {announceMemory},
      {trainingNeed},
      {sampleRow},
    ] = await Promise.all([
      import('./train/training-loop.js'),
      import('./train/programs.js'),
      import('./model/hf-folder/index.js'),
      import('./text/tokenizer.js'),
      import('./text/templates.js'),
      import('./train/batch-order.js'),
      import('./train/learning-rate.js'),
      import('./model/parameters.js'),
      import('./memory/parts.js'),
      import('./memory/need.js'),
      import('./memory/training.js'),
      import('./data/schemas.js'),
    ]);
    // The base, and the completions as tokens with a mark on those that are learned.
    const {config, weights, generation} = await openModel(inputs.base);
    const tokenizer = await openTokenizer(inputs.base, params);
    const samples = (await Promise.all(Object.values(inputs.data).map((folder) => readRows(folder, sampleRow)))).flat();
    if (samples.length === 0) throw new StageFailure('the datasets hold no rows');
    const rows = samples.map(({id, question, response}) => {
      const prompt = encodePrompt(tokenizer, params.template, question);
      const tokens = [...prompt, ...tokenizer.encode(response), tokenizer.eosId];
      const limit = Math.min(params.maxTokens, config.maxPositions);
      if (tokens.length > limit) throw new StageFailure(`row ${id} has ${tokens.length} tokens, the limit is ${limit}`);
      return {tokens, mask: tokens.map((_, i) => (i < prompt.length ? 0 : 1)), from: prompt.length};
    });
    const lengths = lengthBuckets(
      rows.map(({tokens}) => tokens.length),
      12,
    );
    const steps = Math.max(1, Math.round((rows.length * params.epochs) / params.batch));
    const rateAt = cosine({steps, warmup: params.warmup, peak: params.learningRate});
    const batchAt = batchOrder(rows.length, params.batch, {seed, purpose: 'sft/order'});

    const targets = {
      before: Math.min(...rows.map(({from}) => from)) - 1,
      most: Math.max(...rows.map(({tokens, from}) => tokens.length - from)),
    };
    const counted = countsTargets(config) ? {targets} : {};
    const buckets = {rows: Math.min(params.microBatch, params.batch), lengths, ...counted};
    const activationCheckpointing = computesAgain(params.activationCheckpointing, config, buckets);
    announceMemory(trainingNeed({config, tokens: lengths.at(-1)!, ...counted, threads, params}), note);
    const programs = {train: crossEntropyTraining(buckets)};
    const optimizer = {beta2: params.beta2, weightDecay: params.weightDecay};
    const {precision} = params;
    const engine = {
      config,
      weights: handOver(weights),
      threads,
      precision,
      activationCheckpointing,
      optimizer,
      programs,
    };
    await withTraining({engine, context, learningRate: params.learningRate, start: null}, async (training) => {
      const {run, read} = training.engine;
      await training.until(steps, {metrics: ['loss']}, (step) => {
        const batch = batchAt(step).map((index) => rows[index]!);
        const learningRate = rateAt(step);
        const {loss, gradNorm} = run.train(batch, {learningRate});
        return {measured: {loss, gradNorm, learningRate}, trainedTokens: countTokens(batch)};
      });

      await saveModel(outputs.model, {
        config,
        weights: read('policy'),
        tokenizerFrom: inputs.base,
        generation: carriedOn(generation),
      });
      await writeRows(outputs.history, training.history, {...training.summary(), rows: rows.length});
    });
  },
});
