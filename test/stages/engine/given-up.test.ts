import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {test} from 'node:test';
import {openEngine} from '../../../stages/engine/engine.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';
import {crossEntropyTraining} from '../../../stages/train/programs.js';
import {config} from './small.js';

const weights = initialWeights(config, 1);
const source = random(1, 'given-up test');
const mixed = [5, 17, 9, 3, 12, 17, 8].map((length) => ({
  tokens: Array.from({length}, () => source.int(config.vocabSize)),
  mask: Array.from({length}, (_, i) => (i < 2 ? 0 : 1)),
}));
const buckets = {rows: 3, lengths: [8, 16]};
const digest = (values: ReadonlyMap<string, Float32Array>): string => {
  const hash = createHash('sha256');
  for (const [name, array] of [...values].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(array);
  return hash.digest('hex');
};

test('an update that is given up between two micro-batches changes nothing, and the next one is as if it had not been', async () => {
  const updates = async (giveUp: boolean) => {
    let left = Infinity;
    const beforeMicroBatch = () => {
      if (left-- === 0) throw new Error('given up');
    };
    const programs = {train: crossEntropyTraining(buckets)};
    const engine = await openEngine({config, weights, threads: 1, optimizer: {}, beforeMicroBatch, programs});
    const train = (rows: typeof mixed) => engine.run.train(rows, {learningRate: 1e-2});
    const policies: string[] = [];
    // One micro-batch, which needs no sums, then several.
    for (const rows of [mixed.slice(0, 1), mixed, mixed.slice(1)]) {
      const before = digest(engine.read('policy'));
      for (const after of giveUp ? [0, 1].slice(0, rows.length) : []) {
        left = after;
        assert.throws(() => train(rows), /given up/);
        assert.deepEqual([digest(engine.read('policy')), engine.updates], [before, policies.length]);
      }
      left = Infinity;
      train(rows);
      policies.push(digest(engine.read('policy')));
    }
    engine.dispose();
    return policies;
  };
  assert.deepEqual(await updates(true), await updates(false));
});
