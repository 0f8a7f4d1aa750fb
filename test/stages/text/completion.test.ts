import assert from 'node:assert/strict';
import test from 'node:test';

import {finalAnswer, readCompletion} from '../../../stages/text/completion.js';
import {countWords, languageConsistency} from '../../../stages/tasks/language.js';
import {reflectiveWords} from '../../../stages/text/language.js';

test('a completion in the format is taken apart', () => {
  const completion = readCompletion('<think> left 3 up 2 gives 5 . </think> <answer> 5 4 </answer>', true);
  assert.equal(completion.thinking, 'left 3 up 2 gives 5 .');
  assert.equal(completion.answer, '5 4');
  assert.equal(completion.tagged, true);
});

test('empty thinking is present and empty', () => {
  const completion = readCompletion('<think> </think> <answer> hello </answer>', true);
  assert.equal(completion.thinking, '');
  assert.equal(completion.tagged, true);
});

const untagged: Record<string, [text: string, finished?: boolean]> = {
  'cut off by the limit': ['<think> a </think> <answer> 5 4 </answer>', false],
  'without thinking': ['<answer> 5 4 </answer>'],
  'with text before': ['so <think> a </think> <answer> 5 4 </answer>'],
  'with text after': ['<think> a </think> <answer> 5 4 </answer> .'],
  'with text between': ['<think> a </think> so <answer> 5 4 </answer>'],
  'with a tag twice': ['<think> a <think> b </think> <answer> 5 4 </answer>'],
  'with two answers': ['<think> a </think> <answer> 5 4 </answer> <answer> 5 4 </answer>'],
  'with an answer inside the thinking': ['<think> <answer> 5 4 </answer> </think> <answer> 5 4 </answer>'],
  'with an empty answer': ['<think> a </think> <answer> </answer>'],
  'with tags in the wrong order': ['<answer> 5 4 </answer> <think> a </think>'],
  'without tags': ['5 4'],
};
for (const [how, [text, finished = true]] of Object.entries(untagged)) {
  test(`a completion ${how} is not in the format`, () => {
    assert.equal(readCompletion(text, finished).tagged, false);
  });
}

test('the last answer counts, all are kept, and an unclosed part is absent', () => {
  const two = readCompletion('<answer> 1 1 </answer> <answer> 2 2 </answer>', true);
  assert.equal(two.answer, '2 2');
  assert.deepEqual(two.answers, ['1 1', '2 2']);
  const open = readCompletion('<think> left 3', false);
  assert.equal(open.thinking, undefined);
  assert.equal(open.answer, undefined);
  assert.equal(open.reply, '');
});

test('thinking and reply are told apart, however the tags come', () => {
  const parts = (text: string) => {
    const {thinking, reply, answers} = readCompletion(text, true);
    return [thinking, reply, answers];
  };
  // A template wrote <think> itself.
  assert.deepEqual(parts('a </think> <answer> 5 </answer>'), ['a', '<answer> 5 </answer>', ['5']]);
  assert.deepEqual(parts('a <answer> 4 </answer> </think> b'), ['a <answer> 4 </answer>', 'b', []]);
  // An answer within the thinking is a part of it.
  assert.deepEqual(parts('<think> <answer> 4 </answer> </think> b'), ['<answer> 4 </answer>', 'b', []]);
  assert.deepEqual(parts('<think> a <answer> 4 </answer>'), [undefined, '', []]);
  // Tags do not nest; several parts of thinking are one.
  assert.deepEqual(parts('<think> a <think> b </think> c'), ['a <think> b', 'c', []]);
  assert.deepEqual(parts('<think> a </think> b <think> c </think> d'), ['a\nc', 'b   d', []]);
  assert.deepEqual(parts('<think> a </think> b <think> c'), ['a', 'b', []]);
  assert.deepEqual(parts('<answer> 4 <think> a </think> 5 </answer>'), ['a', '<answer> 4   5 </answer>', []]);
});

test('the final answer is what follows the thinking where answer tags are missing', () => {
  assert.equal(finalAnswer(readCompletion('<think> a </think> hello !', true)), 'hello !');
  assert.equal(finalAnswer(readCompletion('hello !', true)), 'hello !');
  assert.equal(finalAnswer(readCompletion('<think> a </think> <answer> b </answer>', true)), 'b');
});

test('words are counted by script; digits, tags, names and lone letters are neutral', () => {
  // English: left, up, gives · Chinese: 等等, 左, 进, 得
  assert.deepEqual(countWords('<think> left 3 up 2 gives 5 . 等等 ， 左 3 进 2 得 5 。 tom x </think>'), {
    en: 3,
    zh: 4,
  });
  assert.deepEqual(countWords('左3进2得5。'), {en: 0, zh: 3});
  assert.deepEqual(countWords("i don't know"), {en: 3, zh: 0});
});

test('consistency is the share of the language asked for, and undefined without words', () => {
  assert.equal(languageConsistency('left 3 up 2 gives 5 . 左 3', 'en'), 3 / 4);
  assert.equal(languageConsistency('left 3 up 2 gives 5 . 左 3', 'zh'), 1 / 4);
  assert.equal(languageConsistency('3 + 2 = 5', 'en'), undefined);
});

test('reflective words are whole words in English and substrings in Chinese', () => {
  assert.equal(reflectiveWords('Wait , left ... 等等 ， but buttons'), 3);
});
