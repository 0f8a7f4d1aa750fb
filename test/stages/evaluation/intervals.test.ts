import assert from 'node:assert/strict';
import test from 'node:test';

import {
  bootstrap,
  bootstrapP,
  clusterMean,
  holm,
  percentileInterval,
  quantile,
  wilson,
} from '../../../stages/evaluation/intervals.js';
import {tInterval, tQuantile, tTest} from '../../../stages/evaluation/t-interval.js';
import {random} from '../../../stages/random.js';

const near = (actual: number, expected: number, tolerance: number): void => {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
};
const only = ([value]: readonly number[]): number => value!;

test('problems weigh alike, however many samples they have', () => {
  assert.equal(clusterMean([[1], [0, 0, 0]]), 0.5);
});

test('a quantile lies between its neighbours', () => {
  // Five values, positions 0…4: 0.5 is the third, 0.6 is 2.4 → 30 + 0.4 · 10
  assert.equal(quantile([10, 20, 30, 40, 50], 0.5), 30);
  near(quantile([10, 20, 30, 40, 50], 0.6), 34, 1e-12);
  assert.equal(quantile([7], 0.9), 7);
});

test('the bootstrap of n flat problems spreads like a binomial', () => {
  // 100 problems, half of them right in every sample: the mean of 100 draws has variance 0.25 / 100, so 0.05.
  const clusters = Array.from({length: 100}, (_, n) => [n % 2, n % 2]);
  const draws = bootstrap([clusters], only, {seed: 1, draws: 4000});
  const deviation = Math.sqrt(draws.reduce((sum, value) => sum + (value - 0.5) ** 2, 0) / draws.length);
  near(deviation, 0.05, 0.002);
  const {low, high} = percentileInterval(draws);
  near(low, 0.5 - 1.96 * 0.05, 0.012);
  near(high, 0.5 + 1.96 * 0.05, 0.012);
});

test('drawing samples adds their variance to that of drawing problems', () => {
  // All problems alike, each with 4 samples of which 2 are right: only the samples vary. 0.25 / 4 / 50 = 0.0354².
  const clusters = Array.from({length: 50}, () => [0, 1, 0, 1]);
  const draws = bootstrap([clusters], only, {seed: 2, draws: 4000});
  near(Math.sqrt(draws.reduce((sum, value) => sum + (value - 0.5) ** 2, 0) / draws.length), 0.0354, 0.002);
});

test('both models of a pair meet the same draws of problems', () => {
  // Right is left minus a constant, so the difference has no spread at all.
  const left = Array.from({length: 30}, (_, n) => [n / 30]);
  const right = left.map(([value]) => [value! - 0.25]);
  const draws = bootstrap([left, right], ([a, b]) => a! - b!, {seed: 3});
  near(draws[0]!, 0.25, 1e-12);
  near(draws.at(-1)!, 0.25, 1e-12);
});

test('the bootstrap is a function of its seed, and 420 problems of 16 samples take well under two seconds', () => {
  const draws = random(5, 'test');
  const clusters = Array.from({length: 420}, () => Array.from({length: 16}, () => draws.int(2)));
  const before = process.cpuUsage();
  const first = bootstrap([clusters], only, {seed: 4});
  // Of the processor, which others may share.
  assert.ok(process.cpuUsage(before).user < 2e6);
  assert.deepEqual(bootstrap([clusters], only, {seed: 4}), first);
  assert.notDeepEqual(bootstrap([clusters], only, {seed: 5}), first);
});

test('95 % intervals cover the truth about 95 times in 100', () => {
  let covered = 0;
  for (let trial = 0; trial < 200; trial++) {
    const draws = random(trial, 'coverage');
    // Problems of difficulty 0.2 … 0.8, mean 0.5, four samples each.
    const clusters = Array.from({length: 60}, () => {
      const p = 0.2 + 0.6 * draws.uniform();
      return Array.from({length: 4}, () => Number(draws.uniform() < p));
    });
    const {low, high} = percentileInterval(bootstrap([clusters], only, {seed: trial, draws: 400}));
    if (low <= 0.5 && 0.5 <= high) covered += 1;
  }
  assert.ok(covered >= 184, `${covered} of 200`); // The second stage makes them a little too wide, never too narrow.
});

