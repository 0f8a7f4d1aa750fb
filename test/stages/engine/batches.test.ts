import assert from 'node:assert/strict';
import {test} from 'node:test';
import fc from 'fast-check';
import {newConfig} from '../../../stages/model/config.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';
import {crossEntropyLoss} from './programs.js';
import {crossEntropyTraining, logProbabilities} from '../../../stages/train/programs.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {cutRows, sizesFor} from '../../../stages/engine/programs/batches.js';

const calls = fc
  .uniqueArray(fc.integer({min: 2, max: 60}), {minLength: 1, maxLength: 5})
  .map((all) => all.sort((a, b) => a - b))
  .chain((buckets) =>
    fc.record({
      buckets: fc.constant(buckets),
      positions: fc.array(fc.integer({min: 0, max: buckets.at(-1)!}), {minLength: 1, maxLength: 50}),
      rows: fc.integer({min: 1, max: 9}),
      together: fc.constantFrom(1, 2),
    }),
  );

test('every row lands in one micro-batch that holds it, and no batch is larger than its room', () => {
  fc.assert(
    fc.property(calls, ({buckets, positions, rows, together}) => {
      const sizes = (length: number) => sizesFor(length, buckets.at(-1)!, rows * together, together);
      const batches = cutRows(positions, buckets, sizes, together);
      const seen = batches.flatMap(({indices}) => indices);
      assert.deepEqual(
        [...seen].sort((a, b) => a - b),
        positions.map((_, i) => i),
      );
      for (const {indices, shape} of batches) {
        assert.ok(indices.length > 0 && indices.length * together <= shape.rows);
        assert.ok(shape.rows * shape.length <= rows * together * buckets.at(-1)!);
        assert.ok(sizes(shape.length).includes(shape.rows) && shape.rows % together === 0);
        const longest = Math.max(...indices.map((i) => positions[i]!));
        assert.equal(
          shape.length,
          buckets.find((bucket) => bucket >= longest),
        );
      }
      assert.deepEqual(cutRows(positions, buckets, sizes, together), batches);
    }),
  );
});

test('no other way to cut a call costs less', () => {
  const few = fc.record({
    positions: fc.array(fc.integer({min: 1, max: 48}), {minLength: 1, maxLength: 7}),
    rows: fc.constantFrom(2, 4, 8),
  });
  const buckets = [8, 16, 48];
  const bucketOf = (row: number) => buckets.find((bucket) => bucket >= row)!;
  fc.assert(
    fc.property(few, ({positions, rows}) => {
      const sizes = (length: number) => sizesFor(length, 48, rows, 1);
      const sorted = [...positions].sort((a, b) => b - a);
      // Every way to part the sorted rows into neighbours, each part in the smallest batch that holds it.
      let least = Infinity;
      for (let cuts = 0; cuts < 2 ** (sorted.length - 1); cuts++) {
        let cost = 0;
        for (let at = 0, next = 1; at < sorted.length; at = next++) {
          while (next < sorted.length && ((cuts >> (next - 1)) & 1) === 0) next++;
          const length = bucketOf(sorted[at]!);
          cost += (sizes(length).find((size) => size >= next - at) ?? Infinity) * length + 100;
        }
        least = Math.min(least, cost);
      }
      const chosen = cutRows(positions, buckets, sizes);
      assert.equal(
        chosen.reduce((sum, {shape}) => sum + shape.rows * shape.length + 100, 0),
        least,
      );
    }),
  );
});

