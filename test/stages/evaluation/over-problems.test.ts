/** Intervals over problems: worked by hand, and p-values that are those of the same test. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  differenceOver,
  levelOver,
  ratioOver,
  shareOver,
  type Measured,
} from '../../../stages/evaluation/over-problems.js';
import {wilson} from '../../../stages/evaluation/intervals.js';
import {random} from '../../../stages/random.js';

const near = (actual: number, expected: number, tolerance = 1e-9): void => {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
};
/** Quantiles of t at 0.975 from a table, to six digits. */
const T = {1: 12.706205, 2: 4.302653, 3: 3.182446, 5: 2.570582, 19: 2.093024} as const;

test('a mean of problem means, with the t of one less than there are problems', () => {
  // Means 10, 12, 14, 20: 14 on average, squares 16 + 4 + 0 + 36 = 56, s² = 56 / 3, standard error √(56 / 12).
  const {value, low, high} = levelOver([[10], [11, 13], [14], [20, 20, 20]], {isRate: false, threshold: 0});
  assert.equal(value, 14);
  near(low, 14 - T[3] * Math.sqrt(56 / 12), 1e-5);
  near(high, 14 + T[3] * Math.sqrt(56 / 12), 1e-5);
});

test('problems that are alike count together', () => {
  // Sums above the mean of .5: +1, −1 and 0, so the variance is 3/2 · 2 / 6²; alone they are 6 times ±.5, 6/5 · 1.5 / 6².
  const values = [[1], [1], [0], [0], [1], [0]];
  const groups = [
    [0, 1],
    [2, 3],
    [4, 5],
  ];
  const together = levelOver(values, {groups, isRate: false, threshold: 0});
  const alone = levelOver(values, {isRate: false, threshold: 0});
  near(together.high, 0.5 + T[2] * Math.sqrt(3 / 36), 1e-5);
  near(alone.high, 0.5 + T[5] * Math.sqrt(1.8 / 36), 1e-5);
  // Copies of a problem tell nothing new.
  const once = [[3], [5], [1], [4]];
  const copied = once.flatMap((one) => [one, one, one]);
  const triples = once.map((_, place) => [3 * place, 3 * place + 1, 3 * place + 2]);
  const asked = {isRate: false, threshold: 2};
  assert.deepEqual(rounded(levelOver(copied, {...asked, groups: triples})), rounded(levelOver(once, asked)));
});

test('a rate has the interval of Wilson, of as many trials as scatter like its problems', () => {
  // 20 problems of one response, half of them right: variance 20/19 · 20 · .25 / 20², which is that of 19 trials.
  const halves = Array.from({length: 20}, (_, place) => [place % 2]);
  const expected = wilson(0.5, 19, T[19]);
  const {low, high} = levelOver(halves, {isRate: true, threshold: 0});
  near(low, expected.low, 1e-6);
  near(high, expected.high, 1e-6);
  // Four responses each, two right: there is no scatter, and nothing is known of other problems: 20 trials.
  const flat = levelOver(
    halves.map(() => [0, 1, 0, 1]),
    {isRate: true, threshold: 0},
  );
  near(flat.low, 0.5 * 0.025 ** (1 / 20));
});

test('few problems on one side count at most once each, however little they scatter', () => {
  // Of 100 problems with 16 responses, two have one right. They scatter like 16 · 100 trials do, and count as 100.
  const rare = Array.from({length: 100}, (_, place) =>
    Array.from({length: 16}, (__, n) => Number(place < 2 && n === 0)),
  );
  near(levelOver(rare, {isRate: true, threshold: 0}).high, wilson(2 / 1600, 100, 1.984217).high, 1e-6);
});

test('a share of a whole leaves out what has none, and is a rate where all wholes are one', () => {
  const part = [1, 0, 0.5, 0, 1, 0];
  const ones = part.map(() => 1);
  const level = levelOver(
    part.map((one) => [one]),
    {isRate: true, threshold: 0.3},
  );
  assert.deepEqual(shareOver(part, ones, {threshold: 0.3}), level);
  assert.deepEqual(shareOver([...part, 0, 0], [...ones, 0, 0], {threshold: 0.3}), level);
  assert.equal(shareOver([1, 1], [2, 4]).value, 1 / 3);
});

test('a difference is paired: what both models share has no part in it', () => {
  const left = Array.from({length: 30}, (_, n) => [n]);
  const right = left.map(([value]) => [value! - (value! % 2)]);
  // Differences 0 and 1 in turn: .5, variance 30/29 · 30 · .25 / 30².
  const {value, low} = differenceOver(left, right, {isRate: false, threshold: 0});
  assert.equal(value, 0.5);
  near(low, 0.5 - 2.04523 * Math.sqrt(0.25 / 29), 1e-5);
  // No scatter at all, of rates: as sure as 30 problems can make it; of lengths it is what it is.
  const more = left.map(([value]) => [value! + 1]);
  assert.deepEqual(differenceOver(more, left, {isRate: false, threshold: 0}), {value: 1, low: 1, high: 1, p: 2 ** -29});
  const all = differenceOver(
    left.map(() => [1]),
    left.map(() => [0]),
    {isRate: true, threshold: 0},
  );
  // An exception may be as far off as −1: a share of a half of them would do for a mean of 0.
  near(all.low, 1 - 2 * (1 - 0.025 ** (1 / 30)));
  near(all.p, 2 * 0.5 ** 30);
  assert.deepEqual([all.value, all.high], [1, 1]);
});

