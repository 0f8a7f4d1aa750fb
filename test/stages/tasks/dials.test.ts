import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import {dialsProblem, dialsQuestion, drawDials, type Move} from '../../../stages/tasks/dials.js';
import {mend, parseReasoning, readability} from '../../../stages/tasks/dials-grammar.js';
import {isSoundStep, workedSolution} from './solution.js';

const digit = fc.integer({min: 0, max: 9});
const move: fc.Arbitrary<Move> = fc.record({
  dial: fc.constantFrom(0 as const, 1 as const),
  by: fc.constantFrom(-3, -2, -1, 1, 2, 3),
});
const problem = fc
  .tuple(digit, digit, fc.array(move, {minLength: 1, maxLength: 6}), fc.constantFrom('en' as const, 'zh' as const))
  .map(([left, right, moves, language]) => dialsProblem([left, right], moves, language));

test('a problem reads alike in both languages and wraps around zero', () => {
  // left 9 + 2 = 11 → 1; right 0 − 1 → 9
  const moves = [
    {dial: 0, by: 2},
    {dial: 1, by: -1},
  ] as const;
  const english = dialsProblem([9, 0], moves, 'en');
  const chinese = dialsProblem([9, 0], moves, 'zh');
  assert.deepEqual(english.answer, [1, 9]);
  assert.equal(english.key, 'dials:90:L+2R-1');
  assert.equal(chinese.key, english.key);
  assert.equal(dialsQuestion(english), 'left 9 , right 0 . left up 2 . right down 1 . now ?');
  assert.equal(dialsQuestion(chinese), '左 9 ， 右 0 。 左 进 2 。 右 退 1 。 现在 ？');
  assert.equal(workedSolution(english), 'left 9 up 2 gives 1 . right 0 down 1 gives 9 .');
  assert.equal(workedSolution(english, 'zh'), '左 9 进 2 得 1 。 右 0 退 1 得 9 。');
});

test('a worked solution parses back into sound steps that end at the answer', () => {
  fc.assert(
    fc.property(problem, fc.constantFrom('en' as const, 'zh' as const), (given, language) => {
      const reasoning = parseReasoning(workedSolution(given, language));
      assert.ok(reasoning.ok);
      assert.equal(reasoning.value.length, given.moves.length);
      assert.ok(reasoning.value.every(isSoundStep));
      const dials: [number, number] = [...given.start];
      for (const step of reasoning.value) {
        assert.equal(dials[step.dial], step.from);
        dials[step.dial] = step.to;
      }
      assert.deepEqual(dials, given.answer);
    }),
  );
});

test('mending carries every number over and changes the language only', () => {
  const mixed = 'left 3 进 2 gives 7 . wait ， 左 3 up 2 得 5 。';
  assert.deepEqual(mend(mixed, 'en'), {
    ok: true,
    value: 'left 3 up 2 gives 7 . wait , left 3 up 2 gives 5 .', // 7 is wrong and stays
    changed: true,
  });
  fc.assert(
    fc.property(problem, (given) => {
      const mended = mend(workedSolution(given, 'zh'), 'en');
      assert.deepEqual(mended, {ok: true, value: workedSolution(given, 'en'), changed: true});
    }),
  );
});

test('mending leaves the tags and the answer of a whole completion alone', () => {
  const completion = '<think> 左 3 进 2 得 5 。 </think> <answer> 9 9 </answer>';
  assert.deepEqual(mend(completion, 'en'), {
    ok: true,
    value: '<think> left 3 up 2 gives 5 . </think> <answer> 9 9 </answer>',
    changed: true,
  });
  assert.deepEqual(mend(completion, 'zh'), {ok: true, value: completion, changed: false});
});

test('mending refuses what the grammar cannot read and says where', () => {
  assert.deepEqual(mend('left 3 up 2 gives 5 . left up gives 5 .', 'zh'), {
    ok: false,
    error: {line: 2, found: 'left up gives 5'},
  });
  assert.deepEqual(mend('left 3 up 2 gives 5', 'zh'), {ok: false, error: {line: 1, found: 'left 3 up 2 gives 5'}});
});

test('each reason against reading a text is told apart', () => {
  const line = 'left 3 up 2 gives 5 .';
  const limits = {maxWords: 14};
  assert.equal(readability(`${line} left 5 up 2 gives 7 .`, limits), 'readable');
  assert.equal(readability('', limits), 'empty');
  assert.equal(readability('left left', limits), 'does-not-parse');
  assert.equal(readability(`${line} 左 3 进 2 得 5 。`, limits), 'repeats-a-line');
  assert.equal(readability(`${line} left 5 up 2 gives 7 . left 7 up 2 gives 9 .`, limits), 'too-long');
});

test('a drawn problem depends on its own index and keeps to its side and its numbers of steps', () => {
  const of = {seed: 7, purpose: 'test', split: 'train', steps: [2, 4], chinese: 0.5} as const;
  const drawn = Array.from({length: 200}, (_, index) => drawDials({...of, index}));
  assert.deepEqual(drawDials({...of, index: 120}), drawn[120]);
  assert.deepEqual(new Set(drawn.map(({moves}) => moves.length)), new Set([2, 4]));
  const chinese = drawn.filter(({language}) => language === 'zh').length;
  assert.ok(chinese > 70 && chinese < 130, `${chinese} of 200 are Chinese`); // 100 ± 4.2 standard deviations
});
