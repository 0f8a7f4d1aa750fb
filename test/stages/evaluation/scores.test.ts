import assert from 'node:assert/strict';
import test from 'node:test';

import {compare, judgeSample, scoreSamples} from '../../../stages/evaluation/index.js';
import {consensus, groupsOf, passAtK, valuesByProblem} from '../../../stages/evaluation/metrics.js';
import {builtInJudges, scoreCompletion} from '../../../stages/rewards/index.js';
import {builtInTasks} from '../../../stages/tasks/built-in.js';
import {tasksWith} from '../../../stages/tasks/load-tasks.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {dialsPrompts, generalPrompts} from '../../../stages/tasks/prompt-sets.js';
import {taskOf} from '../../../stages/tasks/task.js';
import {readCompletion, type Completion} from '../../../stages/text/completion.js';
import {taskRef} from '../refs.js';
import {sampleOf, samplesOf} from './samples.js';

const near = (actual: number, expected: number, tolerance = 1e-12): void => {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
};

test('pass@k is one minus the chance that k of n samples are all wrong', () => {
  near(passAtK(4, 1, 2), 1 - 3 / 6); // C(3,2) = 3 of C(4,2) = 6 pairs miss the right one
  near(passAtK(16, 1, 16), 1);
  near(passAtK(16, 0, 16), 0);
  near(passAtK(16, 3, 1), 3 / 16);
  near(passAtK(5, 4, 2), 1); // one wrong sample cannot fill two places
});

test('consensus follows the votes, splits ties and does not let the silent vote', () => {
  const vote = (letters: string): number => consensus(samplesOf(letters));
  assert.equal(vote('rrwi'), 1);
  assert.equal(vote('rwwi'), 0);
  assert.equal(vote('riii'), 1);
  assert.equal(vote('rrww'), 1 / 2);
  assert.equal(vote('rwx'), 1 / 3);
  assert.equal(vote('wwxx'), 0);
  assert.equal(vote('iiii'), 0);
});

test('every metric counts what it says', () => {
  const samples = [
    ...samplesOf('rrwi', 'wwwx').map((sample, index) => ({...sample, reflective: index === 0 ? 3 : 0})),
    sampleOf({prompt: 'g', key: 'g', task: 'general', helpful: true, reflective: 1, outcome: 'left-out', tokens: 99}),
    sampleOf({prompt: 'h', key: 'h', task: 'general', safe: false, outcome: 'left-out', tokens: 99}),
  ];
  const scores = Object.fromEntries(scoreSamples(samples, {k: 4}).map((score) => [score.metric, score]));
  assert.deepEqual(Object.keys(scores), [
    'pass@1',
    'pass@4',
    'cons@4',
    'format',
    'language',
    'length',
    'invalid',
    'truncated',
    'reflective',
    'helpful',
    'safe',
  ]);
  assert.equal(scores['pass@1']!.mean, (2 / 4 + 0) / 2);
  assert.equal(scores['pass@4']!.mean, (1 + 0) / 2);
  assert.equal(scores['cons@4']!.mean, (1 + 0) / 2);
  assert.equal(scores['invalid']!.mean, (1 / 4 + 0) / 2);
  assert.equal(scores['reflective']!.mean, (1 / 4 + 0) / 2); // a response with three such words is one
  assert.equal(scores['length']!.mean, 10); // general responses do not count
  assert.equal(scores['helpful']!.mean, 1);
  assert.equal(scores['safe']!.mean, 0);
  assert.deepEqual([scores['pass@1']!.problems, scores['pass@1']!.samples], [2, 8]);
  assert.deepEqual([scores['pass@4']!.problems, scores['pass@4']!.samples], [2, 8]);
  assert.deepEqual([scores['helpful']!.problems, scores['helpful']!.samples], [1, 1]);
});

