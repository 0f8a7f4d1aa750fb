/** A prompt that is computed once for several responses: the update is that of a row for each. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openEngine} from '../../../stages/engine/engine.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';
import type {GrpoOptions, GrpoRow} from '../../../stages/train/grpo.js';
import {updateBuckets} from '../../../stages/train/grpo-updates.js';
import {grpoTraining, logProbabilities} from '../../../stages/train/programs.js';
import {shareRows, sharedTraining} from '../../../stages/train/shared-prompts.js';
import {config} from '../engine/small.js';

const weights = initialWeights(config, 1);
const source = random(11, 'shared prompts test');
const tokensOf = (count: number): number[] => Array.from({length: count}, () => source.int(config.vocabSize));
/** Prompts with the lengths of their responses; the second begins as the first does. */
const first = tokensOf(6);
const GROUPS: readonly (readonly [prompt: readonly number[], responses: readonly number[]])[] = [
  [first, [5, 1, 8, 3, 7]],
  [first.slice(0, 3), [4, 4, 2]],
  [tokensOf(1), [6, 5]],
  [tokensOf(4), [3]],
];
/** Of all rows, one after the other. */
const ADVANTAGES = [1.2, -0.7, 0, 0.4, -1.1, 0.9, -0.9, 0, 0.6, -0.3, 0.8];
const MASKED = 4;
const sampled = GROUPS.flatMap(([prompt, responses]) => responses.map((count) => ({prompt, count}))).map(
  ({prompt, count}, i) => ({
    tokens: [...prompt, ...tokensOf(count)],
    mask: [...prompt.map(() => 0), ...Array.from({length: count}, () => (i === MASKED ? 0 : 1))],
    advantage: ADVANTAGES[i]!,
  }),
);
const alone = {rows: 2, lengths: [8, 16], targets: {before: 0, most: 8}};
/** The five responses to the first prompt take two rows. */
const shared = {rows: 2, lengths: [8, 16, 24], targets: {before: 0, most: 24}};
const grpo = {temperature: 0.9, clipLow: 0.2, clipHigh: 0.3, ratio: 'token'} as const;
const adam = {learningRate: 1e-4};

const near = (x: number, y: number, what: string): void =>
  assert.ok(Math.abs(x - y) < 1e-6 * Math.max(1, Math.abs(y)), `${what}: ${x} for ${y}`);

test('responses to one prompt become one row, as long as there is room', () => {
  assert.deepEqual(
    shareRows(
      sampled.filter((_, i) => i !== MASKED),
      24,
    ),
    [[0, 1, 2, 3], [4, 5, 6], [7, 8], [9]],
  );
  assert.deepEqual(shareRows(sampled.slice(0, 4), 13), [[0, 1], [2], [3]]);
});

for (const klCoefficient of [0, 0.05])
  for (const activationCheckpointing of [false, true])
    test(`an update with shared prompts is the same one: β ${klCoefficient}${activationCheckpointing ? ', layers computed again' : ''}`, async () => {
      for (const aggregate of ['response-mean', 'token-mean', {constant: 8}] as const) {
        const options: GrpoOptions = {...grpo, aggregate, klCoefficient};
        const own = {...options, oldPolicy: 'own'} as const;
        const weighted = {...options, importance: true} as const;
        const engine = await openEngine({
          config,
          weights,
          threads: 2,
          activationCheckpointing,
          optimizer: {},
          programs: {
            old: logProbabilities({...alone, temperature: options.temperature}),
            alone: grpoTraining({...alone, ...options}),
            aloneOwn: grpoTraining({...alone, ...own}),
            aloneWeighted: grpoTraining({...alone, ...weighted}),
            shared: sharedTraining(shared, options, 16),
            sharedOwn: sharedTraining(shared, own, 16),
            sharedWeighted: sharedTraining(shared, weighted, 16),
          },
        });
        const old = engine.run.old(sampled);
        const rows = sampled.map((row, i): GrpoRow => ({
          ...row,
          // Of another policy than this one, so that some ratios are clipped.
          oldLogProbs: old[i]!.map((value) => value + source.normal() / 5),
          referenceLogProbs: old[i]!.map((value) => value + source.normal() / 8),
          importance: row.tokens.map(() => 0.5 + source.uniform()),
        }));
        const update = (name: 'alone' | 'aloneOwn' | 'aloneWeighted' | 'shared' | 'sharedOwn' | 'sharedWeighted') => {
          engine.write('policy', weights);
          engine.resetOptimizer();
          const told = engine.run[name](rows, adam);
          return {told, gradients: engine.read('adam.m'), weights: engine.read('policy')};
        };
        for (const [one, other] of [
          ['shared', 'alone'],
          ['sharedOwn', 'aloneOwn'],
          ['sharedWeighted', 'aloneWeighted'],
        ] as const) {
          const [given, expected] = [update(one), update(other)];
          const {values, ...measured} = expected.told;
          assert.ok(measured.gradNorm > 1e-3);
          for (const [name, value] of Object.entries(measured)) near(given.told[name]!, value!, `${one}: ${name}`);
          for (const kind of ['gradients', 'weights'] as const)
            for (const [name, numbers] of given[kind])
              numbers.forEach((value, i) => near(value, expected[kind].get(name)![i]!, `${one}: ${kind} of ${name}`));
          assert.equal(given.told.values === undefined, values === undefined);
          values?.forEach((row, i) => {
            if (i === MASKED) return;
            assert.equal(given.told.values![i] === undefined, row === undefined);
            row?.forEach((value, at) => near(given.told.values![i]![at]!, value, `${one}: token ${at} of row ${i}`));
          });
        }
        if (klCoefficient === 0) {
          // Nobody learned anything.
          const idle = rows.map((row) => ({...row, advantage: 0}));
          assert.equal(engine.run.shared(idle, adam).loss, 0);
        }
        engine.dispose();
      }
    });

test('prompts are shared where it saves something, and never in models that keep their bytes', () => {
  const large = {...config, vocabSize: 5_000};
  const params = {microBatch: 16, maxNewTokens: 64, group: 8, ratio: 'token'} as const;
  const prompts = {shortest: 40, longest: 100};
  const {buckets, isShared, whole} = updateBuckets(large, params, prompts);
  assert.deepEqual([isShared, whole, buckets.rows, buckets.lengths.at(-1)], [true, 164, 4, 616]);
  assert.equal(buckets.targets!.before + buckets.targets!.most, 616);
  assert.equal(updateBuckets(large, {...params, maxNewTokens: 1_000}, prompts).isShared, false);
  assert.equal(updateBuckets(large, {...params, ratio: 'sequence'}, prompts).isShared, false);
  assert.equal(updateBuckets(config, params, prompts).isShared, false);
});