test('shorter buckets take more rows, and one long row does not make all others long', () => {
  const sizes = (length: number) => sizesFor(length, 96, 16, 1);
  assert.deepEqual(sizes(96), [2, 3, 4, 6, 8, 12, 16]);
  assert.deepEqual(
    [72, 48, 24, 8].map((length) => sizes(length).at(-1)),
    [16, 32, 64, 192],
  );
  const shapesOf = (positions: readonly number[]) =>
    cutRows(positions, [24, 48, 96], sizes).map(({indices, shape}) => [indices.length, shape]);
  const rows = (count: number, length: number) => Array<number>(count).fill(length);
  // One call for all alike; a call of its own for the few that are long, but not for one that is only a little shorter.
  assert.deepEqual(shapesOf(rows(16, 90)), [[16, {rows: 16, length: 96}]]);
  assert.deepEqual(shapesOf([...rows(2, 90), ...rows(24, 20)]), [
    [2, {rows: 2, length: 96}],
    [24, {rows: 24, length: 24}],
  ]);
  assert.deepEqual(shapesOf([...rows(3, 90), 40]), [[4, {rows: 4, length: 96}]]);
  assert.throws(() => cutRows([97], [24, 96], sizes), /97 positions, the longest bucket has 96/);
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

test('one graph serves batches of all lengths whose logits come in parts, however unevenly', async () => {
  // floor(2^24 / 70,000) = 239 positions a part: three parts for the 4 × 150 of the largest batch, and so for all of them.
  const config = newConfig({
    vocabSize: 70_000,
    hiddenSize: 4,
    intermediateSize: 4,
    layers: 1,
    heads: 2,
    maxPositions: 256,
    initializerRange: 0.3,
    eosId: 2,
    padId: 0,
  });
  const source = random(2, 'batches test');
  const rowOf = (length: number, prompt: number) => ({
    tokens: Array.from({length}, () => source.int(config.vocabSize)),
    mask: Array.from({length}, (_, i) => (i < prompt ? 0 : 1)),
  });
  const rows = [
    [20, 9],
    [41, 8],
    [58, 30],
    [64, 50],
    [99, 80],
    [140, 111],
    [151, 120],
  ].map(([length, prompt]) => rowOf(length!, prompt!));
  const lengths = [40, 57, 101, 150];
  const targets = {before: 7, most: 50};
  const engine = await openEngine({
    config,
    weights: initialWeights(config, 1),
    threads: 1,
    optimizer: {beta1: 0, maxNorm: 0},
    programs: {
      all: logProbabilities({rows: 4, lengths, temperature: 1}),
      ofTargets: logProbabilities({rows: 4, lengths, targets, temperature: 1}),
      train: crossEntropyTraining({rows: 4, lengths, targets}),
      alone: logProbabilities({rows: 1, lengths: [150], temperature: 1}),
    },
  });
  const alone = engine.run.alone(rows);
  // In several shapes: alone, all together, and the shorter ones.
  for (const some of [rows, ...rows.map((row) => [row]), rows.slice(0, 3), rows.slice(2, 5)]) {
    const expected = some.map((row) => alone[rows.indexOf(row)]!);
    engine.run
      .all(some)
      .forEach((values, i) =>
        values.forEach((value, at) => assert.ok(Math.abs(value - expected[i]![at]!) < 1e-4, `row ${i}, token ${at}`)),
      );
    engine.run
      .ofTargets(some)
      .forEach((values, i) =>
        values.forEach((value, at) =>
          assert.ok(
            Math.abs(value - (some[i]!.mask[at] ? expected[i]![at]! : 0)) < 1e-4,
            `row ${i}, token ${at}, of targets`,
          ),
        ),
      );
    const sampled = some.flatMap(({mask}, i) => Array.from(expected[i]!).filter((_, at) => mask[at]));
    const {loss} = engine.run.train(some, {learningRate: 0});
    assert.ok(Math.abs(loss + sampled.reduce((a, b) => a + b) / sampled.length) < 1e-4, String(loss));
  }
  // With a graph for each length all batches would have four rows.
  const labels = engine.stats().programs.map(({label}) => label);
  for (const name of ['all', 'ofTargets', 'train'])
    assert.ok(
      labels.some((label) => label.startsWith(`${name}/1×`)),
      labels.join(),
    );
  const tooMany = {tokens: rows[6]!.tokens, mask: rows[6]!.tokens.map((_, i) => (i < 20 ? 0 : 1))};
  assert.throws(() => engine.run.ofTargets([tooMany]), /targets of a row of 151 tokens span more than 50/);
  engine.dispose();
});
