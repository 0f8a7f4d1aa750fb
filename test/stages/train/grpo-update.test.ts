/** A whole update of GRPO in the engine: what is saved changes neither loss nor gradient. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openEngine} from '../../../stages/engine/engine.js';
import type {Program} from '../../../stages/engine/program.js';
import type {Train, Trained} from '../../../stages/engine/programs/training.js';
import {training} from '../../../stages/engine/programs/training.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';
import type {Aggregate, GrpoMetrics, GrpoOptions, GrpoRow} from '../../../stages/train/grpo.js';
import {grpoObjective} from '../../../stages/train/grpo.js';
import {whereTaught} from '../../../stages/train/grpo-updates.js';
import {grpoTraining, logProbabilities} from '../../../stages/train/programs.js';
import {config} from '../engine/small.js';

type Update = Program<Train<GrpoRow, GrpoMetrics>>;

const weights = initialWeights(config, 1);
const source = random(7, 'grpo update test');
/** Prompts and responses of different lengths. */
const SHAPES = [
  [3, 5],
  [4, 8],
  [5, 2],
  [3, 1],
  [6, 6],
  [4, 3],
  [5, 7],
] as const;
const ADVANTAGES = [1.2, -0.7, 0, 0.4, 0, -1.1, 0.9];
/** This one was cut off and is masked. */
const MASKED = 5;
const sampled = SHAPES.map(([prompt, response], i) => ({
  tokens: Array.from({length: prompt + response}, () => source.int(config.vocabSize)),
  mask: Array.from({length: prompt + response}, (_, at) => (at < prompt || i === MASKED ? 0 : 1)),
  advantage: ADVANTAGES[i]!,
}));
const buckets = {rows: 2, lengths: [8, 12]};
const targets = {before: 2, most: 8};
const AGGREGATES: readonly Aggregate[] = ['response-mean', 'token-mean', {constant: 8}];
const grpo = {temperature: 0.9, clipLow: 0.2, clipHigh: 0.3} as const;
const adam = {learningRate: 1e-4};

/** The update that computes every row. */
const complete = (options: GrpoOptions): Update => {
  const {counts, ...objective} = grpoObjective(options);
  assert.ok(counts);
  return training(objective, buckets);
};

type Named = ReadonlyMap<string, Float32Array>;
interface Result {
  readonly told: Trained<GrpoMetrics>;
  readonly state: {readonly gradients: Named; readonly weights: Named};
}

/** One engine with all that a case compares, since opening it takes longest. */
async function opened(options: GrpoOptions) {
  const engine = await openEngine({
    config,
    weights,
    threads: 1,
    optimizer: {},
    programs: {
      first: complete({...grpo, ratio: 'token', aggregate: 'token-mean', klCoefficient: 0}),
      old: logProbabilities({...buckets, temperature: options.temperature}),
      oldOfTargets: logProbabilities({...buckets, targets, temperature: options.temperature}),
      complete: complete(options),
      skipping: grpoTraining({...buckets, ...options}),
      own: grpoTraining({...buckets, ...options, oldPolicy: 'own'}),
      ownOfTargets: grpoTraining({...buckets, targets, ...options, oldPolicy: 'own'}),
    },
  });
  /** To the same weights and moments, the moments not being 0: an update without a gradient moves weights, too. */
  const begin = (): void => {
    engine.write('policy', weights);
    engine.resetOptimizer();
    engine.run.first(
      sampled.map((row, i) => ({...row, advantage: i - 3, oldLogProbs: new Float32Array(row.tokens.length)})),
      adam,
    );
  };
  begin();
  const old = engine.run.old(sampled);
  // Of another policy, so that the KL term has something to pull at.
  const reference = old.map((row) => row.map((logProb) => logProb + source.normal() / 8));
  const rows = sampled.map((row, i): GrpoRow => ({...row, oldLogProbs: old[i]!, referenceLogProbs: reference[i]!}));
  const updateBy = (
    name: 'complete' | 'skipping' | 'own' | 'ownOfTargets',
    given: readonly GrpoRow[] = rows,
  ): Result => {
    begin();
    const moments = engine.read('adam.m');
    const told = engine.run[name](given, adam);
    // m′ = 0.9 m + 0.1 g
    const gradients = new Map(
      [...engine.read('adam.m')].map(([name, values]) => [
        name,
        values.map((value, i) => (value - 0.9 * moments.get(name)![i]!) / 0.1),
      ]),
    );
    return {told, state: {gradients, weights: engine.read('policy')}};
  };
  return {engine, rows, old, begin, updateBy};
}

function assertSame(a: Result, b: Result, what: string): void {
  const near = (x: number, y: number, name: string): void =>
    assert.ok(Math.abs(x - y) < 1e-6 * Math.max(1, Math.abs(y)), `${what}: ${name} ${x} for ${y}`);
  near(a.told.loss, b.told.loss, 'loss');
  near(a.told.gradNorm, b.told.gradNorm, 'norm of the gradient');
  for (const kind of ['gradients', 'weights'] as const)
    for (const [name, values] of a.state[kind])
      values.forEach((value, i) => near(value, b.state[kind].get(name)![i]!, `${kind} of ${name}`));
}

const marked = (row: GrpoRow, values: ArrayLike<number>): number[] =>
  Array.from(values).filter((_, at) => row.mask[at]);

