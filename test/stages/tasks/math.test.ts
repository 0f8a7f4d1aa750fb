import assert from 'node:assert/strict';
import test from 'node:test';

import {math} from '../../../stages/tasks/answers/math.js';
import {readCompletion} from '../../../stages/text/completion.js';

const read = (text: string) => math.read(readCompletion(text, true));

test('a formula is read whole, out of its tags, box and delimiters', () => {
  assert.equal(read('<think> x </think> <answer> $\\dfrac{1}{2}$. </answer>'), '\\frac{1}{2}');
  assert.equal(read('<think> \\boxed{3} </think> So \\boxed{x^2 + 1}.'), 'x^2 + 1');
  assert.equal(read('<answer> The answer is \\(\\sqrt{2}\\). </answer>'), '\\sqrt{2}');
  assert.equal(read('So it is 12.'), undefined);
  assert.equal(read(`<answer> ${'9'.repeat(20_000)} </answer>`), undefined);
});

test('several boxes are handed on with what stands between them', () => {
  assert.equal(read('<answer> It is \\boxed{-2} and \\boxed{1}. </answer>'), '\\boxed{-2} and \\boxed{1}');
  assert.equal(read('<answer> \\boxed{7} = \\boxed{ 7 } </answer>'), '7');
});

test('a reference may be boxed or worked', () => {
  assert.equal(math.reference('We find $x=3$, so \\boxed{\\tfrac{3}{4}}.'), '\\frac{3}{4}');
  assert.equal(math.reference('1 + 2 = 3\n#### $x^2$'), 'x^2');
  assert.equal(math.reference('$(0,1)$'), '(0,1)');
});
