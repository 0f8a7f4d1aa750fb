import assert from 'node:assert/strict';
import {test} from 'node:test';
import {constant, cosine} from '../../../stages/train/learning-rate.js';

const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

test('the cosine warms up, peaks, and ends at a tenth of the peak', () => {
  const rate = cosine({steps: 12, warmup: 2, peak: 1});
  near(rate(0), 0.5);
  near(rate(1), 1);
  near(rate(2), 1);
  near(rate(11), 0.1);
  near(rate(50), 0.1); // past the end it stays
  const middle = cosine({steps: 5, peak: 1, floor: 0});
  near(middle(2), 0.5); // half way of 0…4
});

test('a constant rate may warm up', () => {
  assert.deepEqual([0, 1, 2, 3, 9].map(constant({warmup: 4, peak: 8})), [2, 4, 6, 8, 8]);
  assert.equal(constant({peak: 3})(0), 3);
});
