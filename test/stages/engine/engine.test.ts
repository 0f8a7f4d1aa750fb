import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {join} from 'node:path';
import {test} from 'node:test';
import {initialWeights, scoreWeights} from '../../../stages/model/parameters.js';
import {readSafetensors, writeSafetensors} from '../../../stages/model/safetensors.js';
import {random} from '../../../stages/random.js';
import {tensorflow} from '../../../stages/tensorflow/backend.js';
import {crossEntropyLoss} from './programs.js';
import {
  crossEntropyTraining,
  grpoTraining,
  logProbabilities,
  pairwiseTraining,
  pointwiseTraining,
  scoring,
} from '../../../stages/train/programs.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {restoreState, saveState} from '../../../stages/engine/save-state.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {referenceHidden, toFloat64} from '../model/reference.js';
import {config} from './small.js';

const weights = initialWeights(config, 1);
const source = random(1, 'engine test');
const rowsOf = (lengths: readonly number[]) =>
  lengths.map((length) => ({
    tokens: Array.from({length}, () => source.int(config.vocabSize)),
    mask: Array.from({length}, (_, i) => (i < 2 ? 0 : 1)),
  }));
const mixed = rowsOf([5, 17, 9, 3, 12, 17, 8]);
const buckets = {rows: 3, lengths: [8, 16]};
const digest = (values: ReadonlyMap<string, Float32Array>): string => {
  const hash = createHash('sha256');
  for (const [name, array] of [...values].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(array);
  return hash.digest('hex');
};

test('weights, reference and moments are read exactly as they were written', async () => {
  const engine = await openEngine({config, weights, threads: 1, reference: true, optimizer: {}, programs: {}});
  assert.deepEqual(engine.slots, ['policy', 'reference', 'adam.m', 'adam.v']);
  assert.equal(digest(engine.read('policy')), digest(weights));
  assert.equal(digest(engine.read('reference')), digest(weights));
  assert.ok([...engine.read('adam.v').values()].every((values) => values.every((value) => value === 0)));
  const other = initialWeights(config, 2);
  engine.write('adam.m', other);
  assert.equal(digest(engine.read('adam.m')), digest(other));
  engine.write('policy', other);
  assert.equal(digest(engine.read('reference')), digest(weights));
  engine.copy('reference', 'policy');
  assert.equal(digest(engine.read('policy')), digest(weights));
  engine.resetOptimizer();
  assert.ok([...engine.read('adam.m').values()].every((values) => values.every((value) => value === 0)));
  engine.dispose();
  assert.throws(() => engine.read('policy'), /not open/);
});

test('however the rows are cut into micro-batches, an update is the same but for rounding', async () => {
  const after = async (rows: number, lengths: number[]) => {
    const engine = await openEngine({
      config,
      weights,
      threads: 1,
      optimizer: {maxNorm: 1},
      programs: {train: crossEntropyTraining({rows, lengths})},
    });
    const results = [
      engine.run.train(mixed, {learningRate: 1e-2}),
      engine.run.train(mixed.slice(2), {learningRate: 1e-2}),
    ];
    const policy = engine.read('policy');
    engine.dispose();
    return {results, policy};
  };
  const whole = await after(7, [16]);
  for (const cut of [await after(3, [4, 8, 16]), await after(1, [16]), await after(16, [20])]) {
    cut.results.forEach((result, i) => {
      const expected = whole.results[i]!;
      assert.ok(Math.abs(result.loss - expected.loss) < 1e-5);
      assert.ok(Math.abs(result.gradNorm - expected.gradNorm) < 1e-4);
      assert.equal(result.targets, expected.targets);
    });
    for (const [name, values] of cut.policy) {
      if (name.endsWith('k_proj.bias')) continue; // its gradient is rounding noise
      values.forEach((value, i) => assert.ok(Math.abs(value - whole.policy.get(name)![i]!) < 2e-3, name));
    }
  }
});

test('bfloat16 products train to the same loss within their rounding, from float32 weights', async () => {
  const train = async (precision: 'f32' | 'bf16') => {
    const engine = await openEngine({
      config,
      weights,
      threads: 1,
      precision,
      optimizer: {},
      programs: {train: crossEntropyTraining(buckets)},
    });
    const losses = Array.from({length: 10}, () => engine.run.train(mixed, {learningRate: 3e-3}).loss);
    const policy = engine.read('policy');
    engine.dispose();
    return {losses, policy};
  };
  const [exact, rounded] = [await train('f32'), await train('bf16')];
  assert.notDeepEqual(rounded.losses, exact.losses);
  rounded.losses.forEach((loss, i) => assert.ok(Math.abs(loss / exact.losses[i]! - 1) < 0.02, `${loss}`));
  // A weight in bfloat16 would have its lower half empty.
  const bits = new Uint32Array(rounded.policy.get('model.embed_tokens.weight')!.slice().buffer);
  assert.ok(bits.some((word) => (word & 0xffff) !== 0));
});

test('training on one batch learns it', async () => {
  const engine = await openEngine({
    config,
    weights,
    threads: 1,
    optimizer: {},
    programs: {train: crossEntropyTraining(buckets), loss: crossEntropyLoss(buckets)},
  });
  const first = engine.run.loss(mixed).loss;
  for (let i = 0; i < 60; i++) engine.run.train(mixed, {learningRate: 1e-2});
  const last = engine.run.loss(mixed).loss;
  assert.ok(last < first / 5, `${first} → ${last}`);
  engine.dispose();
});

test('log-probabilities come back aligned with their tokens, of the policy and of the reference', async () => {
  const engine = await openEngine({
    config,
    weights,
    threads: 1,
    reference: true,
    optimizer: {},
    programs: {
      train: crossEntropyTraining(buckets),
      loss: crossEntropyLoss(buckets),
      policy: logProbabilities({...buckets, temperature: 1}),
      cold: logProbabilities({...buckets, temperature: 0.5}),
      reference: logProbabilities({...buckets, temperature: 1, of: 'reference'}),
    },
  });
  const before = engine.run.policy(mixed);
  before.forEach((row, i) => {
    assert.equal(row.length, mixed[i]!.tokens.length);
    assert.equal(row[0], 0);
  });
  const mean = before
    .flatMap((row, i) => Array.from(row).filter((_, t) => mixed[i]!.mask[t]))
    .reduce((sum, value, _, all) => sum - value / all.length, 0);
  assert.ok(Math.abs(mean - engine.run.loss(mixed).loss) < 1e-5);
  assert.notDeepEqual(engine.run.cold(mixed), before);
  engine.run.train(mixed, {learningRate: 1e-2});
  assert.deepEqual(engine.run.reference(mixed), before); // the policy moved, the reference did not
  assert.notDeepEqual(engine.run.policy(mixed), before);
  engine.copy('policy', 'reference');
  assert.deepEqual(engine.run.reference(mixed), engine.run.policy(mixed));
  engine.dispose();
});

test('GRPO raises what had an advantage, lowers what had none, and says how far it went', async () => {
  const engine = await openEngine({
    config,
    weights,
    threads: 1,
    reference: true,
    optimizer: {},
    programs: {
      train: grpoTraining({
        ...buckets,
        temperature: 1,
        ratio: 'token',
        aggregate: 'response-mean',
        clipLow: 0.2,
        clipHigh: 0.2,
        klCoefficient: 0.01,
      }),
      old: logProbabilities({...buckets, temperature: 1}),
    },
  });
  const old = engine.run.old(mixed);
  const rows = mixed.map((row, i) => ({
    ...row,
    advantage: i % 2 === 0 ? 1 : -1,
    oldLogProbs: old[i]!,
    referenceLogProbs: old[i]!,
  }));
  const first = engine.run.train(rows, {learningRate: 3e-3});
  assert.ok(Math.abs(first.ratioMax! - 1) < 1e-5); // on policy
  assert.equal(first.clippedShare, 0);
  assert.ok(Math.abs(first.kl) < 1e-6);
  const meanSurprise = old
    .flatMap((row, i) => Array.from(row).filter((_, t) => mixed[i]!.mask[t]))
    .reduce((sum, value, _, all) => sum - value / all.length, 0);
  assert.ok(Math.abs(first.entropy! - meanSurprise) < 1e-4);
  let last = first;
  for (let i = 0; i < 5; i++) last = engine.run.train(rows, {learningRate: 3e-3});
  assert.ok(last.ratioMax! > 1.2 && last.clippedShare > 0 && last.kl > 0, JSON.stringify(last));
  const sum = (row: Float32Array, i: number): number =>
    row.reduce((total, value, t) => total + (mixed[i]!.mask[t] ? value : 0), 0);
  engine.run.old(mixed).forEach((row, i) => {
    assert.equal(Math.sign(sum(row, i) - sum(old[i]!, i)), i % 2 === 0 ? 1 : -1);
  });
  engine.dispose();
});

test('a reward model scores the last token, and both losses teach it the order', async () => {
  const reward = scoreWeights({config, weights}, 1);
  const programs = {
    pairs: pairwiseTraining({rows: 4, lengths: [8, 17]}),
    points: pointwiseTraining({rows: 4, lengths: [8, 17]}),
    score: scoring({rows: 4, lengths: [8, 17]}),
  };
  const engine = await openEngine({...reward, threads: 1, optimizer: {}, programs});
  const exact = toFloat64(reward.weights);
  const scores = engine.run.score(mixed);
  mixed.forEach(({tokens}, i) => {
    const hidden = referenceHidden(config, exact, tokens).at(-1)!;
    const expected = hidden.reduce((sum, value, d) => sum + value * exact.get('score.weight')![d]!, 0);
    assert.ok(Math.abs(scores[i]! - expected) < 1e-4);
  });

  const pairs = [0, 2, 4].map((i) => ({chosen: mixed[i]!.tokens, rejected: mixed[i + 1]!.tokens}));
  const margin = (at: ArrayLike<number>): number[] => [0, 2, 4].map((i) => at[i]! - at[i + 1]!);
  const expectedPair = margin(scores).reduce((sum, m) => sum + Math.log1p(Math.exp(-m)) / 3, 0);
  const pair = engine.run.pairs(pairs, {learningRate: 0});
  assert.ok(Math.abs(pair.loss - expectedPair) < 1e-4);
  assert.ok(Math.abs(pair.accuracy - margin(scores).filter((m) => m > 0).length / 3) < 1e-6);
  for (let i = 0; i < 30; i++) engine.run.pairs(pairs, {learningRate: 1e-2});
  assert.ok(margin(engine.run.score(mixed)).every((m) => m > 0));

  const points = mixed.map(({tokens}, i) => ({tokens, label: (i % 2) as 0 | 1}));
  const now = engine.run.score(mixed);
  const expectedPoint = points.reduce(
    (sum, {label}, i) => sum + (Math.log1p(Math.exp(now[i]!)) - label * now[i]!) / points.length,
    0,
  );
  assert.ok(Math.abs(engine.run.points(points, {learningRate: 0}).loss - expectedPoint) < 1e-4);
  for (let i = 0; i < 40; i++) engine.run.points(points, {learningRate: 1e-2});
  assert.equal(engine.run.points(points, {learningRate: 0}).accuracy, 1);
  engine.dispose();
});

test('a restored state goes on bit for bit, and a foreign one is refused', async (t) => {
  const file = join(temporaryFolder(t), 'state.safetensors');
  const open = (from = weights) =>
    openEngine({
      config,
      weights: from,
      threads: 1,
      reference: true,
      optimizer: {},
      programs: {train: crossEntropyTraining(buckets)},
    });
  const steps = (engine: Awaited<ReturnType<typeof open>>, count: number): void => {
    for (let i = 0; i < count; i++) engine.run.train(mixed, {learningRate: 1e-2 / (engine.updates + 1)});
  };
  const straight = await open();
  steps(straight, 6);
  const cut = await open();
  steps(cut, 4);
  await saveState(cut, file);
  const resumed = await open(initialWeights(config, 9));
  await restoreState(resumed, file);
  assert.equal(resumed.updates, 4);
  steps(resumed, 2);
  for (const slot of straight.slots) assert.equal(digest(resumed.read(slot)), digest(straight.read(slot)), slot);

  const plain = await openEngine({config, weights, threads: 1, programs: {}});
  await assert.rejects(restoreState(plain, file), /holds more than policy/);
  const {tensors} = await readSafetensors(file);
  tensors.delete('adam.v/model.norm.weight');
  await writeSafetensors(file, tensors, {updates: '4'});
  await assert.rejects(restoreState(resumed, file), /does not hold adam.v\/model.norm.weight/);
  await writeSafetensors(file, tensors);
  await assert.rejects(restoreState(resumed, file), /not the state of a training run/);
  for (const engine of [straight, cut, resumed, plain]) engine.dispose();
});

test('what does not fit is refused before anything is computed', async () => {
  await assert.rejects(
    openEngine({config, weights, threads: 1, programs: {train: crossEntropyTraining(buckets)}}),
    /without an optimizer/,
  );
  await assert.rejects(
    openEngine({
      config,
      weights,
      threads: 1,
      programs: {ref: logProbabilities({...buckets, temperature: 1, of: 'reference'})},
    }),
    /without reference/,
  );
  await assert.rejects(
    openEngine({
      config,
      weights,
      threads: 1,
      optimizer: {},
      programs: {train: crossEntropyTraining({rows: 2, lengths: [8, 8]})},
    }),
    /ascending/,
  );
  const engine = await openEngine({
    config,
    weights,
    threads: 1,
    optimizer: {},
    programs: {train: crossEntropyTraining(buckets)},
  });
  assert.throws(() => engine.run.train(rowsOf([18]), {learningRate: 1}), /17 positions, the longest bucket has 16/);
  assert.throws(() => engine.run.train([{tokens: [1, 2], mask: [1, 1]}], {learningRate: 1}), /first token/);
  assert.throws(() => engine.run.train([{tokens: [1, 2], mask: [0]}], {learningRate: 1}), /mask of 1 on 2 tokens/);
  assert.throws(() => engine.run.train([], {learningRate: 1}), /without rows/);
  assert.equal(engine.updates, 0);
  engine.dispose();
});

test('one graph serves all buckets: only the first call of a program compiles', async () => {
  const engine = await openEngine({
    config,
    weights,
    threads: 1,
    optimizer: {},
    programs: {train: crossEntropyTraining({rows: 4, lengths: [4, 8, 16, 24]})},
  });
  const few = await openEngine({
    config,
    weights,
    threads: 1,
    optimizer: {},
    programs: {train: crossEntropyTraining({rows: 4, lengths: [24]})},
  });
  assert.ok(engine.stats().nodes < few.stats().nodes * 1.2, `${engine.stats().nodes} for ${few.stats().nodes}`);
  assert.deepEqual(engine.stats().programs, []);
  for (const [length, count] of [
    [25, 2],
    [25, 4],
    [5, 13],
    [9, 8],
    [9, 7],
    [5, 13],
  ] as const) {
    engine.run.train(rowsOf(Array<number>(count).fill(length)), {learningRate: 0});
  }
  const [first, ...later] = engine.stats().programs;
  assert.deepEqual(
    [first, ...later].map((each) => [each!.label, each!.calls]),
    [
      ['train/2×24', 1], // a batch that is not full is smaller
      ['train/4×24', 1],
      ['train/16×4', 2], // a sixth of the length, more rows
      ['train/8×8', 2], // seven rows are padded to eight
    ],
  );
  for (const {label, firstMs} of later)
    assert.ok(firstMs < first!.firstMs / 2, `${label}: ${firstMs} after ${first!.firstMs}`);
  engine.dispose();
  few.dispose();
});

test('500 updates leave no tensor behind, and memory stays flat', async () => {
  const engine = await openEngine({
    config,
    weights,
    threads: 1,
    optimizer: {},
    programs: {train: crossEntropyTraining(buckets)},
  });
  const {tf, binding} = tensorflow();
  const rows = rowsOf([16, 16, 16, 7, 7, 7]);
  const steps = (count: number): void => {
    for (let i = 0; i < count; i++) engine.run.train(rows, {learningRate: 1e-4});
  };
  steps(200); // compiles, and lets the allocators settle
  const before = {
    tensors: tf.memory().numTensors,
    native: binding.getNumOfTensors(),
    resident: process.memoryUsage().rss,
  };
  steps(500);
  assert.equal(tf.memory().numTensors, before.tensors);
  assert.equal(binding.getNumOfTensors(), before.native);
  const grown = (process.memoryUsage().rss - before.resident) / 2 ** 20;
  assert.ok(grown < 16, `${grown.toFixed(1)} MiB more`);
  engine.dispose();
});
