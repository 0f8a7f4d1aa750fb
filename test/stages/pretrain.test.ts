import assert from 'node:assert/strict';
import {test} from 'node:test';
import {rateAt} from '../../stages/pretrain.js';

const rate = {steps: 100, extraSteps: 20, learningRate: 1, warmup: 10, decayFrom: 0.6};

test('the learning rate warms up, holds, and falls to a twentieth', () => {
  assert.equal(rateAt(0, 100, rate), 0.1);
  assert.equal(rateAt(30, 100, rate), 1);
  assert.ok(Math.abs(rateAt(80, 100, rate) - 0.525) < 1e-9); // half way down: 1 − 0.95 / 2
  assert.ok(rateAt(99, 100, rate) < 0.08 && rateAt(99, 100, rate) >= 0.05);
});

test('added steps hold the peak and fall again', () => {
  assert.equal(rateAt(100, 120, rate), 1);
  assert.equal(rateAt(111, 120, rate), 1);
  assert.ok(Math.abs(rateAt(116, 120, rate) - 0.525) < 1e-9);
  assert.ok(rateAt(119, 120, rate) < 0.2);
});

test('without a fall the peak holds to the end', () => {
  assert.equal(rateAt(99, 100, {...rate, decayFrom: 1}), 1);
});
