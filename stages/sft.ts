/**
 * Supervised fine-tuning, for cold start, full scenario and distillation alike: next-token loss on the assistant's
 * tokens only, end of sequence included; prompt and padding are left out. Cosine from the peak to a tenth of it, two to
 * three epochs (DeepSeek-R1, supplement B.4.2). Not packed: rows are padded to a few lengths.
 */
import {join} from 'node:path';
import {setImmediate as turn} from 'node:timers/promises';
import {StageFailure, many, param, defineStage} from '../pipeline/stage.js';
import {readJson, readRows, writeJson, writeRows} from './data/rows.js';
import type {HistoryRow} from './data/schemas.js';
import {lengthBuckets} from './train/length-buckets.js';
import {TEMPLATE_NAMES} from './text/template-names.js';
import type {TemplateName} from './text/template-names.js';

interface State {
  readonly step: number;
  readonly history: HistoryRow[];
  readonly trainedTokens: number;
}

export const sft = defineStage({
  module: import.meta.url,
  name: 'sft',
  summary: 'Supervised fine-tuning on the completions of one or more datasets',
  tensor: true,
  resources: {memory: 1500},
  inputs: {base: 'model', data: many('dataset')},
  outputs: {model: 'model', history: 'history'},
  params: {
    template: param<TemplateName>('chat'),
    epochs: 2,
    /** Rows in an optimizer step; the paper's 128 at 800,000 rows. */
    batch: 128,
    /** Rows in one native call. */
    microBatch: 16,
    /** Peak; the paper's 5e-5 for its own size. */
    learningRate: 5e-5,
    warmup: 0,
    weightDecay: 0,
    beta2: 0.98,
    /** Rows with more tokens than this are an error, not cut. */
    maxTokens: 32_768,
  },
  choices: {template: TEMPLATE_NAMES},
  async run({inputs, outputs, params, seed, threads, checkpoints, progress, metric}) {
    const [
      {openEngine},
      {crossEntropyTraining},
      {openModel, saveModel},
      {countParameters},
      state,
      {openTokenizer},
      {encodePrompt},
      {batchOrder},
      {cosine},
      {sampleRow},
    ] = await Promise.all([
      import('./engine/engine.js'),
      import('./train/programs.js'),
      import('./model/hf-folder.js'),
      import('./model/parameters.js'),
      import('./engine/save-state.js'),
      import('./text/tokenizer.js'),
      import('./text/templates.js'),
      import('./train/batch-order.js'),
      import('./train/learning-rate.js'),
      import('./data/schemas.js'),
    ]);
    const {config, weights} = await openModel(inputs.base);
    const tokenizer = await openTokenizer(inputs.base);
    const samples = (await Promise.all(Object.values(inputs.data).map((folder) => readRows(folder, sampleRow)))).flat();
    if (samples.length === 0) throw new StageFailure('the datasets hold no rows');
    const rows = samples.map(({id, question, response}) => {
      const prompt = encodePrompt(tokenizer, params.template, question);
      const tokens = [...prompt, ...tokenizer.encode(response), tokenizer.eosId];
      const limit = Math.min(params.maxTokens, config.maxPositions);
      if (tokens.length > limit) throw new StageFailure(`row ${id} has ${tokens.length} tokens, the limit is ${limit}`);
      return {tokens, mask: tokens.map((_, i) => (i < prompt.length ? 0 : 1))};
    });
    const total = Math.max(1, Math.round((rows.length * params.epochs) / params.batch));
    const rateAt = cosine({steps: total, warmup: params.warmup, peak: params.learningRate});
    const engine = await openEngine({
      config,
      weights,
      threads,
      optimizer: {beta1: 0.9, beta2: params.beta2, epsilon: 1e-8, weightDecay: params.weightDecay, maxNorm: 1},
      programs: {
        train: crossEntropyTraining({
          rows: Math.min(params.microBatch, params.batch),
          lengths: lengthBuckets(
            rows.map(({tokens}) => tokens.length),
            12,
          ),
        }),
      },
    });
    let {step, history, trainedTokens}: State = {step: 0, history: [], trainedTokens: 0};
    if (checkpoints.latest !== undefined) {
      ({step, history, trainedTokens} = (await readJson(join(checkpoints.latest, 'state.json'))) as State);
      await state.restoreState(engine, join(checkpoints.latest, 'state.safetensors'));
    }
    const batchAt = batchOrder(rows.length, params.batch, {seed, purpose: 'sft/order'});
    while (step < total) {
      await turn(); // a request to stop gets through between two native calls
      const batch = batchAt(step).map((index) => rows[index]!);
      const learningRate = rateAt(step);
      const {loss, gradNorm} = engine.run.train(batch, {learningRate});
      if (!Number.isFinite(loss))
        throw new StageFailure(
          `the loss is ${loss} at step ${step + 1}; a lower learningRate than ${params.learningRate} may help`,
        );
      trainedTokens += batch.reduce((sum, {tokens}) => sum + tokens.length, 0);
      step++;
      history.push({id: `step-${step}`, from: [], step, loss, gradNorm, learningRate});
      progress({step, total, tokens: trainedTokens});
      metric('loss', step, loss);
      if (step < total && checkpoints.due(step)) {
        await checkpoints.save(step, async (folder) => {
          await writeJson(join(folder, 'state.json'), {step, history, trainedTokens} satisfies State);
          await state.saveState(engine, join(folder, 'state.safetensors'));
        });
      }
    }
    await saveModel(outputs.model, {
      config,
      weights: engine.read('policy'),
      tokenizerFrom: inputs.base,
      generation: {temperature: 0.6, top_p: 0.95},
    });
    const parameters = countParameters(config);
    await writeRows(outputs.history, history, {
      parameters,
      trainedTokens,
      generatedTokens: 0,
      scoredTokens: 0,
      steps: step,
      rows: rows.length,
    });
    engine.dispose();
  },
});
