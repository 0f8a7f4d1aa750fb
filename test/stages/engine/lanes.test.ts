/** A process with two threads, whose batches are cut into two lanes or more; what has an odd number of rows is not cut. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {initialWeights, scoreWeights} from '../../../stages/model/parameters.js';
import {random, samplingUniforms} from '../../../stages/random.js';
import {tensorflow} from '../../../stages/tensorflow/backend.js';
import {crossEntropyLoss, logits} from './programs.js';
import {
  crossEntropyTraining,
  grpoTraining,
  logProbabilities,
  pairwiseTraining,
  pointwiseTraining,
  scoring,
} from '../../../stages/train/programs.js';
import {generation} from '../../../stages/engine/programs/generation.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {lanesFor, lanesOf, lanesOfTraining, workersFor} from '../../../stages/engine/lanes.js';
import {packedBytes, samplersFor, WORTH_SHARING} from '../../../stages/engine/mapped-weights.js';
import {config, drawn} from './small.js';

const source = random(1, 'lanes test');
const weights = initialWeights(config, 1);
const reward = scoreWeights({config, weights}, 1);
const rows = [5, 17, 9, 3, 12, 17, 8, 11, 6, 17].map((length) => ({
  tokens: Array.from({length}, () => source.int(config.vocabSize)),
  mask: Array.from({length}, (_, i) => (i < 2 ? 0 : 1)),
  advantage: source.normal(),
  oldLogProbs: Array.from({length}, () => -3 + source.normal() / 8),
  referenceLogProbs: Array.from({length}, () => -3 + source.normal() / 8),
  label: source.int(2) as 0 | 1,
}));
const pairs = rows.slice(1).map(({tokens}, i) => ({chosen: tokens, rejected: rows[i]!.tokens}));
const grpo = {
  temperature: 0.9,
  ratio: 'token',
  aggregate: 'response-mean',
  clipLow: 0.2,
  clipHigh: 0.2,
  klCoefficient: 0.1,
} as const;

/** An engine whose programs have this many rows, of the two models. */
async function open(rows: number) {
  const buckets = {rows, lengths: [8, 17]};
  const common = {threads: 2, optimizer: {maxNorm: 1}};
  const model = await openEngine({
    ...common,
    config,
    weights,
    programs: {
      train: crossEntropyTraining(buckets),
      grpo: grpoTraining({...buckets, ...grpo}),
      loss: crossEntropyLoss(buckets),
      logProbs: logProbabilities({...buckets, temperature: 0.9}),
      logits: logits(buckets),
      padded: logits({...buckets, padding: 'left'}),
    },
  });
  const {run, dispose} = await openEngine({
    ...common,
    ...reward,
    programs: {
      points: pointwiseTraining(buckets),
      score: scoring(buckets),
      // A pair takes two rows, so that an odd number of them cannot be asked for: 90 rows are 45 pairs, not cut either.
      pairs: pairwiseTraining({...buckets, rows: rows % 2 === 0 ? rows : 2 * rows}),
    },
  });
  return {
    run: {...model.run, ...run},
    policy: () => model.read('policy'),
    dispose() {
      model.dispose();
      dispose();
    },
  };
}

const [cut, whole, several] = [await open(48), await open(45), await open(4)];
test.after(() => [cut, whole, several].forEach(({dispose}) => dispose()));

function assertNear(found: unknown, expected: unknown, limit: number, what: string): void {
  if (expected === undefined) assert.equal(found, undefined, what);
  else if (typeof expected === 'number') {
    assert.ok(
      Math.abs((found as number) - expected) <= limit * Math.max(1, Math.abs(expected)),
      `${what}: ${String(found)} of ${expected}`,
    );
  } else {
    assert.deepEqual(Object.keys(found as object), Object.keys(expected as object));
    for (const [key, value] of Object.entries(expected as object)) {
      assertNear((found as Record<string, unknown>)[key], value, limit, `${what}.${key}`);
    }
  }
}

