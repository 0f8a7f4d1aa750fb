import assert from 'node:assert/strict';
import test from 'node:test';

import {openScorer} from '../../../stages/rewards/index.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../stages/text/completion.js';

/** What a collapsed model repeats, or a data set holds, one of them again and again. */
const REPEATED = [
  ...[
    '$',
    ',',
    '.',
    ' ',
    '\n',
    ' \n',
    '\t',
    '{',
    '}',
    '{}',
    '\\',
    '<',
    '<|',
    '|',
    '#',
    '####',
    '####\n',
    '-',
    '- ',
    '+',
    '=',
    '^',
    '%',
    '*',
  ],
  ...[
    '\\boxed{',
    '\\boxed{}',
    '\\boxed{1}',
    '\\boxed {',
    '\\text{',
    '\\text{a}',
    '\\(',
    '\\frac{',
    '\\ ',
    '~',
    '{,}',
    '(',
    '|x',
    '!',
  ],
  ...[
    '<think>',
    '</think>',
    '<think> </think>',
    '<answer>',
    '</answer>',
    '<answer>1',
    '<answer>1</answer>',
    '<|a|>',
    '</',
    '</a',
  ],
  ...[
    '1',
    '1,',
    '1,234',
    '1 ',
    '1 234 ',
    '1.',
    '9.999',
    '1-',
    '1e',
    'e1',
    '²',
    '½',
    '٣',
    '1\u200b',
    "1'",
    '-1 ',
    '$-',
    '1/',
  ],
  ...[
    'a',
    'A ',
    "a'",
    'x = ',
    'or ',
    'so ',
    'answer ',
    'the answer is ',
    '. answer is',
    'wait',
    'wait ',
    '答案是',
    '等',
    '等等',
    '。',
    '！',
  ],
  ...[
    '\u0301\u0323',
    'e\u0301',
    '\u200b',
    '🙂',
    '\ud800',
    '_',
    '`',
    '```',
    '```\n',
    'http://',
    'http://a ',
    'km ',
    '/',
    '·',
    'left 1 up ',
  ],
];
const LENGTH = 100_000;

const prompt: Prompt = {id: 'p', from: [], task: 'integer', key: 'p', language: 'en', question: 'q', answer: '5'};

test('100,000 characters of anything are read in time that is linear in them', async () => {
  const texts = REPEATED.map((unit) => `1 ${unit.repeat(LENGTH / unit.length)}x1`);
  const items = texts.map((text) => ({prompt, completion: {...readCompletion('', true), text}}));
  // What is quadratic takes a minute. The limit is for one text in all of its wrappings, on a machine that has much else to do.
  const module = new URL('./all-readers.js', import.meta.url).href;
  const scorer = await openScorer({weights: {}, module, timeoutMs: 4_000});
  try {
    const scored = await scorer.score(items);
    const late = texts.filter((_, index) => scored[index]!.verdicts.accuracy.outcome === 'timed-out');
    assert.deepEqual(
      late.map((text) => JSON.stringify(text.slice(0, 20))),
      [],
    );
  } finally {
    await scorer.close();
  }
});
