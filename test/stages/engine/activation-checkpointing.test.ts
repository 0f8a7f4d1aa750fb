import assert from 'node:assert/strict';
import {test} from 'node:test';
import {random} from '../../../stages/random.js';
import {crossEntropyTraining} from '../../../stages/train/programs.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {config as plain, spreadWeights, withAll} from './small.js';

const source = random(1, 'activation checkpointing test');
const mixed = [5, 17, 9, 3, 12, 17, 8].map((length) => ({
  tokens: Array.from({length}, () => source.int(plain.vocabSize)),
  mask: Array.from({length}, (_, i) => (i < 2 ? 0 : 1)),
}));
const buckets = {rows: 3, lengths: [8, 16]};

for (const [words, config] of [
  ['layers', plain],
  ['layers with biases and normalized heads', withAll(plain)],
] as const) {
  test(`${words} that are computed again train to the same weights`, async () => {
    const weights = spreadWeights(config, 1);
    const train = async (recompute: boolean) => {
      const engine = await openEngine({
        config,
        weights,
        threads: 1,
        activationCheckpointing: recompute,
        optimizer: {},
        programs: {train: crossEntropyTraining(buckets)},
      });
      const results = [1, 2, 3].map(() => engine.run.train(mixed, {learningRate: 1e-3}));
      const {nodes} = engine.stats();
      engine.dispose();
      return {results, nodes};
    };
    const [kept, again] = [await train(false), await train(true)];
    assert.ok(again.nodes > kept.nodes);
    again.results.forEach(({loss, gradNorm}, i) => {
      assert.ok(Math.abs(loss - kept.results[i]!.loss) < 1e-5);
      assert.ok(Math.abs(gradNorm / kept.results[i]!.gradNorm - 1) < 1e-4);
    });
  });
}