test('as many lanes as every batch can be cut into, and none where positions are few or there is one thread', () => {
  const batch = {rows: 64, trained: 64 * 32};
  assert.equal(lanesFor(1, 64, [batch]), 1);
  assert.equal(lanesFor(2, 64, [batch]), 2);
  assert.equal(lanesFor(3, 64, [batch]), 2);
  assert.equal(lanesFor(16, 64, [batch]), 4);
  assert.equal(lanesFor(16, 1024, [batch]), 2);
  assert.equal(lanesFor(16, 1025, [batch]), 1);
  assert.equal(lanesFor(2, 1025, [{rows: 64}]), 2); // nothing is trained
  assert.equal(lanesFor(2, 64, [batch, {rows: 1}]), 1); // a conversation
  assert.equal(lanesFor(4, 64, [batch, {rows: 34, together: 2}]), 1);
  assert.equal(lanesFor(4, 64, [{rows: 36, together: 2}]), 3);
  assert.equal(lanesFor(2, 64, [batch, {rows: 64, trained: 511}]), 1);
  assert.equal(lanesOf(4, 6), 3);
  assert.equal(lanesOf(2, 8, 4), 2);
  assert.equal(lanesOf(2, 8, 8), 1);
  assert.equal(lanesOf(2, 3, 2), 1); // refused later, by a sentence
  assert.equal(tensorflow().lanes, 2); // the first engine’s
  assert.deepEqual([process.env['TF_NUM_INTEROP_THREADS'], process.env['TF_NUM_INTRAOP_THREADS']], ['2', '1']);
});

test('training cuts each lane again while both halves have a thousand positions, and two for each number of a token', () => {
  const batch = {rows: 128, trained: 8448};
  assert.equal(lanesOfTraining(2, batch, 64), 8);
  assert.equal(lanesOfTraining(4, batch, 64), 8);
  assert.equal(lanesOfTraining(3, {...batch, rows: 126}, 64), 6);
  assert.equal(lanesOfTraining(2, batch, 1024), 4);
  assert.equal(lanesOfTraining(2, batch, 1057), 2);
  assert.equal(lanesOfTraining(2, {...batch, trained: 8191}, 64), 4);
  assert.equal(lanesOfTraining(2, {...batch, trained: 4095}, 64), 2);
  assert.equal(lanesOfTraining(2, {...batch, trained: 100_000}, 64), 8);
  assert.equal(lanesOfTraining(2, {...batch, together: 32}, 64), 4);
  assert.equal(lanesOfTraining(2, {...batch, rows: 127}, 64), 1);
  assert.equal(lanesOfTraining(1, batch, 64), 1); // one thread: what was trained before is trained again to the byte
});

test('an update of many lanes is that of the whole batch but for rounding', async () => {
  const openWith = (rows: number) =>
    openEngine({
      config,
      weights,
      threads: 2,
      optimizer: {maxNorm: 1},
      programs: {train: crossEntropyTraining({rows, lengths: [8, 17]})},
    });
  const [many, again, two, one] = [await openWith(512), await openWith(512), await openWith(48), await openWith(511)];
  const [nodesOfMany, nodesOfTwo, nodesOfOne] = [many, two, one].map((engine) => engine.stats().nodes);
  assert.ok(nodesOfMany! - nodesOfOne! > 6 * (nodesOfTwo! - nodesOfOne!)); // eight lanes have seven more than one
  for (let step = 0; step < 3; step++) {
    const expected = one.run.train(rows, {learningRate: 1e-2});
    const found = many.run.train(rows, {learningRate: 1e-2});
    assertNear(found, expected, 1e-4, `step ${step}`);
    assert.deepEqual(again.run.train(rows, {learningRate: 1e-2}), found);
  }
  assert.deepEqual(again.read('policy'), many.read('policy'));
  [many, again, two, one].forEach(({dispose}) => dispose());
});

