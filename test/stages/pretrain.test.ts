import assert from 'node:assert/strict';
import {test} from 'node:test';
import {afterGate, rateAt} from '../../stages/pretrain.js';

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

test('a start that is far from the gate is given up, one that is near it trains on, and the cap is the cap', () => {
  const params = {gate: 0.9, steps: 100, freshStarts: 2, freshBelow: 0.7, extraSteps: 20, maxSteps: 320};
  assert.equal(afterGate({passed: 0.9, step: 100, fresh: 0, begin: 0}, params), 'done');
  assert.equal(afterGate({passed: 0.8, step: 100, fresh: 0, begin: 0}, params), 'longer');
  assert.equal(afterGate({passed: 0.2, step: 100, fresh: 0, begin: 0}, params), 'fresh');
  assert.equal(afterGate({passed: 0.2, step: 220, fresh: 1, begin: 100}, params), 'longer', 'judged once');
  assert.equal(afterGate({passed: 0.2, step: 300, fresh: 2, begin: 200}, params), 'longer', 'no starts are left');
  assert.equal(afterGate({passed: 0.8, step: 320, fresh: 2, begin: 200}, params), 'fail');
  assert.equal(afterGate({passed: 0.2, step: 300, fresh: 1, begin: 200}, params), 'fail', 'no room for another start');
});
