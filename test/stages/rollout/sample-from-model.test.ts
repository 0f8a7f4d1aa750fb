import assert from 'node:assert/strict';
import {test} from 'node:test';
import {DropCounts, judgedRow, ruleFaults} from '../../../stages/rollout/sample-from-model.js';
import type {Rollout} from '../../../stages/rollout/sample-groups.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../stages/text/completion.js';

const prompt: Prompt = {id: 'p', from: [], task: 'integer', key: 'p', question: 'what is 2 + 2 ?', answer: '4'};
const rollout = (text: string, {finished = true, sample = 0} = {}): Rollout => ({
  prompt,
  sample,
  promptTokens: [1],
  tokens: text.split(' ').map((_, i) => i),
  finished,
  completion: readCompletion(text, finished),
});

test('completions are counted as kept, or by the reason to drop them, in a fixed order', () => {
  const drops = new DropCounts();
  for (const reason of ['truncated', undefined, 'format', 'truncated', undefined, 'answer wrong']) drops.count(reason);
  assert.deepEqual(drops.card(), {sampled: 6, kept: 2, dropped: {'answer wrong': 1, format: 1, truncated: 2}});
  assert.deepEqual(Object.keys(drops.card().dropped), ['answer wrong', 'format', 'truncated']);
});

test('rules drop a completion for the first thing that is wrong with it', async () => {
  const faults = await ruleFaults(
    [
      rollout('<think> 2 and 2 </think> <answer> 4 </answer>'),
      rollout('<think> 2 and 2 </think> <answer> 5 </answer>'),
      rollout('<think> 2 and 2 </think> <answer> four </answer>'),
      rollout('2 and 2 <answer> 4 </answer>'),
      rollout('<think> 2 and 2 and 2', {finished: false}),
    ],
    {timeoutMs: 2000, tasks: [], grading: {}, cores: 1},
  );
  assert.deepEqual(faults, [undefined, 'answer wrong', 'answer unparsable', 'format', 'truncated']);
});

test('a rollout’s row says what was asked, what was said and what became of it', () => {
  assert.deepEqual(judgedRow(rollout('<answer> 4 </answer>', {sample: 3}), 'format'), {
    id: 'p#3',
    from: ['p'],
    question: 'what is 2 + 2 ?',
    completion: '<answer> 4 </answer>',
    tokens: 3,
    finished: true,
    verdict: 'format',
  });
});
