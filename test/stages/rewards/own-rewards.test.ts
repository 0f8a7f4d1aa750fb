/** Rewards and answers of one's own, judged in the thread that can be ended. */
import assert from 'node:assert/strict';
import {fileURLToPath} from 'node:url';
import test from 'node:test';

import {openScorer, type ScorerItem} from '../../../stages/rewards/index.js';
import type {JudgeRefs} from '../../../stages/rewards/load-judges.js';
import type {RewardWeights} from '../../../stages/rewards/names.js';
import {defineReward} from '../../../stages/rewards/reward.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../stages/text/completion.js';
import {rewardRef, taskRef} from '../refs.js';

const exact: Prompt = {id: 'p', from: [], task: 'exact', key: 'p', question: 'q', answer: 'so'};
const sum: Prompt = {...exact, task: 'sums', answer: '4'};
const item = (prompt: Prompt, text: string): ScorerItem => ({prompt, completion: readCompletion(text, true)});

async function scored(refs: JudgeRefs, weights: RewardWeights, items: readonly ScorerItem[], timeoutMs = 2000) {
  const scorer = await openScorer({refs, weights, timeoutMs});
  try {
    return await scorer.score(items);
  } finally {
    await scorer.close();
  }
}

test('a reward of one’s own is summed by its weight and broken down beside the built-in ones', async () => {
  const text = '<think> well </think> <answer> so </answer>';
  const general: Prompt = {id: 'g', from: [], task: 'general', key: 'g', question: 'q'};
  const items = [item(exact, text), item(general, text)];
  const [one, other] = await scored({rewards: [rewardRef('brevity')]}, {accuracy: 1, brevity: 0.5}, items);
  const brevity = 1 / (1 + text.length / 200);
  assert.equal(one!.total, 1 + 0.5 * brevity);
  assert.deepEqual(one!.verdicts['brevity'], {outcome: 'wrong', value: brevity});
  assert.deepEqual(Object.keys(one!.verdicts), ['accuracy', 'format', 'language', 'repetition', 'length', 'brevity']);
  assert.equal(other!.verdicts['brevity']!.outcome, 'left-out');
});

test('a reward that gives no number from 0 to 1, or throws, is named with its file and the prompt', async () => {
  const file = fileURLToPath(rewardRef('generous').module).replaceAll('.', '\\.');
  const said = {
    generous: new RegExp(`the reward “generous” \\(${file}\\) gave 1\\.5 for a completion of prompt p; a score is`),
    wordy: /the reward “wordy” .* gave "1" for a completion of prompt p/,
    broken: /the reward “broken” .* failed on a completion of prompt p: Error: no such luck\n +at /,
  };
  for (const [name, message] of Object.entries(said)) {
    await assert.rejects(scored({rewards: [rewardRef(name)]}, {[name]: 1}, [item(exact, 'x')]), {
      name: 'StageFailure',
      message,
    });
  }
});

test('a reward that hangs is timed out on the completion it hangs on, and judges the others', async () => {
  const items = ['a', 'hang', 'b'].map((text) => item(exact, text));
  const all = await scored({rewards: [rewardRef('endless')]}, {endless: 1}, items, 500);
  assert.deepEqual(
    all.map(({total}) => total),
    [1, 0, 1],
  );
  assert.deepEqual(all[1]!.verdicts['endless'], {outcome: 'timed-out', value: 0});
});

test('answers of a task of one’s own are read and graded by the task', async () => {
  const items = ['4', '5', '9'].map((text) => item(sum, `<answer> ${text} </answer>`));
  const all = await scored({tasks: [taskRef('sums')]}, {accuracy: 1}, [...items, item(sum, '4')]);
  assert.deepEqual(
    all.map(({verdicts: {accuracy}, answer}) => [accuracy.outcome, accuracy.value, answer]),
    [
      ['right', 1, '4'],
      ['wrong', 0.5, '5'],
      ['wrong', 0, '9'],
      ['unparsable', 0, null],
    ],
  );
});

test('a grade that is no number from 0 to 1 is told with the name of the task', async () => {
  await assert.rejects(
    scored({tasks: [taskRef('misgraded')]}, {}, [item({...exact, task: 'misgraded'}, '<answer> so </answer>')]),
    {name: 'StageFailure', message: /task “misgraded”: answer\.grade gave 2, not a number from 0 to 1/},
  );
});

test('a reward without a function is refused where it is declared', () => {
  assert.throws(
    () => defineReward({module: import.meta.url, name: 'empty'} as never),
    /reward “empty”: “score” must be a function/,
  );
});