test('Wilson at the ends is n / (n + z²)', () => {
  // z² = 3.841459; 420 / 423.841459 = 0.990937
  near(wilson(1, 420).low, 0.990937, 1e-6);
  assert.equal(wilson(1, 420).high, 1);
  near(wilson(0, 420).high, 1 - 0.990937, 1e-6);
  // 8 of 10 (Newcombe 1998, method 3): 0.4902 to 0.9433
  near(wilson(0.8, 10).low, 0.4902, 1e-4);
  near(wilson(0.8, 10).high, 0.9433, 1e-4);
});

test('a bootstrap p-value counts the smaller side twice and is never 0', () => {
  const draws = Float64Array.from({length: 99}, (_, n) => n + 1); // 1 … 99
  assert.equal(bootstrapP(draws, 0), 2 / 100);
  assert.equal(bootstrapP(draws, 10), (2 * 11) / 100); // ten draws at 10 or below
  assert.equal(bootstrapP(draws, 50), 1);
});

test('Holm multiplies the smallest by m, the next by m − 1, and never falls', () => {
  // 0.01 · 4, 0.02 · 3, 0.022 · 2 = 0.044 raised to 0.06, 0.5
  assert.deepEqual(
    holm([0.5, 0.01, 0.022, 0.02]).map((p) => Number(p.toFixed(6))),
    [0.5, 0.04, 0.06, 0.06],
  );
  assert.deepEqual(holm([0.9, 0.9]), [1, 1]);
  assert.deepEqual(holm([]), []);
});

test('quantiles of t are those of the tables', () => {
  near(tQuantile(0.975, 1), 12.706205, 1e-5);
  near(tQuantile(0.975, 4), 2.776445, 1e-6);
  near(tQuantile(0.975, 30), 2.042272, 1e-6);
  near(tQuantile(0.95, 9), 1.833113, 1e-6);
});

test('a t-interval over five seeds', () => {
  // Mean 0.3, squares 4·0.01² + … = 0.001, s = √(0.001 / 4) = 0.0158114, s/√5 = 0.00707107, · 2.776445 = 0.0196324
  const values = [0.28, 0.29, 0.3, 0.31, 0.32];
  const {low, high} = tInterval(values);
  near(low, 0.3 - 0.0196324, 1e-6);
  near(high, 0.3 + 0.0196324, 1e-6);
  // t = (0.3 − 0.28) / 0.00707107 = 2.828427 with 4 degrees of freedom: p = 0.0474
  near(tTest(values, 0.28), 0.0474, 1e-4);
  near(tTest(values, 0.3), 1, 1e-9);
});

test('one seed says nothing about seeds, and equal seeds say it without doubt', () => {
  assert.deepEqual(tInterval([0.3]), {low: -Infinity, high: Infinity});
  assert.equal(tTest([0.3], 0), 1);
  assert.equal(tTest([0.25, 0.25], 0), 0);
  assert.equal(tTest([0.25, 0.25], 0.25), 1);
});

test('problems that are alike are drawn together: copies of a problem tell nothing new', () => {
  const once = Array.from({length: 20}, (_, i) => [i % 4 === 0 ? 1 : 0]);
  const copied = once.flatMap((values) => [values, values, values]);
  const groups = once.map((_, i) => [3 * i, 3 * i + 1, 3 * i + 2]);
  const spread = (models: readonly (readonly number[])[], grouped?: readonly (readonly number[])[]): number => {
    const {low, high} = percentileInterval(bootstrap([models], ([mean]) => mean!, {seed: 3, groups: grouped}));
    return high - low;
  };
  assert.equal(spread(copied, groups), spread(once));
  assert.ok(spread(copied) < 0.7 * spread(once));
  // Groups of one are problems drawn by themselves, to the byte.
  const alone = once.map((_, i) => [i]);
  assert.deepEqual(
    bootstrap([once], ([mean]) => mean!, {seed: 3, groups: alone}),
    bootstrap([once], ([mean]) => mean!, {seed: 3}),
  );
});
