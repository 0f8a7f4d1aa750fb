import assert from 'node:assert/strict';
import test from 'node:test';

import {rewards, scoreCompletion} from '../../../stages/rewards/index.js';
import {normalText} from '../../../stages/tasks/answers/exact.js';
import {dialsProblem, dialsPrompt} from '../../../stages/tasks/dials.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import type {RewardContext} from '../../../stages/rewards/reward.js';
import {builtInTasks} from '../../../stages/tasks/built-in.js';
import {taskOf} from '../../../stages/tasks/task.js';
import {readCompletion, type Completion} from '../../../stages/text/completion.js';
import {workedSolution} from '../tasks/solution.js';

const problem = dialsProblem(
  [3, 5],
  [
    {dial: 0, by: 2},
    {dial: 1, by: -1},
  ],
  'en',
); // 5 4
const prompt = dialsPrompt(problem);
const asked = (task: Prompt['task'], answer?: string): Prompt => ({
  id: 'p',
  from: [],
  task,
  key: 'p',
  question: 'q',
  ...(answer === undefined ? {} : {answer}),
});
/** The built-in reward of a name, on a prompt of a built-in task. */
const judgedBy =
  (name: keyof typeof rewards) =>
  (on: Prompt, completion: Completion, size: Omit<RewardContext, 'task'> = {}) =>
    rewards[name](on, completion, {...size, task: taskOf(builtInTasks, on)});
const judge = {
  accuracy: judgedBy('accuracy'),
  format: judgedBy('format'),
  language: judgedBy('language'),
  repetition: judgedBy('repetition'),
  length: judgedBy('length'),
};
const read = (text: string, finished = true) => readCompletion(text, finished);
const full = read(`<think> ${workedSolution(problem)} </think> <answer> 5 4 </answer>`);

test('right, wrong and unparsable answers are told apart', () => {
  const outcome = (text: string) => judge.accuracy(prompt, read(text));
  assert.deepEqual(outcome('<answer> 5 4 </answer>'), {outcome: 'right', value: 1});
  assert.deepEqual(outcome('<answer> 4 5 </answer>'), {outcome: 'wrong', value: 0});
  for (const text of [
    '5 4',
    '<answer> 5 </answer>',
    '<answer> left 5 4 </answer>',
    '<answer> 5 4',
    '<answer> 5 4 4 </answer>',
  ]) {
    assert.deepEqual(outcome(text), {outcome: 'unparsable', value: 0}, text);
  }
  assert.equal(judge.accuracy(asked('general'), full).outcome, 'left-out');
});

test('what is cut off is wrong and does not vote, whatever it says', () => {
  for (const text of [
    '<think> a </think> <answer> 5 4 </answer>',
    '<answer> 5 4 </answer> <answer>',
    '<think> left 3',
  ]) {
    const {verdicts, answer} = scoreCompletion(prompt, read(text, false), {accuracy: 1});
    assert.deepEqual([verdicts.accuracy, answer], [{outcome: 'wrong', value: 0}, null], text);
  }
});

test('an integer may stand in answer tags or in a box behind the thinking', () => {
  const accuracy = (text: string) => judge.accuracy(asked('integer', '12'), read(text)).outcome;
  assert.equal(accuracy('<think> 99 </think> <answer> It is 12 . </answer>'), 'right');
  assert.equal(accuracy('<think> \\boxed{99} </think> So \\boxed{12}.'), 'right');
  assert.equal(accuracy('<think> x </think> <answer> \\boxed{12} of 40 </answer>'), 'right');
  assert.equal(accuracy('So it is 12.'), 'unparsable'); // a bare number in running text may be any number
  assert.equal(accuracy('<answer> 13 </answer>'), 'wrong');
});

test('exact answers are compared without case, width, spacing and the final point', () => {
  assert.equal(normalText('  Ｘ = 3 .'), normalText('x = 3'));
  assert.equal(normalText('$x=3$'), normalText('x=3'));
  assert.notEqual(normalText('x=3'), normalText('x = 3'));
  assert.equal(judge.accuracy(asked('exact', 'Paris'), read('<answer> paris. </answer>')).outcome, 'right');
});

