import assert from 'node:assert/strict';
import {test} from 'node:test';
import fc from 'fast-check';
import {newConfig} from '../../../stages/model/config.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';
import {
  crossEntropyLoss,
  crossEntropyTraining,
  logProbabilities,
  openEngine,
} from '../../../stages/tensorflow/engine.js';
import {cutRows, roomFor} from '../../../stages/tensorflow/programs/batches.js';

test('every row lands in one micro-batch that holds it, and no batch is larger than its room', () => {
  const lengths = fc
    .uniqueArray(fc.integer({min: 2, max: 60}), {minLength: 1, maxLength: 5})
    .map((all) => all.sort((a, b) => a - b));
  const calls = lengths.chain((buckets) =>
    fc.record({
      buckets: fc.constant(buckets),
      positions: fc.array(fc.integer({min: 0, max: buckets.at(-1)!}), {minLength: 1, maxLength: 50}),
      rows: fc.integer({min: 1, max: 9}),
      together: fc.constantFrom(1, 2),
    }),
  );
  fc.assert(
    fc.property(calls, ({buckets, positions, rows, together}) => {
      const room = (length: number) => roomFor(length, buckets.at(-1)!, rows * together, together);
      const batches = cutRows(positions, buckets, room, together);
      const seen = batches.flatMap(({indices}) => indices);
      assert.deepEqual(
        [...seen].sort((a, b) => a - b),
        positions.map((_, i) => i),
      );
      for (const {indices, shape} of batches) {
        assert.ok(indices.length * together <= shape.rows && shape.rows <= room(shape.length).most);
        assert.equal(shape.rows % together, 0);
        const longest = Math.max(...indices.map((i) => positions[i]!));
        assert.equal(
          shape.length,
          buckets.find((bucket) => bucket >= longest),
        );
      }
      assert.deepEqual(cutRows(positions, buckets, room, together), batches);
    }),
  );
});

test('a bucket of half the length takes twice the rows, and the rest of a call a smaller batch', () => {
  const room = (length: number) => roomFor(length, 96, 16, 1);
  assert.deepEqual(
    [96, 72, 48, 24, 8].map((length) => room(length).most),
    [16, 16, 32, 64, 128],
  );
  // 20 rows of 90 and 5 of 20: a full batch; four of the long ones with those that fit beside them.
  const positions = [...Array<number>(20).fill(90), ...Array<number>(5).fill(20)];
  assert.deepEqual(
    cutRows(positions, [24, 96], room).map(({indices, shape}) => [indices.length, shape]),
    [
      [16, {rows: 16, length: 96}],
      [9, {rows: 12, length: 96}],
    ],
  );
  assert.throws(() => cutRows([97], [24, 96], room), /97 positions, the longest bucket has 96/);
});

test('a vocabulary whose logits are computed in parts gives the same numbers', async () => {
  // 40,000 tokens × 512 positions are more logits than are held at a time, × 128 are not.
  const config = newConfig({
    vocabSize: 40000,
    hiddenSize: 8,
    intermediateSize: 8,
    layers: 1,
    heads: 2,
    maxPositions: 256,
    initializerRange: 0.3,
    eosId: 2,
    padId: 0,
  });
  const source = random(1, 'batches test');
  const rows = Array.from({length: 4}, () => {
    const tokens = Array.from({length: 129}, () => source.int(config.vocabSize));
    return {tokens, mask: tokens.map((_, i) => (i === 0 ? 0 : 1))};
  });
  const engine = await openEngine({
    config,
    weights: initialWeights(config, 1),
    threads: 1,
    optimizer: {beta1: 0, maxNorm: 0},
    programs: {
      parts: crossEntropyTraining({rows: 4, lengths: [16, 128]}),
      whole: crossEntropyTraining({rows: 1, lengths: [128]}),
      loss: crossEntropyLoss({rows: 4, lengths: [128]}),
      logProbs: logProbabilities({rows: 4, lengths: [128], temperature: 1}),
    },
  });
  const parts = engine.run.parts(rows, {learningRate: 0});
  const gradient = engine.read('adam.m');
  const whole = engine.run.whole(rows, {learningRate: 0});
  assert.ok(Math.abs(parts.loss - whole.loss) < 1e-5 && Math.abs(parts.gradNorm / whole.gradNorm - 1) < 1e-4);
  for (const [name, values] of engine.read('adam.m')) {
    const gap = Math.hypot(...values.map((value, i) => value - gradient.get(name)![i]!).slice(0, 20000));
    assert.ok(gap < 1e-4 * whole.gradNorm, `${name}: ${gap}`);
  }
  assert.ok(Math.abs(engine.run.loss(rows).loss - whole.loss) < 1e-5);
  const mean = engine.run.logProbs(rows).reduce((sum, row) => sum - row.reduce((a, b) => a + b, 0) / 512, 0);
  assert.ok(Math.abs(mean - whole.loss) < 1e-4);
  const short = rows.map(({tokens, mask}) => ({tokens: tokens.slice(0, 10), mask: mask.slice(0, 10)}));
  assert.equal(engine.run.parts(short, {learningRate: 0}).targets, 36);
  engine.dispose();
});
