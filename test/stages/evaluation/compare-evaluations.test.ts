/** Two evaluations beside each other, with numbers worked out by hand. */
import assert from 'node:assert/strict';
import test from 'node:test';

import {compareEvaluations, scoreSamples, spreadOverSeeds, wonAndLost} from '../../../stages/evaluation/index.js';
import type {EvaluationToCompare, Sample} from '../../../stages/evaluation/index.js';
import {sampleOf, samplesOf} from './samples.js';

const near = (actual: number | undefined, expected: number, tolerance = 1e-6): void => {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
};

const evaluated = (samples: readonly Sample[], more: Partial<EvaluationToCompare> = {}): EvaluationToCompare => {
  const k = more.k ?? 2;
  return {template: 'chat', temperature: 0.6, topP: 0.95, k, samples, scores: scoreSamples(samples, {k}), ...more};
};

const metricOf = (comparison: ReturnType<typeof compareEvaluations>, name: string) =>
  comparison.metrics.find(({metric}) => metric === name);

test('a difference is other − baseline, paired on problems, with Student’s t', () => {
  // Shares of right responses 0, ½, ½, 1 and 1, 1, ½, 1: differences 1, ½, 0, 0 with the mean .375.
  // Squares of what is off: .625² + .125² + 2 · .375² = .6875, so that the error is √(.6875 / 3 / 4) = .2393568; t(3) = 3.182446.
  const comparison = compareEvaluations(
    evaluated(samplesOf('ww', 'rw', 'wr', 'rr')),
    evaluated(samplesOf('rr', 'rr', 'rw', 'rr')),
  );
  const pass = metricOf(comparison, 'pass@1')!;
  assert.deepEqual([pass.baseline!.mean, pass.other!.mean], [0.5, 0.875]);
  const {value, low, high, problems, told} = pass.difference!;
  assert.equal(value, 0.375);
  near(low, 0.375 - 3.182446 * 0.2393568, 1e-5);
  assert.equal(high, 1); // .375 + .762 is more than a share can change by
  assert.deepEqual([problems, told], [4, 'not told apart']);
  assert.deepEqual(comparison.settings, []);
  assert.deepEqual(comparison.problems, {shared: 4, onlyBaseline: 0, onlyOther: 0, reworded: 0});
});

test('a difference is higher or lower where its interval says on which side it is', () => {
  // Differences ½ ½ ½ 1 1 1: mean .75, error √(6 · .25² / 5 / 6) = .1118034, t(5) = 2.570582.
  const [less, more] = [samplesOf('wr', 'wr', 'wr', 'ww', 'ww', 'ww'), samplesOf('rr', 'rr', 'rr', 'rr', 'rr', 'rr')];
  const up = metricOf(compareEvaluations(evaluated(less), evaluated(more)), 'pass@1')!.difference!;
  near(up.low, 0.75 - 2.570582 * 0.1118034);
  assert.equal(up.told, 'higher');
  const down = metricOf(compareEvaluations(evaluated(more), evaluated(less)), 'pass@1')!.difference!;
  near(down.high, -0.75 + 2.570582 * 0.1118034);
  assert.equal(down.told, 'lower');
});

test('problems that are alike are drawn together', () => {
  const forms = (letters: readonly string[]): Sample[] =>
    samplesOf(...letters).map((sample) => ({...sample, cluster: Number(sample.key.slice(1)) < 3 ? 'one' : 'other'}));
  const comparison = compareEvaluations(
    evaluated(forms(['ww', 'ww', 'ww', 'rr', 'rr', 'rr'])),
    evaluated(forms(['rr', 'rr', 'rr', 'rr', 'rr', 'rr'])),
  );
  // Two clusters, one of which changes by 1 and the other by 0: ½ ± t(1) · ½ = ½ ± 12.7062 · ½, cut at the ends.
  const {value, low, high} = metricOf(comparison, 'pass@1')!.difference!;
  assert.deepEqual([value, low, high], [0.5, -1, 1]);
});

test('what only one of them has stands by itself, and pairs are of the problems that both were asked', () => {
  const safe = [true, false].map((is, n) =>
    sampleOf({prompt: `g${n}`, key: `g${n}`, task: 'general', outcome: 'left-out', safe: is, helpful: null}),
  );
  const left = [...samplesOf('rr', 'ww', 'wr'), ...safe];
  const right = samplesOf('ww', 'rr').map((sample) => ({...sample, prompt: `${sample.prompt}:zh`}));
  const comparison = compareEvaluations(evaluated(left), evaluated(right));
  assert.deepEqual(comparison.problems, {shared: 2, onlyBaseline: 3, onlyOther: 0, reworded: 2});
  const pass = metricOf(comparison, 'pass@1')!;
  assert.deepEqual([pass.baseline!.problems, pass.other!.problems, pass.difference!.problems], [3, 2, 2]);
  assert.equal(pass.difference!.value, 0); // 0 − 1 and 1 − 0
  const safety = metricOf(comparison, 'safe')!;
  assert.deepEqual([safety.baseline!.mean, safety.other, safety.difference], [0.5, undefined, undefined]);
});

