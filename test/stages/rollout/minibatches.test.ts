import assert from 'node:assert/strict';
import {test} from 'node:test';
import {dealGroups, dealMinibatches, groupRows, summarise} from '../../../stages/rollout/minibatches.js';
import type {AdvantageOptions, SampledGroup, ScoredRollout, Trace} from '../../../stages/rollout/minibatches.js';
import {readCompletion} from '../../../stages/text/completion.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';

const prompt: Prompt = {id: 'p', from: [], task: 'exact', key: 'p', question: 'q', answer: 'a'};
const scored = (reward: number, tokens: readonly number[], finished = true): ScoredRollout => ({
  rollout: {prompt, sample: 0, promptTokens: [1, 2], tokens, finished, completion: readCompletion('x', finished)},
  reward,
  verdicts: {},
});
const options: AdvantageOptions = {
  divideByStd: false,
  stdFloor: 0,
  shuffleRewards: false,
  maskTruncated: false,
  overlongMargin: 0,
  maxNewTokens: 4,
};
const key = {seed: 0, step: 0, group: 0};

test('only the sampled tokens count in the loss', () => {
  const {rows} = groupRows([scored(1, [5, 6, 0]), scored(0, [7])], options, key);
  assert.deepEqual(
    rows.map(({tokens}) => tokens),
    [
      [1, 2, 5, 6, 0],
      [1, 2, 7],
    ],
  );
  assert.deepEqual(
    rows.map(({mask}) => mask),
    [
      [0, 0, 1, 1, 1],
      [0, 0, 1],
    ],
  );
  assert.deepEqual(
    rows.map(({advantage}) => advantage),
    [0.5, -0.5],
  );
});

test('the history has the share of thinking without a word, of completions whose language was judged', () => {
  const trace = (wordless: boolean | null): Trace => ({...({id: 'p#0', reward: 0} as Trace), wordless});
  assert.equal(summarise([trace(true), trace(false), trace(null), trace(true)])['wordless'], 2 / 3);
  assert.equal(summarise([trace(null)])['wordless'], null);
});

test('a completion that was cut off can be left out of the loss', () => {
  const {rows} = groupRows([scored(0, [5, 6, 7, 8], false), scored(1, [9])], {...options, maskTruncated: true}, key);
  assert.deepEqual(
    rows.map(({mask}) => mask),
    [
      [0, 0, 0, 0, 0, 0],
      [0, 0, 1],
    ],
  );
});

test('shuffled rewards keep the group’s rewards and lose whose they were', () => {
  const group = Array.from({length: 16}, (_, i) => scored(i, [5]));
  const {rows, groupSpread} = groupRows(group, {...options, shuffleRewards: true}, key);
  const advantages = rows.map(({advantage}) => advantage);
  assert.deepEqual(
    [...advantages].sort((a, b) => a - b),
    group.map(({reward}) => reward - 7.5),
  );
  assert.notDeepEqual(
    advantages,
    group.map(({reward}) => reward - 7.5),
  );
  assert.ok(groupSpread > 4);
});

test('a row has log π_old only where it was computed; the sampler’s is never taken for it', () => {
  const rows = groupRows([scored(1, [5, 6]), scored(0, [7])], options, key).rows.map((row) => ({
    ...row,
    samplerLogProbs: row.tokens.map(() => -2),
  }));
  const group: SampledGroup = {members: [], rows, traces: []};
  const deal = (old?: (Float32Array | undefined)[], importance?: {cap: number; ratio: 'token'}) =>
    dealMinibatches([group], {old}, 1, {seed: 0, step: 0}, importance)[0]!.rows;
  // One minibatch: the update finds it itself, and what the sampler made of the tokens is held beside it.
  assert.deepEqual(
    deal().map(({oldLogProbs, samplerLogProbs}) => [oldLogProbs, samplerLogProbs]),
    rows.map(({samplerLogProbs}) => [undefined, samplerLogProbs]),
  );
  const old = [Float32Array.of(0, 0, -1, -1), undefined];
  assert.deepEqual(
    deal(old).map(({oldLogProbs, samplerLogProbs, importance}) => [oldLogProbs, samplerLogProbs, importance]),
    [
      [[0, 0, -1, -1], undefined, undefined],
      [undefined, undefined, undefined],
    ],
  );
  // e^(−1 + 2) is above the cap.
  assert.deepEqual(
    deal(old, {cap: 2, ratio: 'token'}).map(({importance}) => importance),
    [[1, 1, 2, 2], undefined],
  );
});

test('groups are dealt whole, each once', () => {
  const hands = dealGroups(['a', 'b', 'c', 'd', 'e', 'f'], 3, {seed: 1, step: 2});
  assert.deepEqual(
    hands.map((hand) => hand.length),
    [2, 2, 2],
  );
  assert.deepEqual(hands.flat().sort(), ['a', 'b', 'c', 'd', 'e', 'f']);
});

test('what does not apply is left out of a mean, not counted as zero', () => {
  const trace = (language: number | null, finished: boolean): Trace => ({
    id: '',
    reward: 1,
    accuracy: 1,
    format: 1,
    language,
    helpful: null,
    safe: null,
    tokens: 4,
    finished,
    unparsable: false,
    reflective: 0,
    groupSpread: 0,
  });
  const summary = summarise([trace(1, true), trace(null, true), trace(0.5, false), trace(null, false)]);
  assert.equal(summary['language'], 0.75);
  assert.equal(summary['helpful'], null);
  assert.equal(summary['truncated'], 0.5);
  assert.equal(summary['groupsWithoutSpread'], 1);
});

test('the standard error of a mean is over questions, not over completions', () => {
  const trace = (question: string, sample: number, tokens: number, thinking: number): Trace => ({
    ...{id: `${question}#${sample}`, reward: 1, accuracy: null, format: 1, language: null, helpful: null, safe: null},
    ...{tokens, thinking, finished: true, unparsable: false, reflective: 0, groupSpread: 0},
  });
  // Means of the questions: 4, 6, 11; their mean 7, variance (9 + 1 + 16) / 2 = 13.
  const traces = [
    trace('a#1', 0, 2, 1),
    trace('a#1', 1, 6, 1),
    trace('b', 0, 6, 6),
    trace('c', 0, 10, 2),
    trace('c', 1, 12, 2),
  ];
  const summary = summarise(traces);
  assert.ok(Math.abs(summary['error/length']! - Math.sqrt(13 / 3)) < 1e-12);
  assert.equal(summary['length'], 36 / 5);
  assert.equal(summary['length/thinking'], 12 / 5);
  assert.equal(summary['length/answer'], 24 / 5);
  assert.equal(summary['error/accuracy'], null, 'nothing was judged');
  assert.equal(summarise(traces.slice(0, 2))['error/length'], null, 'of one question nothing is known');
});
