/** Both ways to keep a prompt, with heads that share keys, against a float64 model. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {cachedAttention} from '../../../stages/model/cached-attention.js';
import {newConfig} from '../../../stages/model/config.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random, samplingUniforms} from '../../../stages/random.js';
import {loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import {generation} from '../../../stages/engine/programs/generation.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {logSoftmax, referenceLogits} from './reference.js';

const {tf} = await loadTensorFlow(1);

const config = newConfig({
  vocabSize: 30,
  hiddenSize: 64,
  intermediateSize: 96,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  maxPositions: 256,
  initializerRange: 0.3,
  eosId: 1,
  padId: 0,
});
const weights = initialWeights(config, 4);

/** Slots that the rows of the cache have before the first token of a response. */
const slotsBefore = (group: number, promptLength: number, headDim = config.headDim): number =>
  tf.tidy(() => {
    const caches = [{keys: tf.zeros([2, promptLength, headDim]), values: tf.zeros([2, promptLength, headDim])}];
    const shape = {prompts: 1, group, promptLength, maxNewTokens: 4};
    const {prefill} = cachedAttention({...config, headDim}, shape, caches);
    assert.equal(prefill[0]!.keys.shape[0], 2 * group);
    return prefill[0]!.keys.shape[1]!;
  });

test('a prompt is copied for each sample where it is short or the sample alone, and shared by its group else', () => {
  assert.equal(slotsBefore(1, 16), 16);
  assert.equal(slotsBefore(1, 256, 64), 256);
  assert.equal(slotsBefore(1, 257, 64), 0);
  assert.equal(slotsBefore(4, 32), 32);
  assert.equal(slotsBefore(4, 33), 0);
  assert.equal(slotsBefore(16, 7), 0);
});

test('however a prompt is kept, samples have the log-probabilities of float64', async (t) => {
  const source = random(2, 'cached attention');
  // Lengths differ, so that some of each prompt's slots are padding; more tokens are generated than slots are added at a time.
  const prompts = [40, 12, 25].map((length) => Array.from({length}, () => 2 + source.int(28)));
  const steps = 20;
  const chunk = {maxNewTokens: steps, temperature: 1, topP: 1, topK: 0, stopIds: [1], padId: 0};
  const {run, dispose} = await openEngine({
    config,
    weights,
    threads: 1,
    programs: {
      shared: generation({...chunk, prompts: 3, group: 4, promptLengths: [40]}),
      copied: generation({...chunk, prompts: 3, group: 3, promptLengths: [40]}),
      alone: generation({...chunk, prompts: 3, group: 1, promptLengths: [40]}),
    },
  });
  t.after(dispose);
  for (const [sampled, group, slots] of [
    [run.shared, 4, 0],
    [run.copied, 3, 40],
    [run.alone, 1, 40],
  ] as const) {
    assert.equal(slotsBefore(group, 40), slots);
    const rows = Array.from({length: 3 * group}, (_, row) => row);
    const samples = sampled({prompts, uniforms: samplingUniforms({seed: 1, purpose: 'test'}, rows, steps)});
    assert.ok(samples.some(({tokens}) => tokens.length > 16));
    if (group > 1) assert.notDeepEqual(samples[0]!.tokens, samples[1]!.tokens);
    samples.forEach(({tokens, logProbs}, row) => {
      const prompt = prompts[Math.floor(row / group)]!;
      const exact = referenceLogits(config, weights, [...prompt, ...tokens]);
      logProbs.forEach((value, step) => {
        const reference = logSoftmax(exact[prompt.length + step - 1]!)[tokens[step]!]!;
        assert.ok(Math.abs(value - reference) < 1e-4, `${group}, ${row}: ${value} against ${reference}`);
      });
    });
  }
});