test('an update of lanes is that of the whole batch but for rounding, for every objective', async () => {
  const options = {learningRate: 1e-2};
  const second = await open(48);
  for (let step = 0; step < 3; step++) {
    for (const name of ['train', 'grpo', 'points', 'pairs'] as const) {
      const of = (engine: typeof cut): object =>
        name === 'pairs' ? engine.run.pairs(pairs, options) : engine.run[name](rows, options);
      const expected = of(whole);
      const found = of(cut);
      assertNear(found, expected, 1e-4, `${name} ${step}`);
      assert.deepEqual(of(second), found);
      assertNear(of(several), expected, 1e-4, `${name} ${step}, several batches`);
    }
  }
  assert.deepEqual(second.policy(), cut.policy()); // lanes race, and nothing depends on who wins
  second.dispose();
  const expected = whole.policy();
  for (const [name, values] of cut.policy()) {
    const apart = Math.hypot(...values.map((value, i) => value - expected.get(name)![i]!));
    // The first steps of Adam go by signs, and the gradient of a key’s bias is only rounding.
    if (!name.endsWith('k_proj.bias')) assert.ok(apart <= 1e-3 * Math.hypot(...values), `${name}: ${apart}`);
  }
});

test('rows that are no whole pairs are refused', async () => {
  const programs = {pairs: pairwiseTraining({rows: 3, lengths: [17]})};
  await assert.rejects(
    openEngine({...reward, threads: 2, optimizer: {}, programs}),
    /needs a multiple of 2 rows, not 3/,
  );
});

test('what is only looked at comes out in the order of the rows', () => {
  for (const engine of [cut, several]) {
    assertNear(engine.run.loss(rows), whole.run.loss(rows), 1e-5, 'loss');
    for (const name of ['logProbs', 'logits', 'padded', 'score'] as const) {
      // Each engine has made updates of its own, so this one’s are compared with another cut of itself.
      const all = [...engine.run[name](rows)];
      const each = rows.map((row) => [...engine.run[name]([row])][0]);
      assertNear(all, each, 1e-4, name);
    }
  }
});

test('a chunk is drawn in lanes as it is by itself, each lane until all of its own have stopped', async (t) => {
  const STEPS = 14;
  const shape = {prompts: 4, group: 3, promptLengths: [4, 8], maxNewTokens: STEPS, topP: 1, topK: 0, stopIds: [2]};
  const {run, dispose} = await openEngine({
    config: drawn,
    weights: initialWeights(drawn, 7),
    threads: 2,
    programs: {
      sample: generation({...shape, temperature: 1}),
      likeliest: generation({...shape, temperature: 0}),
      one: generation({...shape, temperature: 1, prompts: 1}),
      oneLikeliest: generation({...shape, temperature: 0, prompts: 1}),
    },
  });
  t.after(dispose);
  const prompts = [3, 6, 1, 5].map((length) => Array.from({length}, () => 3 + source.int(9)));
  const samples = Array.from({length: 12}, (_, i) => i);
  const uniforms = samplingUniforms({seed: 1, purpose: 'test'}, samples, STEPS);
  for (const [lanes, alone] of [
    [run.sample, run.one],
    [run.likeliest, run.oneLikeliest],
  ] as const) {
    for (const count of [4, 3, 1]) {
      const found = lanes({prompts: prompts.slice(0, count), uniforms: uniforms.subarray(0, count * 3 * STEPS)});
      const expected = prompts
        .slice(0, count)
        .flatMap((prompt, i) =>
          alone({prompts: [prompt], uniforms: uniforms.subarray(i * 3 * STEPS, (i + 1) * 3 * STEPS)}),
        );
      assert.deepEqual(
        found.map(({tokens, finished}) => ({tokens, finished})),
        expected.map(({tokens, finished}) => ({tokens, finished})),
      );
      found.forEach(({logProbs}, i) => assertNear(logProbs, expected[i]!.logProbs, 1e-4, `sample ${i}`));
      const again = lanes({prompts: prompts.slice(0, count), uniforms: uniforms.subarray(0, count * 3 * STEPS)});
      assert.deepEqual(again, found);
    }
  }
});

test('a large model is drawn from by a worker also on one core, where nothing is trained beside it', () => {
  const one = {threads: 1, cores: 1};
  const large = {...config, vocabSize: 5_000_000};
  assert.ok(packedBytes(config) < WORTH_SHARING && packedBytes(large) >= WORTH_SHARING);
  assert.deepEqual([samplersFor(config, one), samplersFor(large, one)], [0, 1]);
  assert.equal(workersFor(one), 0);
  for (const cores of [2, 3]) assert.equal(samplersFor(large, {threads: 1, cores}), cores);
});
