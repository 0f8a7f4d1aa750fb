/**
 * A student out of its teacher: a model without those of its layers that it misses least on a given text. Layers go one by one,
 * each time the one without which the loss is lowest, given what is gone (the idea of ShortGPT, arXiv 2403.03853, and of
 * arXiv 2403.17887, with the loss itself in the place of a likeness of hidden states). What is left stumbles, and wants some
 * supervised training: arXiv 2403.17887 calls it healing.
 */
import {StageFailure, Stopped, defineStage, many, param} from '../pipeline/stage.js';
import {readRows, writeRows} from './data/rows.js';
import {TEMPLATE_NAMES} from './text/template-names.js';
import type {TemplateName} from './text/template-names.js';

/**
 * Leaves layers out of a model, chosen by the loss on the responses of a dataset. `history` names each layer, by its number in
 * the whole model from 0, and the loss without it and those before.
 *
 * @throws {StageFailure} from `run` where the model has not that many layers, or the data holds no rows
 */
export const pruneLayers = defineStage({
  module: import.meta.url,
  name: 'prune-layers',
  summary: 'A model without the layers that it misses least on a text',
  tensor: true,
  seedless: true,
  resources: {memory: 2000},
  inputs: {base: 'model', data: many('dataset')},
  outputs: {model: 'model', history: 'history'},
  params: {
    /** How many layers go. */
    layers: 10,
    /** Rows of the data that the loss is measured on, the first ones that have at most so many tokens. */
    rows: 8,
    maxTokens: 128,
    template: param<TemplateName>('chat'),
  },
  choices: {template: TEMPLATE_NAMES},
  check: ({params: {layers, rows}}) => [
    ...(Number.isInteger(layers) && layers > 0
      ? []
      : [`layers is ${layers} and should be a number of layers, 1 or more`]),
    ...(Number.isInteger(rows) && rows > 0 ? [] : [`rows is ${rows} and should be a number of rows, 1 or more`]),
  ],
  async run({inputs, outputs, params, threads, checkpoints, progress, note}) {
    const [
      {openEngine},
      {logProbabilities},
      {carriedOn, openModel, saveModel},
      {openTokenizer},
      {encodePrompt},
      {lengthBuckets},
      {silenced, withoutLayers},
      {countsTargets},
      {sampleRow},
    ] = await Promise.all([
      import('./engine/engine.js'),
      import('./train/programs.js'),
      import('./model/hf-folder/index.js'),
      import('./text/tokenizer.js'),
      import('./text/templates.js'),
      import('./train/length-buckets.js'),
      import('./model/drop-layers.js'),
      import('./train/compute.js'),
      import('./data/schemas.js'),
    ]);
    const {config, weights, generation} = await openModel(inputs.base);
    if (params.layers >= config.layers)
      throw new StageFailure(`the model has ${config.layers} layers, and ${params.layers} of them cannot be left out`);
    const tokenizer = await openTokenizer(inputs.base);
    const limit = Math.min(params.maxTokens, config.maxPositions);
    const samples = (await Promise.all(Object.values(inputs.data).map((folder) => readRows(folder, sampleRow)))).flat();
    const rows = samples
      .map(({question, response}) => {
        const prompt = encodePrompt(tokenizer, params.template, question);
        const tokens = [...prompt, ...tokenizer.encode(response), tokenizer.eosId];
        return {tokens, from: prompt.length, mask: tokens.map((_, at) => (at < prompt.length ? 0 : 1))};
      })
      .filter(({tokens}) => tokens.length <= limit)
      .slice(0, params.rows);
    if (rows.length === 0) throw new StageFailure(`the data holds no rows of at most ${limit} tokens`);
    const lengths = lengthBuckets([Math.max(...rows.map(({tokens}) => tokens.length))]);
    const targets = {
      before: Math.min(...rows.map(({from}) => from)) - 1,
      most: Math.max(...rows.map(({tokens, from}) => tokens.length - from)),
    };
    const buckets = {rows: rows.length, lengths, ...(countsTargets(config) && {targets})};
    const engine = await openEngine({
      config,
      weights,
      threads,
      programs: {logProbabilities: logProbabilities({...buckets, temperature: 1})},
    });
    const gone = new Set<number>();
    const history: {id: string; from: string[]; step: number; layer: number; loss: number}[] = [];
    try {
      const lossWithout = (layers: ReadonlySet<number>): number => {
        engine.write('policy', silenced(weights, layers));
        const values = engine.run.logProbabilities(rows).flatMap((row, at) => [...row.subarray(rows[at]!.from)]);
        return -values.reduce((sum, value) => sum + value, 0) / values.length;
      };
      const whole = lossWithout(gone);
      const tries = Array.from({length: params.layers}, (_, round) => config.layers - round);
      const total = tries.reduce((sum, count) => sum + count, 0);
      let tried = 0;
      for (let step = 0; step < params.layers; step++) {
        let best: {readonly layer: number; readonly loss: number} | undefined;
        for (let layer = 0; layer < config.layers; layer++) {
          if (gone.has(layer)) continue;
          if (checkpoints.isStopAsked()) throw new Stopped();
          const loss = lossWithout(new Set(gone).add(layer));
          if (best === undefined || loss < best.loss) best = {layer, loss};
          progress({step: ++tried, total});
        }
        gone.add(best!.layer);
        history.push({id: `prune-layers:${step}`, from: [], step, ...best!});
      }
      const left = history.at(-1)!.loss;
      note(
        `without layers ${[...gone].sort((a, b) => a - b).join(', ')} of ${config.layers}: loss ${whole.toFixed(3)} → ${left.toFixed(3)}`,
      );
    } finally {
      engine.dispose();
    }
    const student = withoutLayers(config, weights, gone);
    await saveModel(outputs.model, {...student, tokenizerFrom: inputs.base, generation: carriedOn(generation)});
    await writeRows(outputs.history, history, {layers: config.layers, left: student.config.layers});
  },
});
