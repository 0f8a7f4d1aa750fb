import assert from 'node:assert/strict';
import {test} from 'node:test';
import {questionProgress} from '../../../bin/render/question-progress.js';

test('the rest takes as long as the pace so far says', () => {
  let now = 0;
  const show = questionProgress(() => now);
  assert.equal(show(0, 4), '0 of 4 questions');
  now = 20_000;
  assert.equal(show(1, 4), '1 of 4 questions  1 min 00 s left');
  assert.equal(show(4, 4), '4 of 4 questions');
});
