/**
 * Supervised fine-tuning, for cold start, full scenario and distillation alike: next-token loss on the assistant's
 * tokens only, end of sequence included; prompt and padding are left out. Cosine from the peak to a tenth of it, two to
 * three epochs (DeepSeek-R1, supplement B.4.2). Not packed: rows are padded to a few lengths.
 */
import {declareParams} from '../pipeline/params.js';
import {many, defineStage} from '../pipeline/stage.js';
import {writeRows} from './data/rows.js';
import {FINE_TUNING, OPTIMIZER, SPECIAL_IN_PROMPTS} from './common-params.js';
import {lengthBuckets} from './train/length-buckets.js';
import {COMPUTING, countsTargets} from './train/compute.js';
import {template} from './text/template-names.js';

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
      {batchOrder},
      {cosine},
      {handOver},
      {computesAgain},
      {announceMemory},
      {trainingNeed},
      {encodeSamples},
    ] = await Promise.all([
      import('./train/training-loop.js'),
      import('./train/programs.js'),
      import('./model/hf-folder/index.js'),
      import('./text/tokenizer.js'),
      import('./train/batch-order.js'),
      import('./train/learning-rate.js'),
      import('./model/parameters.js'),
      import('./memory/parts.js'),
      import('./memory/need.js'),
      import('./memory/training.js'),
      import('./data/encode-samples.js'),
    ]);
    // The base, and the completions as tokens with a mark on those that are learned.
    const {config, weights, generation} = await openModel(inputs.base);
    const tokenizer = await openTokenizer(inputs.base, params);
    const limit = Math.min(params.maxTokens, config.maxPositions);
    const encoded = await encodeSamples(Object.values(inputs.data), {tokenizer, template: params.template, limit});
    const rows = encoded.map(({tokens, from}) => ({tokens, mask: tokens.map((_, i) => (i < from ? 0 : 1)), from}));
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