test('a ratio has the interval of Fieller, unbounded where what divides may be nothing', () => {
  const left = [[4], [6], [5], [9]];
  const right = [[2], [3], [2], [3]];
  const {value, low, high} = ratioOver(left, right, {threshold: 1})!;
  assert.equal(value, 2.4);
  // Means 6 and 2.5, variances 14/3/4 and 1/3/4, covariance 1/4: the roots of (6 − 2.5·r)² = t²·(7/6 − r/2 + r²/12).
  near(low, 1.386767, 1e-5);
  near(high, 3.225886, 1e-5);
  // A constant below is a level, divided.
  const halved = ratioOver(
    left,
    left.map(() => [2]),
    {threshold: 3},
  )!;
  const level = levelOver(left, {isRate: false, threshold: 6});
  near(halved.low, level.low / 2);
  near(halved.high, level.high / 2);
  near(halved.p, level.p);
  const doubtful = ratioOver(left, [[5], [-4], [3], [-3]], {threshold: 1})!;
  assert.deepEqual([doubtful.low, doubtful.high], [-Infinity, Infinity]);
});

test('at its bounds an interval’s own p-value is .05', () => {
  const draws = random(3, 'test');
  const some = (n: number) =>
    Array.from({length: n}, () => Array.from({length: 4}, () => Number(draws.uniform() < 0.4)));
  const [left, right] = [some(60), some(60)];
  const groups = Array.from({length: 20}, (_, place) => [place, 20 + place, 40 + place]);
  const tests: ((threshold: number) => Measured)[] = [
    (threshold) => levelOver(left, {isRate: true, threshold}),
    (threshold) => levelOver(left, {isRate: true, groups, threshold}),
    (threshold) => levelOver(left, {isRate: false, groups, threshold}),
    (threshold) => differenceOver(left, right, {isRate: true, groups, threshold}),
    (threshold) => ratioOver(left, right, {threshold})!,
  ];
  for (const [index, at] of tests.entries()) {
    const {low, high, value} = at(0);
    assert.ok(low < value && value < high);
    near(at(low).p, 0.05, 1e-6);
    near(at(high).p, 0.05, 1e-6);
    near(at(value).p, 1, 1e-6);
    assert.ok(at(low - 0.1 * (high - low)).p < 0.05, `test ${index}`);
  }
});

test('where nothing scatters, few problems tell little', () => {
  const flat = (n: number) => Array.from({length: n}, () => [2]);
  const asked = {isRate: false, threshold: 1};
  assert.deepEqual(levelOver(flat(2), asked), {value: 2, low: -Infinity, high: Infinity, p: 0.5});
  assert.deepEqual(levelOver(flat(6), asked), {value: 2, low: 2, high: 2, p: 2 ** -5});
  assert.equal(ratioOver(flat(3), flat(3), {threshold: 2})!.p, 0.25);
  assert.deepEqual(ratioOver(flat(6), flat(6), {threshold: 1}), {value: 1, low: 1, high: 1, p: 1});
  // Bounds are where p is .05, of what has ends, too.
  for (const n of [1, 2, 7]) {
    const rates = Array.from({length: n}, () => [0.25]);
    const {low, high} = levelOver(rates, {isRate: true, threshold: 0});
    for (const threshold of [low, high]) near(levelOver(rates, {isRate: true, threshold}).p, 0.05);
    const none = rates.map(() => [1]);
    const difference = differenceOver(rates, none, {isRate: true, threshold: 0});
    for (const threshold of [difference.low, difference.high])
      near(differenceOver(rates, none, {isRate: true, threshold}).p, 0.05);
  }
});

test('a cluster that holds much of the mean counts for what it does to it', () => {
  // One form of 50 problems and nine of one: without the large one the mean is that of the others.
  const values = [...Array.from({length: 50}, () => [1]), ...Array.from({length: 9}, (_, n) => [n % 2])];
  const groups = [Array.from({length: 50}, (_, n) => n), ...Array.from({length: 9}, (_, n) => [50 + n])];
  const {low, high} = levelOver(values, {groups, isRate: false, threshold: 0});
  // Mean 54/59; without the large one 4/9; without a right one 53/58, without a wrong one 54/58. Its size alone leaves one degree.
  const off = [4 / 9, ...Array.from({length: 4}, () => 53 / 58), ...Array.from({length: 5}, () => 54 / 58)];
  const error = Math.sqrt(0.9 * off.reduce((sum, mean) => sum + (mean - 54 / 59) ** 2, 0));
  near(high - low, 2 * T[1] * error, 1e-4);
});

test('one problem says nothing of others', () => {
  const one = {isRate: true, threshold: 0.5};
  assert.ok(levelOver([[1, 1, 0]], one).p === 1 && levelOver([[1, 1, 0]], one).low < 0.02);
  assert.deepEqual(
    [differenceOver([[1]], [[0]], {...one, threshold: 0}).p, differenceOver([[1]], [[0]], one).high],
    [1, 1],
  );
  assert.deepEqual(levelOver([[7, 9]], {isRate: false, threshold: 0}), {
    value: 8,
    low: -Infinity,
    high: Infinity,
    p: 1,
  });
  assert.deepEqual(ratioOver([[8]], [[4]], {threshold: 1}), {value: 2, low: -Infinity, high: Infinity, p: 1});
  assert.equal(ratioOver([[8]], [[0]], {threshold: 1}), undefined);
});

const rounded = (measured: Measured): Record<string, string> =>
  Object.fromEntries(Object.entries(measured).map(([name, value]) => [name, (value as number).toPrecision(10)]));
