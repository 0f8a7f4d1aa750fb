import assert from 'node:assert/strict';
import test from 'node:test';

import {weightMistakes} from '../../../stages/rewards/weights.js';

const none = {own: [], models: []};

test('weights of rewards that there are raise no complaint', () => {
  assert.deepEqual(weightMistakes({}, none), []);
  assert.deepEqual(weightMistakes({accuracy: 1, format: 0.5, language: 0, repetition: 1, length: -1}, none), []);
  assert.deepEqual(weightMistakes({brevity: 0.2, safe: 1}, {own: ['brevity'], models: ['safe']}), []);
});

test('a weight without a reward, and a reward without a weight, are named with what to write', () => {
  const [unknown] = weightMistakes({brevty: 1}, none);
  assert.match(unknown!, /rewards\.brevty .*neither built in \(accuracy, .*\) nor wired: \{rewards: \[brevty\]\}/);
  const [noModel] = weightMistakes({safe: 1}, none);
  assert.match(noModel!, /rewards\.safe is the weight of a reward model that is not wired: \{safety: …model\}/);
  const [unused] = weightMistakes({accuracy: 1}, {own: ['brevity'], models: []});
  assert.match(unused!, /“brevity” is wired but has no weight: \{rewards: \{…, brevity: 1\}\}/);
  const [idle] = weightMistakes({accuracy: 1}, {own: [], models: ['helpful']});
  assert.match(idle!, /reward model of “helpful” is wired but has no weight/);
});

test('a name that is taken and a weight that is no number are refused', () => {
  assert.match(weightMistakes({format: 1}, {own: ['format'], models: []})[0]!, /called “format”, as a built-in one is/);
  assert.match(weightMistakes({format: '1' as never}, none)[0]!, /rewards\.format is "1", not a number/);
});
