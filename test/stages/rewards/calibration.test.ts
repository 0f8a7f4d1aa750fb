import assert from 'node:assert/strict';
import {test} from 'node:test';
import {judgePairs, judgePoints, splitByQuestion} from '../../../stages/rewards/calibration.js';
import type {Example} from '../../../stages/rewards/calibration.js';
import {squash} from '../../../stages/rewards/preference.js';

const ofLength = (length: number): number[] => Array.from({length}, () => 1);
const pair = (chosen: number, rejected: number, question = 'q'): Example => ({
  question,
  tokens: [ofLength(chosen), ofLength(rejected)],
});
const point = (length: number, safe: boolean, question = 'q'): Example => ({
  question,
  tokens: [ofLength(length)],
  label: safe ? 1 : 0,
});

test('whole questions are held out, the wanted share of them, no row is lost', () => {
  const examples = Array.from({length: 60}, (_, i) => pair(1, 2, `q${i % 20}`));
  const {learn, check} = splitByQuestion(examples, 0.15, 7);
  const questions = (side: readonly Example[]): Set<string> => new Set(side.map(({question}) => question));
  assert.equal(questions(check).size, 3); // 0.15 × 20
  assert.equal(learn.length + check.length, 60);
  for (const question of questions(check)) assert.ok(!questions(learn).has(question), question);
  assert.deepEqual(splitByQuestion(examples, 0.15, 7), {learn, check}, 'the same seed holds out the same');
  assert.notDeepEqual(questions(splitByQuestion(examples, 0.15, 8).check), questions(check));
});

test('pairs: accuracy counts ties half, length alone is the better of two rules, means are squashed apart', () => {
  // Scores: right, wrong, tie, right. The chosen one is longer, shorter, shorter, as long.
  const check = [pair(9, 5), pair(3, 4), pair(3, 8), pair(6, 6)];
  const {accuracy, lengthOnly, calibration} = judgePairs(check, [3, 1, 0, 2, 1, 1, 4, 0]);
  assert.equal(accuracy, 2.5 / 4);
  assert.equal(lengthOnly, 2.5 / 4); // “shorter”: wrong, right, right, half
  assert.deepEqual(calibration, {shift: 1.5, scale: 0.25}); // means 2 and 1
  assert.ok(Math.abs(squash(2, calibration) - 0.8808) < 1e-4, 'σ(2)');
  assert.ok(Math.abs(squash(1, calibration) - 0.1192) < 1e-4, 'σ(−2)');
});

test('points: accuracy at 0, length alone at its best threshold either way', () => {
  const check = [point(4, true), point(5, true), point(9, false), point(8, true)];
  const {accuracy, lengthOnly, calibration} = judgePoints(check, [1, -1, -3, 3]);
  assert.equal(accuracy, 3 / 4);
  assert.equal(lengthOnly, 1); // safe below 8.5
  assert.equal(calibration.shift, (1 + -3) / 2); // means of the safe 1, of the unsafe −3
  assert.equal(calibration.scale, 1);
});

test('scores that do not differ are not blown up', () => {
  const {calibration} = judgePairs([pair(1, 1)], [0.5, 0.5]);
  assert.equal(squash(0.5, calibration), 0.5);
  assert.equal(calibration.scale, 1e-3);
});