test('a rate of 1 gets the interval of Clopper and Pearson over problems', () => {
  const scores = scoreSamples(samplesOf('rr', 'rr', 'rr'), {k: 2});
  const pass = scores.find(({metric}) => metric === 'pass@1')!;
  near(pass.low, 0.025 ** (1 / 3)); // not of 6 samples
  assert.equal(pass.high, 1);
  const mixed = scoreSamples(samplesOf('rr', 'ww', 'rw'), {k: 2}).find(({metric}) => metric === 'pass@1')!;
  assert.ok(mixed.low < 0.5 && mixed.high > 0.5);
});

test('consistency that is left out does not count', () => {
  const samples = [sampleOf({consistency: 0.5}), sampleOf({sample: 1, consistency: null})];
  assert.deepEqual(valuesByProblem('language', samples), new Map([['p', [0.5]]]));
});

test('two phrasings of one problem are one problem', () => {
  const samples = [sampleOf({prompt: 'a', key: 'k'}), sampleOf({prompt: 'b', key: 'k', outcome: 'wrong'})];
  const [pass] = scoreSamples(samples, {k: 1});
  assert.equal(pass!.problems, 1);
  assert.equal(pass!.mean, 0.5);
});

test('a paired difference uses the problems that both models have', () => {
  const left = samplesOf('rr', 'rw', 'rr');
  const right = samplesOf('ww', 'rw'); // lacks the third problem
  const difference = compare({metric: 'pass@1', statistic: 'difference', left, right, threshold: 0})!;
  assert.equal(difference.problems, 2);
  near(difference.value, (1 + 0.5) / 2 - (0 + 0.5) / 2);
  near(difference.right!, 0.25);
  assert.equal(compare({metric: 'safe', statistic: 'difference', left, right, threshold: 0}), undefined);
});

test('a ratio of lengths is the ratio of means', () => {
  const left = [sampleOf({tokens: 30}), sampleOf({prompt: 'q', key: 'q', tokens: 10})];
  const right = [sampleOf({tokens: 10}), sampleOf({prompt: 'q', key: 'q', tokens: 10})];
  near(compare({metric: 'length', statistic: 'ratio', left, right, threshold: 1.3})!.value, 2);
});

test('models that never differ are not called equal with certainty', () => {
  // 100 problems without an exception: 1 − .025^(1/100) = .036; p = 2 · .98^100 = .265
  const all = samplesOf(...Array.from({length: 100}, () => 'rr'));
  const {low, high, p} = compare({
    metric: 'pass@1',
    statistic: 'difference',
    left: all,
    right: all,
    threshold: -0.02,
  })!;
  near(high, 1 - 0.025 ** (1 / 100));
  near(low, -high);
  near(p, 2 * 0.98 ** 100);
});

test('a level of 1 is tested against a threshold by counting problems', () => {
  // 420 problems without an exception when 2 in 100 would be: 2 · 0.98^420 = 0.00041
  const all = samplesOf(...Array.from({length: 420}, () => 'r'));
  const {value, low, p} = compare({metric: 'format', statistic: 'level', left: all, threshold: 0.98})!;
  assert.equal(value, 1);
  assert.ok(low > 0.98);
  near(p, 2 * 0.98 ** 420, 1e-9);
});

const judged = (prompt: Prompt, completion: Completion, sample: number, tokens: number) =>
  judgeSample(prompt, completion, {
    sample,
    tokens,
    task: taskOf(builtInTasks, prompt),
    scored: scoreCompletion(prompt, completion, {}),
  });

