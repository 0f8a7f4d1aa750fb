/** Thinking that is forced on a model: what of a response is cut, and whose thinking goes to whom. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {
  donorsFor,
  fillerFor,
  forced,
  forcedThinking,
  linesOfShare,
  thinkingOf,
  type StoredResponse,
} from '../../../stages/evaluation/forced-thinking.js';
import {builtInTasks} from '../../../stages/tasks/built-in.js';
import {sampleOf} from './samples.js';

const dials = builtInTasks.get('dials')!;
const integer = builtInTasks.get('integer')!;
const TURNS = '<think> left 3 up 2 gives 5 . 右 5 退 1 得 4 。 left 5 up 1 gives 6 . </think> <answer> 6 4 </answer>';
const PROSE = '<think>\n3 + 4 is 7.\nNo, wait.\n\nYes.\n</think>\n\n<answer>7</answer>';

test('a line of the dials ends with its full stop in either language, any other at a line break', () => {
  const lines = (text: string, task = dials): readonly string[] | undefined => thinkingOf(text, task)?.lines;
  assert.deepEqual(lines(TURNS), ['left 3 up 2 gives 5 . ', '右 5 退 1 得 4 。 ', 'left 5 up 1 gives 6 .']);
  assert.deepEqual(lines('<think> left 3 . up </think> <answer> 1'), ['left 3 . ', 'up']);
  assert.deepEqual(lines(PROSE, integer), ['3 + 4 is 7.\n', 'No, wait.\n\n', 'Yes.']);
});

test('with all of its lines a response begins as it did, as far as the tag of its answer', () => {
  for (const [text, task] of [
    [TURNS, dials],
    [PROSE, integer],
  ] as const) {
    const thinking = thinkingOf(text, task)!;
    assert.equal(forced(thinking, thinking.lines), text.slice(0, text.indexOf('<answer>') + '<answer>'.length));
  }
});

test('cut thinking is closed as the whole was, also where nothing of it is left', () => {
  const turns = thinkingOf(TURNS, dials)!;
  assert.equal(forced(turns, turns.lines.slice(0, 1)), '<think> left 3 up 2 gives 5 . </think> <answer>');
  assert.equal(forced(turns, []), '<think> </think> <answer>');
  const prose = thinkingOf(PROSE, integer)!;
  assert.equal(forced(prose, prose.lines.slice(0, 2)), '<think>\n3 + 4 is 7.\nNo, wait.\n</think>\n\n<answer>');
  assert.equal(forced(prose, []), '<think>\n</think>\n\n<answer>');
});

test('what is not in the format cannot be cut', () => {
  for (const text of [
    '<answer> 6 4 </answer>',
    '<think> </think> <answer> 6 4 </answer>',
    '<think> left 3 up 2 gives 5 . </think> 6 4',
    'left 3 up 2 gives 5 . </think> <answer> 6 4 </answer>',
    '<think> left 3 up 2 gives 5 .',
  ])
    assert.equal(thinkingOf(text, dials), undefined, text);
});

test('shares are of lines, to the nearest; a half counts up', () => {
  assert.deepEqual(
    [3, 4, 5].map((lines) => [0, 0.25, 0.5, 0.75, 1].map((share) => linesOfShare(share, lines))),
    [
      [0, 1, 2, 2, 3],
      [0, 1, 2, 3, 4],
      [0, 1, 3, 4, 5],
    ],
  );
});

test('filler has as many lines of as many words, and nothing of what they said', () => {
  assert.deepEqual(fillerFor(['left 3 up 2 gives 5 . ', 'a\n\n'], '.'), ['. . . . . . . ', '.\n\n']);
  assert.deepEqual(fillerFor(['a $& b'], '$&'), ['$& $& $&']);
});

const response = (key: string, sample: number, steps: number, language: 'en' | 'zh' = 'en'): StoredResponse => ({
  sample: sampleOf({prompt: `${key}:${language}`, key, sample, steps, language}),
  thinking: thinkingOf(`<think> left ${sample} up 1 gives ${key} . </think> <answer>`, dials)!,
});
const many = Array.from({length: 8}, (_, place) => [
  response(`k${place}`, 0, 3),
  response(`k${place}`, 1, 3),
  response(`z${place}`, 0, 3, 'zh'),
  response(`f${place}`, 0, 5),
]).flat();

test('thinking goes to another problem of the same level and language, each problem’s to one other', () => {
  const donors = donorsFor(many, 1);
  assert.equal(donors.size, many.length);
  const givers = new Map<string, string>();
  for (const [{sample}, {sample: donor}] of donors) {
    assert.notEqual(sample.key, donor.key);
    assert.deepEqual([sample.steps, sample.language], [donor.steps, donor.language]);
    assert.equal(givers.get(sample.key) ?? donor.key, donor.key);
    givers.set(sample.key, donor.key);
  }
  assert.equal(new Set(givers.values()).size, givers.size, 'nobody gives twice');
});

test('whose thinking goes to whom is a matter of the seed', () => {
  const keys = (seed: number): string[] => [...donorsFor(many, seed)].map(([, {sample}]) => sample.key);
  assert.deepEqual(keys(1), keys(1));
  assert.notDeepEqual(keys(1), keys(2));
});

test('a problem without a like has no donor', () => {
  const donors = donorsFor([response('a', 0, 3), response('a', 1, 3), response('b', 0, 4)], 0);
  assert.equal(donors.size, 0);
});

test('each condition says what it forces', () => {
  const own = {sample: sampleOf(), thinking: thinkingOf(TURNS, dials)!};
  const forms = forcedThinking(own, response('9', 4, 3), {shares: [0, 0.5, 1], filler: '.'});
  assert.deepEqual(
    forms.map(({condition, share, lines, prefill}) => [condition, share, lines, prefill]),
    [
      ['own', 0, 0, '<think> </think> <answer>'],
      ['own', 0.5, 2, '<think> left 3 up 2 gives 5 . 右 5 退 1 得 4 。 </think> <answer>'],
      ['own', 1, 3, TURNS.slice(0, TURNS.indexOf(' 6 4'))],
      ['other', 1, 1, '<think> left 4 up 1 gives 9 . </think> <answer>'],
      ['filler', 1, 3, '<think> . . . . . . . . . . . . . . . . . . . . . </think> <answer>'],
    ],
  );
});
