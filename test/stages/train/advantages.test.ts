import assert from 'node:assert/strict';
import {test} from 'node:test';
import fc from 'fast-check';
import {groupAdvantages, overlongPenalty, spread} from '../../../stages/train/advantages.js';

const plain = {divideByStd: true, stdFloor: 0.05};

test('a unanimous group teaches nothing', () => {
  assert.deepEqual(groupAdvantages([1, 1, 1, 1], plain), [0, 0, 0, 0]);
  assert.deepEqual(groupAdvantages([0.5, 0.5], {divideByStd: true, stdFloor: 0}), [0, 0]);
  // (0.1 + 0.1 + 0.1) / 3 is above 0.1; a last bit would have the whole group trained on.
  assert.ok((0.1 + 0.1 + 0.1) / 3 > 0.1);
  for (const divideByStd of [true, false])
    assert.deepEqual(groupAdvantages([0.1, 0.1, 0.1], {divideByStd, stdFloor: 0.05}), [0, 0, 0]);
});

test('one right answer in four stands out by 3/√3 standard deviations', () => {
  // mean 1/4, variance (9 + 3·1)/16/4 = 3/16, std √3/4: (3/4)/(√3/4) = √3, (−1/4)/(√3/4) = −1/√3
  const [right, ...wrong] = groupAdvantages([1, 0, 0, 0], plain);
  assert.ok(Math.abs(right! - Math.sqrt(3)) < 1e-12);
  for (const advantage of wrong) assert.ok(Math.abs(advantage + 1 / Math.sqrt(3)) < 1e-12);
});

test('the floor keeps a difference of 0.02 small', () => {
  // std is 0.01, below the floor of 0.05: ±0.01 / 0.05 = ±0.2 instead of ±1
  const [low, high] = groupAdvantages([0.5, 0.52], plain);
  assert.ok(Math.abs(low! + 0.2) < 1e-9 && Math.abs(high! - 0.2) < 1e-9);
});

test('without the division an advantage is the distance from the mean', () => {
  assert.deepEqual(groupAdvantages([2, 0], {divideByStd: false, stdFloor: 0.05}), [1, -1]);
});

test('advantages of a group add up to nothing, whatever the rewards', () => {
  fc.assert(
    fc.property(fc.array(fc.double({min: -3, max: 3, noNaN: true}), {minLength: 2, maxLength: 20}), (rewards) => {
      const sum = groupAdvantages(rewards, plain).reduce((total, value) => total + value, 0);
      assert.ok(Math.abs(sum) < 1e-6, String(sum));
    }),
  );
});

test('spread is the population’s standard deviation', () => assert.equal(spread([2, 4, 4, 4, 5, 5, 7, 9]), 2));

test('the overlong penalty falls linearly over the margin', () => {
  assert.deepEqual(
    [10, 16, 18, 20, 30].map((tokens) => overlongPenalty(tokens, 20, 4)),
    [0, 0, -0.5, -1, -1],
  );
});