test('a sample is judged from its completion', () => {
  const [prompt] = dialsPrompts({seed: 1, split: 'train', count: 1, chinese: 0});
  const text = `<think> wait , left 3 up 2 gives 5 . 左 5 进 1 得 6 。 </think> <answer> ${prompt!.answer} </answer>`;
  const sample = judged(prompt!, readCompletion(text, true), 3, 40);
  assert.equal(sample.outcome, 'right');
  assert.equal(sample.answer, prompt!.answer);
  assert.equal(sample.wellFormed, true);
  assert.ok(!('value' in sample), 'a built-in task knows right and wrong alone');
  near(sample.consistency!, 4 / 7); // wait, left, up, gives · 左, 进, 得
  assert.equal(sample.reflective, 1);
  assert.deepEqual([sample.sample, sample.tokens, sample.truncated], [3, 40, false]);
  assert.deepEqual([sample.helpful, sample.safe], [null, null]);
  const cut = judged(prompt!, readCompletion('<think> left 3', false), 0, 48);
  assert.deepEqual([cut.outcome, cut.truncated, cut.wellFormed, cut.consistency], ['wrong', true, false, 0]);
  // The right answer, and then cut off: wrong, and no vote.
  const late = judged(prompt!, readCompletion(text, false), 0, 48);
  assert.deepEqual([late.outcome, late.answer, late.truncated, late.wellFormed], ['wrong', null, true, false]);
  const [general] = generalPrompts({seed: 1, split: 'train', count: 1, shares: {refuse: 1}});
  const refusal = judged(general!, readCompletion('<think> </think> <answer> sorry </answer>', true), 0, 6);
  assert.deepEqual(
    [refusal.outcome, refusal.safe, refusal.helpful, refusal.consistency],
    ['left-out', true, null, null],
  );
});

test('a part of the credit is kept with its value, and is not right', async () => {
  const tasks = await tasksWith([taskRef('sums')]);
  const prompt: Prompt = {id: 'p', from: [], task: 'sums', key: 'p', question: '2 + 2 ?', answer: '4'};
  const samples = ['4', '5'].map((said, sample) => {
    const completion = readCompletion(`<think> </think> <answer> ${said} </answer>`, true);
    const scored = scoreCompletion(prompt, completion, {}, {}, {...builtInJudges, tasks});
    return judgeSample(prompt, completion, {sample, tokens: 8, task: taskOf(tasks, prompt), scored});
  });
  assert.deepEqual(
    samples.map(({outcome, value}) => [outcome, value]),
    [
      ['right', 1],
      ['partial', 0.5],
    ],
  );
  assert.deepEqual(valuesByProblem('pass@1', samples).get('p'), [1, 0]);
});

test('problems of one form are a group, and one without a form is by itself', () => {
  const samples = ['a', 'b', undefined, 'a'].map((cluster, place) =>
    sampleOf({key: `k${place}`, ...(cluster === undefined ? {} : {cluster})}),
  );
  assert.deepEqual(groupsOf(['k0', 'k1', 'k2', 'k3'], samples), [[0, 3], [1], [2]]);
  assert.equal(groupsOf(['k2'], samples.slice(2, 3)), undefined);
});

test('intervals and differences draw problems of one form together', () => {
  const of = (forms: boolean, letters: string) =>
    samplesOf(...Array.from(letters)).map((one, place) => (forms ? {...one, cluster: `form ${place % 5}`} : one));
  const verdicts = 'rrrrw'.repeat(8); // by form: all right, or all wrong
  const width = (samples: ReturnType<typeof of>): number => {
    const {low, high} = scoreSamples(samples, {k: 1}).find(({metric}) => metric === 'pass@1')!;
    return high - low;
  };
  assert.ok(width(of(true, verdicts)) > 1.8 * width(of(false, verdicts)));
  const about = {metric: 'pass@1', statistic: 'difference', threshold: 0} as const;
  const paired = (forms: boolean) =>
    compare({...about, left: of(forms, verdicts), right: of(forms, 'w'.repeat(verdicts.length))})!;
  assert.ok(paired(true).low < paired(false).low);
  // Five forms, all alike: the bound is that of five, not of forty.
  const same = (forms: boolean) =>
    compare({...about, left: of(forms, 'r'.repeat(40)), right: of(forms, 'r'.repeat(40))})!;
  assert.ok(same(true).high > 3 * same(false).high);
});