for (const ratio of ['token', 'sequence'] as const)
  for (const klCoefficient of [0, 0.05])
    test(`no update is another for what is not computed twice or in vain: ratio of the ${ratio}, β ${klCoefficient}`, async () => {
      for (const aggregate of AGGREGATES) {
        const what = JSON.stringify(aggregate);
        const {engine, rows, old, begin, updateBy} = await opened({...grpo, ratio, aggregate, klCoefficient});
        const expected = updateBy('complete');
        assert.ok(expected.told.gradNorm > 1e-3);
        const skipping = updateBy('skipping');
        const own = updateBy(
          'own',
          rows.map(({tokens, mask, advantage, referenceLogProbs}) => ({
            tokens,
            mask,
            advantage,
            referenceLogProbs: referenceLogProbs!,
          })),
        );
        assertSame(skipping, expected, `skipping, ${what}`);
        assertSame(own, expected, `own, ${what}`);
        assertSame(updateBy('ownOfTargets'), expected, `own of targets, ${what}`);
        assert.equal(own.told.ratioMax, 1);
        assert.equal(own.told.clippedShare, 0);
        assert.ok(Math.abs(own.told.kl - expected.told.kl) < 1e-6);

        // What was computed is handed on, and nothing is of rows that were not.
        const skips = (i: number): boolean => klCoefficient === 0 && (ADVANTAGES[i] === 0 || i === MASKED);
        assert.equal(own.told.skippedRows, klCoefficient === 0 ? 1 - 4 / 7 : 0);
        own.told.values!.forEach((values, i) => {
          assert.equal(values === undefined, skips(i));
          if (values === undefined) return;
          marked(rows[i]!, values).forEach((value, at) =>
            assert.ok(Math.abs(value - marked(rows[i]!, old[i]!)[at]!) < 1e-5),
          );
        });
        // Mean −log π of the tokens of those that were.
        const surprises = rows.flatMap((row, i) => (skips(i) ? [] : marked(row, old[i]!).map((value) => -value)));
        const entropy = surprises.reduce((a, b) => a + b) / surprises.length;
        assert.ok(Math.abs(own.told.entropy! - entropy) < 1e-5, `${own.told.entropy} for ${entropy}`);

        begin();
        engine.run.oldOfTargets(sampled).forEach((values, i) => {
          assert.equal(values.length, rows[i]!.tokens.length);
          values.forEach((value, at) =>
            assert.ok(Math.abs(value - (rows[i]!.mask[at] ? old[i]![at]! : 0)) < 1e-5, `row ${i}, token ${at}`),
          );
        });
        engine.dispose();
      }
    });

test('where nothing is to be learned, the step is taken all the same and says nothing of rows that nobody looked at', async () => {
  const {engine, rows, updateBy} = await opened({...grpo, ratio: 'token', aggregate: 'token-mean', klCoefficient: 0});
  const idle = rows.map((row) => ({...row, advantage: 0}));
  const [expected, skipped] = [updateBy('complete', idle), updateBy('own', idle)];
  assertSame(skipped, expected, 'all skipped');
  assert.equal(skipped.told.gradNorm, 0);
  assert.deepEqual(
    {
      entropy: skipped.told.entropy,
      ratioMax: skipped.told.ratioMax,
      loss: skipped.told.loss,
      share: skipped.told.skippedRows,
    },
    {entropy: undefined, ratioMax: undefined, loss: 0, share: 1},
  );
  // Moments of updates before move the weights.
  assert.notDeepEqual(skipped.state.weights.get('model.norm.weight'), weights.get('model.norm.weight'));
  engine.dispose();
});

test('with a KL term every row is computed; without one those that move nothing are not', () => {
  const asked: number[] = [];
  const lengthOf = (rows: readonly {readonly tokens: readonly number[]}[]): number[] => {
    asked.push(rows.length);
    return rows.map(({tokens}) => tokens.length);
  };
  assert.deepEqual(
    whereTaught(sampled, 0.1, lengthOf),
    SHAPES.map(([prompt, response]) => prompt + response),
  );
  assert.deepEqual(whereTaught(sampled, 0, lengthOf), [8, 12, undefined, 4, undefined, undefined, 12]);
  assert.deepEqual(
    whereTaught(
      sampled.map((row) => ({...row, advantage: 0})),
      0,
      lengthOf,
    ),
    sampled.map(() => undefined),
  );
  assert.deepEqual(asked, [7, 4]);
});

test('KL and clipped share are means over what counts, not over masked rows', () => {
  // Three rows, the second masked. Log-ratios of the response: 0.5 and −0.1, against the reference 0.2 and 0.
  // k3 = e^0.2 − 0.2 − 1 = 0.0214 and 0; the first ratio, e^0.5 = 1.65, is clipped at 1.2 with A = 1.
  const objective = grpoObjective({
    ...grpo,
    temperature: 1,
    clipHigh: 0.2,
    ratio: 'sequence',
    aggregate: 'token-mean',
    klCoefficient: 0.1,
  });
  const rows = [
    {tokens: [1, 2, 3], mask: [0, 1, 1], advantage: 1},
    {tokens: [1, 2, 3], mask: [0, 0, 0], advantage: 1},
    {tokens: [1, 2], mask: [0, 1], advantage: -1},
  ];
  const parts = [{loss: 0, ratioMax: 1.65, clipped: 1, surprise: 3, kl: Math.exp(0.2) - 1.2}];
  const {kl, clippedShare, entropy} = objective.report(parts, rows);
  assert.ok(Math.abs(kl - 0.0107) < 1e-4, String(kl));
  assert.equal(clippedShare, 0.5);
  assert.equal(entropy, 1);
});
