import assert from 'node:assert/strict';
import {test} from 'node:test';
import {batchOrder, curriculumOrder} from '../../../stages/train/batch-order.js';

test('every row comes once an epoch, also across the seam of two epochs', () => {
  const at = batchOrder(10, 4, {seed: 1, purpose: 'test'});
  const drawn = Array.from({length: 5}, (_, step) => at(step)).flat(); // 20 rows: two epochs of 10
  assert.deepEqual(
    drawn.slice(0, 10).sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.deepEqual(
    drawn.slice(10).sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.notDeepEqual(drawn.slice(0, 10), drawn.slice(10));
});

test('a step’s rows do not depend on which steps were asked for before', () => {
  const key = {seed: 7, purpose: 'test'};
  const all = batchOrder(10, 4, key);
  for (let step = 0; step < 6; step++) assert.deepEqual(batchOrder(10, 4, key)(step), all(step));
});

test('another seed is another order', () => {
  assert.notDeepEqual(batchOrder(50, 50, {seed: 1, purpose: 'a'})(0), batchOrder(50, 50, {seed: 2, purpose: 'a'})(0));
});

test('a curriculum begins with the shortest third, ends with all rows, and is followed by the usual order', () => {
  const lengths = Array.from({length: 90}, (_, index) => (index * 37) % 90); // each of 0 … 89 once
  const key = {seed: 1, purpose: 'test'};
  const at = curriculumOrder(lengths, 50, {...key, curriculum: 40});
  const longest = (step: number): number => Math.max(...at(step).map((index) => lengths[index]!));
  assert.ok(longest(0) < 30);
  assert.ok(longest(20) < 60 && longest(20) >= 30);
  assert.ok(longest(39) >= 60);
  for (const step of [0, 1, 7]) assert.deepEqual(at(40 + step), batchOrder(90, 50, key)(step));
  assert.deepEqual(curriculumOrder(lengths, 50, {...key, curriculum: 40})(20), at(20));
  assert.notDeepEqual(at(0), at(1));
});

test('without a curriculum the order is the usual one', () => {
  const key = {seed: 3, purpose: 'test'};
  assert.deepEqual(curriculumOrder([5, 1, 2], 2, {...key, curriculum: 0})(4), batchOrder(3, 2, key)(4));
});
