import assert from 'node:assert/strict';
import {test} from 'node:test';
import {batchOrder} from '../../../stages/train/batch-order.js';

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
