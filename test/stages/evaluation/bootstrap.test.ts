import assert from 'node:assert/strict';
import {test} from 'node:test';
import {bootstrapMean} from '../../../stages/evaluation/bootstrap.js';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The means of every way to draw as many values as there are, each as likely as the next: 5⁵ = 3,125 of five. */
function everyMean(values: readonly number[]): number[] {
  const ways = Array.from({length: values.length ** values.length}, (_, way) =>
    mean(values.map((_, place) => values[Math.floor(way / values.length ** place) % values.length]!)),
  );
  return ways.sort((a, b) => a - b);
}

test('the interval is that of the exact bootstrap distribution, as closely as 2,000 draws can tell', () => {
  const values = [-1, 2, 3.5, 7, 11];
  const ways = everyMean(values);
  const {value, low, high, p} = bootstrapMean(values);
  assert.equal(value, 4.5);
  // 2,000 draws put a 2.5 % quantile between the true 1.8 % and 3.2 % ones in 95 of 100 cases.
  const at = (share: number): number => ways[Math.round(share * (ways.length - 1))]!;
  assert.ok(low >= at(0.015) && low <= at(0.035), `${low}`);
  assert.ok(high >= at(0.965) && high <= at(0.985), `${high}`);
  const below = ways.filter((one) => one <= 0).length / ways.length;
  assert.ok(Math.abs(p - 2 * below) < 0.01, `${p} and ${2 * below}`);
});

test('of many values it agrees with Student’s t', () => {
  const values = Array.from({length: 400}, (_, n) => Math.sin(n * n) + 0.1);
  const centre = mean(values);
  const error = Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / 399 / 400);
  const {value, low, high} = bootstrapMean(values);
  assert.ok(Math.abs(value - centre) < 1e-12);
  assert.ok(Math.abs(low - (centre - 1.966 * error)) < 0.15 * error, `${low}`);
  assert.ok(Math.abs(high - (centre + 1.966 * error)) < 0.15 * error, `${high}`);
});

test('problems that are alike are drawn together', () => {
  const values = [1, 1, 1, 1, 2, 2, 2, 2, 6, 6, 6, 6];
  const groups = [0, 4, 8].map((first) => [first, first + 1, first + 2, first + 3]);
  const together = bootstrapMean(values, groups);
  assert.deepEqual(together, bootstrapMean([1, 2, 6]), 'twelve values of three kinds are three');
  const apart = bootstrapMean(values);
  assert.ok(together.high - together.low > 1.5 * (apart.high - apart.low));
});

test('equal values give equal bytes, and p is never 0', () => {
  const values = Array.from({length: 50}, (_, n) => 1 + (n % 7));
  assert.deepEqual(bootstrapMean(values), bootstrapMean(values));
  // Of the 2,000 draws and the mean itself only the latter can lie on the other side.
  assert.equal(bootstrapMean(values).p, 2 / 2001);
  assert.equal(bootstrapMean(values.map((value) => -value)).p, 2 / 2001);
});

test('where nothing scatters, draws show nothing, and the sign test stands in', () => {
  assert.deepEqual(bootstrapMean([3]), {value: 3, low: -Infinity, high: Infinity, p: 1});
  assert.deepEqual(bootstrapMean([2, 2, 2]), {value: 2, low: -Infinity, high: Infinity, p: 0.25});
  assert.deepEqual(bootstrapMean([2, 2, 2, 2, 2, 2, 2, 2]), {value: 2, low: 2, high: 2, p: 2 ** -7});
  assert.equal(bootstrapMean([0, 0, 0, 0, 0, 0, 0, 0]).p, 1);
});
