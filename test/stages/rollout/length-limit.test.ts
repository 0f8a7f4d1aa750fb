/** Reinforcement learning that is paid for responses within the mean length of a model that was evaluated. */
import assert from 'node:assert/strict';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {StageFailure} from '../../../pipeline/stage.js';
import {writeJson, writeRows} from '../../../stages/data/rows.js';
import {grpo} from '../../../stages/index.js';
import {meanLength} from '../../../stages/rollout/length-limit.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {writeSpeaker} from '../../rig/speaker.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {mistakesOf} from '../../rig/wired.js';
import {rowsIn} from '../here.js';
import {make, outputPath} from '../stagejob.js';

async function scoresOf(folder: string, scores: readonly object[]): Promise<string> {
  mkdirSync(folder, {recursive: true});
  await writeJson(join(folder, 'scores.json'), {format: 'r1-scores-1', scores});
  return folder;
}

test('the mean length is that of the scores, and scores without one are named', async (t) => {
  const root = temporaryFolder(t);
  const length = {metric: 'length', mean: 19.5};
  const notes: string[] = [];
  const note = (text: string): void => void notes.push(text);
  assert.equal(await meanLength(await scoresOf(join(root, 'a'), [{metric: 'pass@1', mean: 0.5}, length]), note), 19.5);
  assert.match(notes.join(), /^the reward length falls to 0 at 19\.5 tokens/);
  await assert.rejects(
    meanLength(await scoresOf(join(root, 'b'), [{metric: 'pass@1', mean: 0.5}]), note),
    (error: Error) => error instanceof StageFailure && /b\/scores\.json has no mean length/.test(error.message),
  );
  await assert.rejects(
    meanLength(await scoresOf(join(root, 'c'), [{metric: 'length', mean: 0}]), note),
    /no mean length/,
  );
});

test('where a length is wired and the reward has no weight, that is told before anything runs', () => {
  const inputs = ['policy', 'prompts', 'lengthFrom'];
  const mistakes = (rewards: object, wired = inputs): string => mistakesOf(grpo, {rewards}, {inputs: wired}).join();
  assert.match(mistakes({accuracy: 1}), /lengthFrom says where the reward length ends, and that has no weight/);
  assert.match(mistakes({accuracy: 1, length: 0}), /has no weight/);
  assert.equal(mistakes({accuracy: 1, length: 1}), '');
  assert.equal(mistakes({accuracy: 1}, ['policy', 'prompts']), '');
});

test('the reward falls to 0 at the wired mean length, not at the limit of the stage', async (t) => {
  const root = temporaryFolder(t);
  // A reply is one token and the end token, or nothing but the prefill: two tokens each.
  await writeSpeaker(join(root, 'policy'), [{key: 'key-0', replies: ['18', '20']}]);
  const prompt: Prompt = {id: 'p', from: [], task: 'integer', key: 'k', question: 'How many? key-0', answer: '18'};
  await writeRows(join(root, 'prompts'), [prompt]);
  const params = {template: 'chat', steps: 1, questions: 1, group: 4, minibatches: 1, maxNewTokens: 8, checkGroups: 0};
  const run = async (name: string, mean?: number): Promise<number[]> => {
    const wired =
      mean === undefined ? {} : {lengthFrom: await scoresOf(join(root, `scores-${name}`), [{metric: 'length', mean}])};
    await make(join(root, name), {
      ...{stage: grpo, exported: 'grpo'},
      inputs: {policy: join(root, 'policy'), prompts: join(root, 'prompts'), ...wired},
      params: {...params, rewards: {accuracy: 1, length: 1}},
    });
    const rows = rowsIn<{tokens: number; verdicts: {length: {value: number}}}>(
      outputPath(join(root, name), 'rollouts'),
    );
    assert.deepEqual(
      rows.map(({tokens}) => tokens),
      [2, 2, 2, 2],
    );
    return rows.map(({verdicts}) => verdicts.length.value);
  };
  // Two tokens of eight are far from the end; of 2.25 they are 0.25 in a margin of 0.45 before it; 2 is the end itself.
  assert.deepEqual(await run('unwired'), [1, 1, 1, 1]);
  for (const value of await run('near', 2.25)) assert.ok(Math.abs(value - 0.25 / 0.45) < 1e-9, String(value));
  assert.deepEqual(await run('at', 2), [0, 0, 0, 0]);
});
