/** The questions that went wrong, worked out by hand from samples. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {wrongAnswersText} from '../../../bin/render/wrong-answers.js';
import type {Sample} from '../../../stages/evaluation/index.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';

const prompts = ['a', 'b', 'c', 'd'].map((id, index): Prompt => ({
  id,
  from: [],
  task: 'integer',
  key: id,
  question: `How many\nis ${id}?`,
  answer: String(index),
}));

/** A letter a sample: right, wrong with that digit, `-` unreadable, `c` cut off, `g` of a prompt that is not graded. */
const samplesOf = (prompt: string, letters: string): Sample[] =>
  Array.from(
    letters,
    (letter, sample) =>
      ({
        ...{prompt, sample, key: prompt, text: `It is so: ${letter}`, truncated: letter === 'c'},
        answer: /[-cg]/.test(letter) ? null : letter === 'r' ? 'right' : letter,
        outcome: letter === 'r' ? 'right' : letter === 'g' ? 'left-out' : /[-c]/.test(letter) ? 'unparsable' : 'wrong',
      }) as Sample,
  );

const all = [
  ...samplesOf('a', 'rrrr'),
  ...samplesOf('b', 'rr77'),
  ...samplesOf('c', '8-c9'),
  ...samplesOf('d', 'gggg'),
];
const text = (most: number, width = 80): string | undefined => wrongAnswersText(prompts, all, {most, width});

test('the questions with the fewest right answers come first, each answer once with its count', () => {
  assert.equal(
    text(5),
    [
      '2 of 3 questions went wrong at least once, 1 every time',
      '',
      'c: 0 of 4 right',
      '    question  How many is c?',
      '    expected  2',
      '    answered  8',
      '    answered  nothing that can be read: “…It is so: -”',
      '    answered  nothing: cut off after “…It is so: c”',
      '    answered  … and 1 other answer',
      '',
      'b: 2 of 4 right',
      '    question  How many is b?',
      '    expected  1',
      '    answered  7  (2 times)',
    ].join('\n'),
  );
});

test('fewer are shown where fewer are asked for, and how to see the others', () => {
  const one = text(1)!;
  assert.match(one, /^c: 0 of 4/m);
  assert.doesNotMatch(one, /^b:/m);
  assert.match(one, /--wrong 2 shows more of them; --json has every response$/);
  assert.doesNotMatch(text(0)!, /^c:/m);
  for (const line of text(5, 30)!.split('\n').slice(2)) assert.ok(line.length <= 30, line);
});

test('nothing is said where nothing went wrong, and controls stay symbols', () => {
  assert.equal(wrongAnswersText(prompts, samplesOf('a', 'rr'), {most: 5, width: 80}), undefined);
  assert.equal(wrongAnswersText(prompts, [], {most: 5, width: 80}), undefined);
  const odd = samplesOf('b', '7').map((sample) => ({...sample, answer: '\x1b[2J'}));
  assert.match(wrongAnswersText(prompts, odd, {most: 5, width: 80})!, /answered {2}␛\[2J/);
});