test('a format with empty thinking is enough for a greeting and not for a problem', () => {
  const empty = read('<think> </think> <answer> 5 4 </answer>');
  assert.equal(judge.format(prompt, full).value, 1);
  assert.equal(judge.format(prompt, empty).value, 0);
  assert.equal(judge.format(asked('general'), empty).value, 1);
  assert.equal(judge.format(prompt, {...full, tagged: false}).value, 0);
});

test('of a response that was made to begin with a text, format pays for the pairs of tags that the model closed', () => {
  const text = '<think> 3 + 4 = 7 </think> <answer> 7 </answer>';
  const paid = (prefill: string, whole = text): number =>
    judge.format(prompt, readCompletion(whole, true, prefill)).value;
  assert.equal(paid(''), 1);
  assert.equal(paid('<think>'), 1); // The model thought, closed and answered.
  assert.equal(paid('<think> 3 + 4 ='), 1);
  assert.equal(paid('<think> 3 + 4 = 7 </thi'), 1); // The model wrote the end of the tag.
  assert.equal(paid('<think> 3 + 4 = 7 </think>'), 0.5);
  assert.equal(paid('\n<think> 3 + 4 = 7 </think> <answer>'), 0.5);
  assert.equal(paid(text), 0);
  // What the model wrote has to complete the format.
  assert.equal(paid('<think>', '<think> 3 + 4 = 7 </think> 7'), 0);
  assert.equal(paid('<think>', '<think> <answer> 7 </answer>'), 0);
  assert.equal(paid('So: ', `So: ${text}`), 0);
});

test('language is the share of words, 0 for a problem without words and left out for a greeting without', () => {
  const mixed = read('<think> left 3 up 2 gives 5 . 右 5 退 1 得 4 。 </think> <answer> 5 4 </answer>');
  assert.deepEqual(judge.language(prompt, mixed), {outcome: 'wrong', value: 0.5}); // 3 English, 3 Chinese words
  assert.deepEqual(judge.language(prompt, full), {outcome: 'right', value: 1});
  const empty = read('<think> </think> <answer> 5 4 </answer>');
  assert.deepEqual(judge.language(prompt, empty), {outcome: 'wrong', value: 0, wordless: true});
  const digits = read('<think> 3 + 2 = 5 </think> <answer> 5 4 </answer>');
  assert.deepEqual(judge.language(prompt, digits, {noWords: 1}), {outcome: 'right', value: 1, wordless: true});
  assert.deepEqual(judge.language(prompt, mixed, {noWords: 1}), {outcome: 'wrong', value: 0.5});
  assert.deepEqual(judge.language({...asked('general'), language: 'en'}, empty), {outcome: 'left-out', value: 1});
  assert.equal(judge.language(asked('exact', 'x'), full).outcome, 'left-out'); // language not known
});

test('repetition is the share of distinct lines', () => {
  const line = 'left 3 up 2 gives 5 .';
  assert.equal(judge.repetition(prompt, read(`<think> ${line} ${line} ${line} x . </think>`)).value, 2 / 4);
  assert.equal(judge.repetition(prompt, read('<think> It is 3.5 and 3.5 </think>')).value, 1); // a decimal point ends no line
  assert.equal(judge.repetition(prompt, full).value, 1);
});

test('length falls over the last fifth of the room and is left out without a limit', () => {
  const length = (tokens: number) => judge.length(prompt, full, {tokens, maxTokens: 100}).value;
  assert.deepEqual([length(50), length(80), length(90), length(100)], [1, 1, 0.5, 0]);
  assert.equal(judge.length(prompt, full, {tokens: 50}).outcome, 'left-out');
});

test('the total is the weighted sum', () => {
  const mixed = read('<think> left 3 up 2 gives 5 . 右 5 退 1 得 4 。 </think> <answer> 5 4 </answer>');
  const {total, verdicts} = scoreCompletion(prompt, mixed, {accuracy: 1, format: 0.5, language: 2});
  assert.equal(total, 1 + 0.5 + 2 * 0.5);
  assert.equal(verdicts.language.value, 0.5);
});

test('a prompt whose reference answer cannot be read is a bug of ours', () => {
  assert.throws(() => judge.accuracy(asked('integer', 'many'), full), /Internal error: prompt p has no answer/);
});
