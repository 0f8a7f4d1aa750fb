/** Votes of cons@k, by classes of answers that a grader takes for equal. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {Sample} from '../../../stages/evaluation/index.js';
import {ballotsOf, canVote, consensusOf, withEquality, type AreEqual} from '../../../stages/suites/consensus.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';

const prompt = (id: string, task = 'integer'): Prompt => ({id, from: [], key: id, task, question: '?', answer: '1'});

/** Samples of these answers; the right one is '1', null has no vote, and `…` marks one that was cut off. */
const samples = (answers: readonly (string | null)[]): Sample[] =>
  answers.map((answer, sample) => ({
    ...{
      prompt: 'p',
      key: 'p',
      task: 'integer',
      language: null,
      steps: null,
      sample,
      wellFormed: true,
      consistency: null,
    },
    ...{tokens: 1, helpful: null, safe: null, reflective: 0, text: ''},
    answer: answer?.replace('…', '') ?? null,
    truncated: answer?.endsWith('…') ?? false,
    outcome: answer === null ? 'unparsable' : answer.startsWith('1') ? 'right' : 'wrong',
  }));

const same: AreEqual = (pairs) => Promise.resolve(pairs.map(({given, reference}) => given === reference));

const cons = async (answers: readonly (string | null)[], k: number, equal = same): Promise<number> => {
  const [ballot] = await ballotsOf([prompt('p')], [samples(answers)], equal);
  return consensusOf(ballot!, k, 3, 0);
};

test('the most frequent answer counts, ties are split, and nobody voting is wrong', async () => {
  assert.equal(await cons(['1', '2', '1'], 3), 1);
  assert.equal(await cons(['1', '2', '2'], 3), 0);
  assert.equal(await cons(['1', '2', '3'], 3), 1 / 3);
  assert.equal(await cons([null, '1', null, null], 4), 1);
  assert.equal(await cons([null, null], 2), 0);
});

test('what was cut off has no vote', async () => {
  assert.equal(await cons(['1', '2…', '2…'], 3), 1);
});

test('answers join the first class whose first answer they equal both ways round', async () => {
  // 1/2 and 0.5 are one, whichever is the reference; “about 2” is taken for 2, but 2 is not taken for it.
  const equal: AreEqual = (pairs) =>
    Promise.resolve(
      pairs.map(({given, reference}) => given === reference || /^(2a2b|2b2a|about2)$/.test(`${given}${reference}`)),
    );
  assert.equal(await cons(['1', '1', '2a', '2b', '2b'], 5, equal), 0, 'three for 2 against two for 1');
  assert.equal(await cons(['1', '1', '2', 'about'], 4, equal), 1, 'one direction is not enough');
});

test('with more samples than k it is the mean over 200 subsets that the seed draws', async () => {
  // Of 4 samples, 3 of them right, 2 are drawn: both right in 3 of 6 pairs, one of each, a tie, in the others: 0.75.
  const value = await cons(['1', '1', '1', '2'], 2);
  assert.ok(Math.abs(value - 0.75) < 0.06, String(value));
  assert.equal(await cons(['1', '1', '1', '2'], 2), value);
  assert.ok(Number.isInteger(Math.round(value * 400)), 'a mean of 200 halves');
});

test('programs and replies that a judge reads do not vote', () => {
  assert.deepEqual(['integer', 'math', 'choice', 'drop', 'code', 'judge', 'general'].map(canVote), [
    true,
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('a vote of spans is over the same spans, whatever other references there are', async () => {
  const asked = {...prompt('p', 'drop'), references: ['the old one']};
  const equal = await withEquality('drop', {cores: 1, note: () => undefined}, (are) =>
    are([
      {prompt: asked, given: 'the old one', reference: 'a new one'},
      {prompt: asked, given: 'the 12 yards', reference: '12 Yards'},
    ]),
  );
  assert.deepEqual(equal, [false, true]);
});
