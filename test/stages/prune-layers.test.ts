/** A model loses the layers that it does not miss, and what is left is a model that anybody can load. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {jobFiles} from '../../pipeline/job/folder.js';
import type {Params} from '../../pipeline/stage.js';
import {pruneLayers} from '../../stages/index.js';
import {openEngine} from '../../stages/engine/engine.js';
import {newConfig} from '../../stages/model/config.js';
import {silenced, withoutLayers} from '../../stages/model/drop-layers.js';
import {openModel, saveModel} from '../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../stages/model/parameters.js';
import {readRows, writeRows} from '../../stages/data/rows.js';
import {historyRow} from '../../stages/data/schemas.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import {encodePrompt} from '../../stages/text/templates.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {countsTargets} from '../../stages/train/compute.js';
import {logProbabilities} from '../../stages/train/programs.js';
import {mistakesOf} from '../rig/wired.js';
import {temporaryFolder} from '../rig/temporary.js';
import {make, outputPath, runStage, writeJob} from './stagejob.js';

/** Five layers, of which the second and the fourth do nothing. `words` are those of the tokenizer beside the built-in ones. */
async function wholeModel(
  t: TestContext,
  {words = [], idle = [1, 3]}: {words?: string[]; idle?: number[]} = {},
): Promise<string> {
  const folder = temporaryFolder(t);
  const tokenizer = join(folder, 'tokenizer');
  await writeWordTokenizer(tokenizer, [...vocabulary(), ...words]);
  const {size, eosId, padId} = await openTokenizer(tokenizer);
  const config = newConfig({
    ...{vocabSize: size, hiddenSize: 16, intermediateSize: 32, layers: 5, heads: 2, maxPositions: 64},
    ...{eosId, padId, initializerRange: 0.3},
  });
  const weights = silenced(initialWeights(config, 3), new Set(idle));
  await saveModel(join(folder, 'model'), {config, weights, tokenizerFrom: tokenizer});
  return join(folder, 'model');
}

async function dataset(t: TestContext): Promise<string> {
  const folder = join(temporaryFolder(t), 'data');
  const row = (id: number) => ({
    id: `${id}`,
    from: [],
    question: 'hello , i am tom .',
    response: 'hello tom ! how can i help you ?',
  });
  await writeRows(folder, [row(0), row(1)]);
  return folder;
}

test('layers that do nothing go first, and without them the model says the same', async (t) => {
  const base = await wholeModel(t);
  const job = join(temporaryFolder(t), 'job');
  const inputs = {base, data: {rows: await dataset(t)}};
  await make(job, {stage: pruneLayers, exported: 'pruneLayers', inputs, params: {layers: 3}});
  const history = await readRows(outputPath(job, 'history'), historyRow);
  const losses = history.map(({loss}) => Number(loss));
  assert.deepEqual(
    history
      .slice(0, 2)
      .map(({layer}) => layer)
      .sort(),
    [1, 3],
  );
  assert.equal(losses[0], losses[1]);
  assert.notEqual(losses[2], losses[1]);
  assert.match(readFileSync(jobFiles(job).events, 'utf8'), /without layers \d, \d, \d of 5: loss \d+\.\d+ → \d+\.\d+/);

  const [before, after] = [await openModel(base), await openModel(outputPath(job, 'model'))];
  const left = [0, 1, 2, 3, 4].filter((layer) => history.every((row) => row['layer'] !== layer));
  assert.equal(after.config.layers, 2);
  assert.equal(after.config.raw['num_hidden_layers'], 2);
  for (const [place, layer] of left.entries())
    assert.deepEqual(
      after.weights.get(`model.layers.${place}.mlp.up_proj.weight`),
      before.weights.get(`model.layers.${layer}.mlp.up_proj.weight`),
    );
});

test('of a large vocabulary logits are computed for responses alone, and the losses are those of all logits', async (t) => {
  const words = Array.from({length: 4_000}, (_, index) => `word-${index}`);
  const base = await wholeModel(t, {words, idle: []});
  const job = join(temporaryFolder(t), 'job');
  // Prompts and responses of unequal lengths, so that targets begin at another place in each row.
  const folder = join(temporaryFolder(t), 'data');
  const samples = [
    {question: 'hello , i am tom .', response: 'hello tom ! how can i help you ?'},
    {question: 'hello', response: 'hello ! how can i help you ?'},
    {question: 'hello , i am tom . how can you help ?', response: 'hello !'},
  ];
  await writeRows(
    folder,
    samples.map((sample, id) => ({id: `${id}`, from: [], ...sample})),
  );
  await make(job, {
    stage: pruneLayers,
    exported: 'pruneLayers',
    inputs: {base, data: {rows: folder}},
    params: {layers: 3},
  });
  const history = await readRows(outputPath(job, 'history'), historyRow);

  const {config, weights} = await openModel(base);
  assert.ok(countsTargets(config), `${config.vocabSize} tokens`);
  const tokenizer = await openTokenizer(base);
  const rows = samples.map(({question, response}) => {
    const prompt = encodePrompt(tokenizer, 'chat', question);
    return {tokens: [...prompt, ...tokenizer.encode(response), tokenizer.eosId], from: prompt.length};
  });
  const engine = await openEngine({
    config,
    weights,
    threads: 1,
    programs: {logProbabilities: logProbabilities({rows: rows.length, lengths: [64], temperature: 1})},
  });
  try {
    const gone = new Set<number>();
    for (const [layer, loss] of history.map((row) => [Number(row['layer']), Number(row['loss'])] as const)) {
      engine.write('policy', silenced(weights, gone.add(layer)));
      const values = engine.run.logProbabilities(rows).flatMap((row, at) => [...row.subarray(rows[at]!.from)]);
      const expected = -values.reduce((sum, value) => sum + value, 0) / values.length;
      assert.ok(Math.abs(loss - expected) < 1e-5, `without layer ${layer}: ${loss}, not ${expected}`);
    }
    assert.equal(gone.size, 3);
  } finally {
    engine.dispose();
  }
});

test('entries by layer of a config go with their layers', () => {
  const config = newConfig({
    ...{vocabSize: 8, hiddenSize: 4, intermediateSize: 8, layers: 3, heads: 2, maxPositions: 8, eosId: 1, padId: 0},
  });
  const raw = {...config.raw, layer_types: ['full_attention', 'full_attention', 'full_attention']};
  const {config: smaller} = withoutLayers({...config, raw}, initialWeights(config, 0), new Set([0]));
  assert.deepEqual(smaller.raw['layer_types'], ['full_attention', 'full_attention']);
});

test('more layers than there are, and data without a row that fits, are refused', async (t) => {
  const inputs = {base: await wholeModel(t), data: {rows: await dataset(t)}};
  const refused = async (params: Params, message: RegExp): Promise<void> => {
    const job = join(temporaryFolder(t), 'job');
    writeJob(job, {stage: pruneLayers, exported: 'pruneLayers', inputs, params});
    const {result} = await runStage(job);
    assert.match(JSON.stringify(result), message);
  };
  await refused({layers: 5}, /has 5 layers, and 5 of them cannot be left out/);
  await refused({layers: 1, maxTokens: 4}, /no rows of at most 4 tokens/);
  assert.match(mistakesOf(pruneLayers, {layers: 0}).join(), /layers is 0/);
});
