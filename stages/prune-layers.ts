/**
 * A student out of its teacher: a model without those of its layers that it misses least on a given text. Layers go one by one,
 * each time the one without which the loss is lowest, given what is gone (the idea of ShortGPT, arXiv 2403.03853, and of
 * arXiv 2403.17887, with the loss itself in the place of a likeness of hidden states). What is left stumbles, and wants some
 * supervised training: arXiv 2403.17887 calls it healing.
 */
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, Stopped, defineStage, many} from '../pipeline/stage.js';
import type {InputPorts, OutputPorts, Params, StageContext} from '../pipeline/stage.js';
import {readRows, writeRows} from './data/rows.js';
import {COUNT} from './common-params.js';
import {template} from './text/template-names.js';

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
  ...declareParams({
    layers: described(10, 'How many layers go.', COUNT),
    rows: described(
      8,
      'Rows of the data that the loss is measured on, the first ones that have at most maxTokens tokens.',
      COUNT,
    ),
    maxTokens: described(128, 'Tokens of the longest of these rows, the question included.', COUNT),
    template: template('chat'),
  }),
  async run({inputs, outputs, params, ...context}) {
    const history = await leastMissed(inputs, params, context);
    const counts = await saveWithout(inputs.base, history, outputs.model);
    await writeRows(outputs.history, history, counts);
  },
});

/** A layer that is left out, and the loss without it and those before. */
export interface LeftOut {
  readonly id: string;
  readonly from: readonly string[];
  /** Which of them it is, from 0. */
  readonly step: number;
  /** Its number in the whole model, from 0. */
  readonly layer: number;
  readonly loss: number;
}

/**
 * The layers that a model misses least, in the order in which they go.
 *
 * @param inputs folders
 * @throws {StageFailure} as the stage; {Stopped} when a stop was asked for, between two tries
 */
export async function leastMissed(
  {base, data}: {readonly base: string; readonly data: Readonly<Record<string, string>>},
  params: typeof pruneLayers.params,
  {
    threads,
    checkpoints,
    progress,
    note,
  }: Pick<StageContext<InputPorts, OutputPorts, Params>, 'threads' | 'checkpoints' | 'progress' | 'note'>,
): Promise<LeftOut[]> {
  const [
    {openEngine},
    {logProbabilities},
    {openModel},
    {openTokenizer},
    {encodePrompt},
    {lengthBuckets},
    {isOutputOf, silenced},
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
  const {config, weights} = await openModel(base);
  if (params.layers >= config.layers)
    throw new StageFailure(`the model has ${config.layers} layers, and ${params.layers} of them cannot be left out`);
  const tokenizer = await openTokenizer(base);
  const limit = Math.min(params.maxTokens, config.maxPositions);
  const samples = (await Promise.all(Object.values(data).map((folder) => readRows(folder, sampleRow)))).flat();
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
  const history: LeftOut[] = [];
  try {
    /** The layers that say nothing in the engine. */
    let silent: ReadonlySet<number> = new Set();
    const lossWithout = (layers: ReadonlySet<number>): number => {
      // Two layers differ from one try to the next, out of dozens.
      const changed = new Set([...silent, ...layers].filter((layer) => silent.has(layer) !== layers.has(layer)));
      engine.write('policy', silenced(weights, layers), (name) => isOutputOf(changed, name));
      silent = layers;
      const values = engine.run.logProbabilities(rows).flatMap((row, at) => [...row.subarray(rows[at]!.from)]);
      return -values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    const whole = lossWithout(new Set());
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
  return history;
}

/** Writes a model without some of its layers. @param base and @param folder are folders @returns how many layers it had, and has */
export async function saveWithout(
  base: string,
  layers: readonly LeftOut[],
  folder: string,
): Promise<{layers: number; left: number}> {
  const [{carriedOn, openModel, saveModel}, {withoutLayers}] = await Promise.all([
    import('./model/hf-folder/index.js'),
    import('./model/drop-layers.js'),
  ]);
  const {config, weights, generation} = await openModel(base);
  const smaller = withoutLayers(config, weights, new Set(layers.map(({layer}) => layer)));
  await saveModel(folder, {...smaller, tokenizerFrom: base, generation: carriedOn(generation)});
  return {layers: config.layers, left: smaller.config.layers};
}
