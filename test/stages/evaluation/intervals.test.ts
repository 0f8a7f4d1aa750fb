import assert from 'node:assert/strict';
import test from 'node:test';

import {clusterMean, holm, quantile, wilson} from '../../../stages/evaluation/intervals.js';
import {tInterval, tQuantile, tTest} from '../../../stages/evaluation/t-interval.js';

const near = (actual: number, expected: number, tolerance: number): void => {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
};

test('problems weigh alike, however many samples they have', () => {
  assert.equal(clusterMean([[1], [0, 0, 0]]), 0.5);
});

test('a quantile lies between its neighbours', () => {
  // Five values, positions 0…4: 0.5 is the third, 0.6 is 2.4 → 30 + 0.4 · 10
  assert.equal(quantile([10, 20, 30, 40, 50], 0.5), 30);
  near(quantile([10, 20, 30, 40, 50], 0.6), 34, 1e-12);
  assert.equal(quantile([7], 0.9), 7);
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
