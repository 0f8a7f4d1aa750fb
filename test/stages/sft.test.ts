/** Fine-tuning on a large vocabulary computes logits where a response is predicted, and learns what all logits would teach. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {readRows, writeRows} from '../../stages/data/rows.js';
import {historyRow} from '../../stages/data/schemas.js';
import {openEngine} from '../../stages/engine/engine.js';
import {sft} from '../../stages/index.js';
import {newConfig} from '../../stages/model/config.js';
import {openModel, saveModel} from '../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../stages/model/parameters.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import {encodePrompt} from '../../stages/text/templates.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {batchOrder} from '../../stages/train/batch-order.js';
import {countsTargets} from '../../stages/train/compute.js';
import {cosine} from '../../stages/train/learning-rate.js';
import {lengthBuckets} from '../../stages/train/length-buckets.js';
import {crossEntropyTraining} from '../../stages/train/programs.js';
import {temporaryFolder} from '../rig/temporary.js';
import {make, outputPath} from './stagejob.js';

/** Prompts and responses of unequal lengths, so that what counts begins at another place in each row. */
const SAMPLES = [
  {question: 'hello , i am tom .', response: 'hello tom ! how can i help you ?'},
  {question: 'hello', response: 'hello ! how can i help you ?'},
  {question: 'hello , i am tom . how can you help ?', response: 'hello !'},
  {question: 'help', response: 'how can i help you , tom ?'},
];
const [STEPS, BATCH, PEAK] = [4, 2, 1e-2];

test('losses, gradients and weights are those of logits at all positions', async (t) => {
  const folder = temporaryFolder(t);
  const [words, base, data, job] = ['tokenizer', 'base', 'data', 'job'].map((name) => join(folder, name)) as [
    ...[string, string, string, string],
  ];
  await writeWordTokenizer(words, [...vocabulary(), ...Array.from({length: 4_000}, (_, index) => `word-${index}`)]);
  const {size, eosId, padId} = await openTokenizer(words);
  const config = newConfig({
    ...{vocabSize: size, hiddenSize: 16, intermediateSize: 32, layers: 2, heads: 2, maxPositions: 64},
    ...{eosId, padId, initializerRange: 0.3},
  });
  assert.ok(countsTargets(config), `${size} tokens`);
  await saveModel(base, {config, weights: initialWeights(config, 3), tokenizerFrom: words});
  await writeRows(
    data,
    SAMPLES.map((sample, id) => ({id: `${id}`, from: [], ...sample})),
  );
  const params = {epochs: (STEPS * BATCH) / SAMPLES.length, batch: BATCH, microBatch: BATCH, learningRate: PEAK};
  await make(job, {stage: sft, exported: 'sft', inputs: {base, data: {data}}, params});
  const history = await readRows(outputPath(job, 'history'), historyRow);
  assert.equal(history.length, STEPS);

  const tokenizer = await openTokenizer(base);
  const rows = SAMPLES.map(({question, response}) => {
    const prompt = encodePrompt(tokenizer, 'chat', question);
    const tokens = [...prompt, ...tokenizer.encode(response), tokenizer.eosId];
    return {tokens, mask: tokens.map((_, at) => (at < prompt.length ? 0 : 1))};
  });
  const lengths = lengthBuckets(
    rows.map(({tokens}) => tokens.length),
    12,
  );
  const {weights} = await openModel(base);
  const engine = await openEngine({
    ...{config, weights, threads: 1, optimizer: {beta2: 0.98, weightDecay: 0}},
    programs: {train: crossEntropyTraining({rows: BATCH, lengths})},
  });
  try {
    const batchAt = batchOrder(rows.length, BATCH, {seed: 0, purpose: 'sft/order'});
    const rateAt = cosine({steps: STEPS, warmup: 0, peak: PEAK});
    for (const [step, row] of history.entries()) {
      const {loss, gradNorm} = engine.run.train(
        batchAt(step).map((index) => rows[index]!),
        {learningRate: rateAt(step)},
      );
      assert.ok(Math.abs(Number(row['loss']) - loss) < 1e-5, `step ${step}: loss ${String(row['loss'])}, not ${loss}`);
      assert.ok(
        Math.abs(Number(row['gradNorm']) - gradNorm) < 1e-4 * gradNorm,
        `step ${step}: gradient norm ${String(row['gradNorm'])}, not ${gradNorm}`,
      );
    }
    const trained = (await openModel(outputPath(job, 'model'))).weights;
    for (const [name, values] of engine.read('policy'))
      values.forEach((value, at) => assert.ok(Math.abs(value - trained.get(name)![at]!) < 1e-4, `${name}[${at}]`));
  } finally {
    engine.dispose();
  }
});
