/** Completions that a trainer hands in are graded and remembered as r1's own are, whichever rank hands them in first. */
import assert from 'node:assert/strict';
import path from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import type {Observed} from '../../../stages/rollout/state.js';
import {NOTHING_OBSERVED} from '../../../stages/rollout/state.js';
import {openGroupScorer} from '../../../stages/rollout/group-scorer.js';
import {groupRewards} from '../../../stages/rollout/minibatches.js';
import {encodePrompts} from '../../../stages/rollout/sample-groups.js';
import {builtInTasks} from '../../../stages/tasks/built-in.js';
import {vocabulary} from '../../../stages/tasks/lexicon.js';
import {dialsPrompts} from '../../../stages/tasks/prompt-sets.js';
import {reflectiveWords} from '../../../stages/text/language.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../../stages/text/word-tokenizer.js';
import {openRollouts} from '../../../stages/trl/rollouts.js';
import type {HandedIn} from '../../../stages/trl/rollouts.js';
import {temporaryFolder} from '../../rig/temporary.js';

const GROUPS = 2;
const GROUP = 3;

async function set(t: TestContext, options: {readonly shuffleRewards?: boolean; readonly patience?: number} = {}) {
  const folder = path.join(temporaryFolder(t), 'tokenizer');
  await writeWordTokenizer(folder, vocabulary());
  const tokenizer = await openTokenizer(folder);
  const asked = dialsPrompts({seed: 0, split: 'train', count: GROUPS});
  const prompts = encodePrompts(asked, {tokenizer, template: 'tiny-zero', limit: 200, note: () => undefined});
  const rewards = {accuracy: 1, format: 1};
  const scorer = await openGroupScorer({
    ...{weights: rewards, refs: {rewards: [], tasks: []}, tasks: builtInTasks, timeoutMs: 10_000, models: {}},
    ...{lengthLimit: 60, maxTokens: 200, threads: 1, cores: 1, grading: {}, note: () => undefined},
    signal: new AbortController().signal,
  });
  t.after(() => scorer.close());
  const open = () =>
    openRollouts({
      ...{shuffleRewards: false, maskTruncated: false, overlongMargin: 0, checkGroups: 0, patience: 20, ...options},
      ...{questionAt: (place: number) => prompts[place % GROUPS]!, tokenizer, prefill: '', scorer, rewards},
      ...{reflective: reflectiveWords, maxNewTokens: 60, seed: 1, groups: GROUPS, hasReference: true},
      isSpreadDue: () => true,
    });
  const end = tokenizer.eosId;
  const right = (place: number): number[] => [
    ...tokenizer.encode(`<think> left 3 up 2 gives 5 . </think> <answer> ${asked[place]!.answer} </answer>`),
    end,
  ];
  const answers = (place: number): HandedIn[] => [
    {place, tokens: right(place)},
    {place, tokens: [...tokenizer.encode(`<answer> ${asked[place]!.answer} </answer>`), end]},
    {place, tokens: tokenizer.encode('<think> left 3 up 2')},
  ];
  return {open, answers, prompts, asked};
}

const training = (): {own: Observed; readonly tokens: {generated: number; scored: number}} => ({
  own: NOTHING_OBSERVED,
  tokens: {generated: 0, scored: 0},
});

test('a completion earns what its answer and its form are worth, and one that was cut off nothing', async (t) => {
  const {open, answers, prompts, asked} = await set(t);
  const rollouts = open();
  const mixed = [...answers(0), ...answers(1)];
  const own = training();
  assert.deepEqual(await rollouts.score({step: 0, rank: 0, rows: mixed}), [2, 1, 0, 2, 1, 0]);
  const {summary, tokens} = rollouts.finish(own);
  assert.equal(summary['accuracy'], 2 / 3);
  assert.equal(summary['truncated'], 1 / 3);
  const generated = mixed.reduce((sum, row) => sum + row.tokens.length, 0);
  const before = prompts.reduce((sum, prompt) => sum + GROUP * prompt.tokens.length, 0);
  assert.deepEqual({tokens, ...own.tokens}, {tokens: generated + before, generated, scored: generated + before});
  assert.equal(own.own.rollouts, 1);
  const [row] = own.own.samples as {id: string; reward: number; finished: boolean}[];
  assert.deepEqual({id: row!.id, reward: row!.reward}, {id: `step-0:${asked[0]!.id}#0`, reward: 2});
  assert.equal(rollouts.finish(own).summary, summary, 'the steps of a rollout share what is known of it');
  assert.equal(own.own.rollouts, 1);
});

test('it does not matter which rank is first', async (t) => {
  const {open, answers} = await set(t);
  const ends = [];
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const rollouts = open();
    const own = training();
    for (const rank of order) await rollouts.score({step: 4, rank, rows: answers(rank)});
    ends.push({...rollouts.finish(own), own: own.own});
  }
  assert.deepEqual(ends[0], ends[1]);
});

test('shuffled rewards are those that r1 would deal out itself', async (t) => {
  const {open, answers} = await set(t, {shuffleRewards: true});
  const place = 2 * GROUPS + 1;
  const earned = await open().score({step: 8, rank: 0, rows: answers(1).map((row) => ({...row, place}))});
  const group = [2, 1, 0].map((reward) => ({reward, rollout: {tokens: []}})) as never;
  const options = {shuffleRewards: true, overlongMargin: 0, maxNewTokens: 60};
  assert.deepEqual(earned, groupRewards(group, options, {seed: 1, step: 2, group: 1}).rewards);
});

test('rollouts that teach nothing end the training after a while', async (t) => {
  const {open, answers} = await set(t, {patience: 2});
  const rollouts = open();
  const own = training();
  const alike = [0, 1].flatMap((place) => [answers(place)[1]!, answers(place)[1]!]);
  await rollouts.score({step: 0, rank: 0, rows: alike});
  rollouts.finish(own);
  await rollouts.score({step: 1, rank: 0, rows: alike});
  assert.throws(() => rollouts.finish(own), /2 rollouts in a row had no group whose rewards differ/);
});