test('evaluations without a problem in common have levels and no difference', () => {
  const other = samplesOf('rr').map((sample) => ({...sample, key: 'q', prompt: 'q'}));
  const comparison = compareEvaluations(evaluated(samplesOf('rr')), evaluated(other));
  assert.ok(comparison.metrics.length > 3);
  assert.ok(comparison.metrics.every(({difference}) => difference === undefined));
  assert.equal(comparison.answers, undefined);
  assert.equal(comparison.problems.shared, 0);
});

test('settings that differ are named, and pass@k is compared for the k that both have samples for', () => {
  const comparison = compareEvaluations(
    evaluated(samplesOf('rwww', 'wwww'), {k: 4, template: 'tiny-zero', temperature: 1}),
    evaluated(samplesOf('rw', 'rr'), {k: 2, prefill: '<think>'}),
  );
  assert.deepEqual(comparison.settings, [
    {name: 'asked and read with', baseline: 'tiny-zero', other: 'chat, prefill “<think>”'},
    {name: 'samples of each prompt', baseline: '4', other: '2'},
    {name: 'temperature', baseline: '1', other: '0.6'},
  ]);
  const two = metricOf(comparison, 'pass@2')!;
  // 1 of 4 is among two drawn with 1 − C(3, 2) / C(4, 2) = ½; the other model solves both problems in two.
  assert.deepEqual([two.baseline!.mean, two.other!.mean, two.difference!.value], [0.25, 1, 0.75]);
  const four = metricOf(comparison, 'pass@4')!;
  assert.deepEqual([four.baseline!.mean, four.other, four.difference], [0.5, undefined, undefined]);
});

test('a measure that a benchmark alone has is shown as it was recorded', () => {
  const rating = {metric: 'rating', mean: 1500, low: 1400, high: 1600, problems: 2, samples: 4};
  const samples = samplesOf('rr', 'rw');
  const comparison = compareEvaluations(
    evaluated(samples, {scores: [...scoreSamples(samples, {k: 2}), rating]}),
    evaluated(samples),
  );
  assert.deepEqual(comparison.metrics.at(-1), {
    metric: 'rating',
    baseline: rating,
    other: undefined,
    difference: undefined,
  });
});

test('problems are won and lost by the share of right responses, by level', () => {
  const level = (samples: Sample[], steps: readonly (number | null)[]): Sample[] =>
    samples.map((sample) => ({...sample, steps: steps[Number(sample.key.slice(1))]!}));
  const steps = [3, 3, 4, 4, null];
  const {changes, ...counts} = wonAndLost(
    level(samplesOf('rrww', 'wwww', 'rrrr', 'rwww', 'rrrr'), steps),
    level(samplesOf('rw', 'rr', 'rw', 'rw', 'rr'), steps),
  )!;
  // 2 of 4 and 1 of 2 are equal shares; 0 → 1, 1 → ½ and ¼ → ½ are not.
  assert.deepEqual(counts, {
    ...{won: 2, lost: 1, tied: 2},
    byLevel: [
      {level: 3, won: 1, lost: 0, tied: 1},
      {level: 4, won: 1, lost: 1, tied: 0},
    ],
  });
  assert.deepEqual(
    changes.map(({problem, baseline, other}) => [problem, baseline.right, baseline.of, other.right, other.of]),
    [
      ['p1', 0, 4, 2, 2],
      ['p2', 4, 4, 1, 2],
      ['p3', 1, 4, 1, 2],
    ],
  );
});

test('over seeds there is an interval from three on', () => {
  // 1, 2, 3: s = 1, t(2) = 4.302653.
  const {interval, ...spread} = spreadOverSeeds([1, 3, 2]);
  assert.deepEqual(spread, {seeds: 3, mean: 2, min: 1, max: 3});
  near(interval!.high, 2 + 4.302653 / Math.sqrt(3));
  assert.deepEqual(spreadOverSeeds([1, 3]), {seeds: 2, mean: 2, min: 1, max: 3, interval: undefined});
});
