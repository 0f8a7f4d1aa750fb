import assert from 'node:assert/strict';
import test from 'node:test';

import {Stopped} from '../../../pipeline/stage.js';
import {openScorer, scoreCompletion} from '../../../stages/rewards/index.js';
import {dialsPrompts} from '../../../stages/tasks/prompt-sets.js';
import {readCompletion} from '../../../stages/text/completion.js';

const prompts = dialsPrompts({seed: 1, split: 'train', count: 40});
const items = prompts.map((prompt, index) => ({
  prompt,
  completion: readCompletion(
    `<think> left </think> <answer> ${index % 2 === 0 ? prompt.answer : '0 0'} </answer>`,
    true,
  ),
  tokens: 9,
}));
const module = new URL('./hanging.js', import.meta.url).href;
const texts = (...all: string[]) => all.map((text) => ({prompt: prompts[0]!, completion: readCompletion(text, true)}));

test('the thread says what the rewards say, in order, batch after batch', async () => {
  const weights = {accuracy: 1, format: 1};
  const scorer = await openScorer({weights});
  try {
    const expected = items.map(({prompt, completion, ...size}) => scoreCompletion(prompt, completion, weights, size));
    assert.deepEqual(await scorer.score(items), expected);
    assert.deepEqual(await scorer.score(items.slice(3, 5)), expected.slice(3, 5));
    assert.deepEqual(await scorer.score([]), []);
  } finally {
    await scorer.close();
  }
});

test('an item that hangs is timed out and the others are judged as usual', async () => {
  const scorer = await openScorer({weights: {accuracy: 1}, module, timeoutMs: 1500});
  try {
    const scored = await scorer.score(texts('a', 'hang', 'abc', 'hang', 'ab'));
    assert.deepEqual(
      scored.map(({total}) => total),
      [1, 0, 3, 0, 2],
    );
    assert.equal(scored[1]!.verdicts.accuracy.outcome, 'timed-out');
    assert.deepEqual(
      (await scorer.score(texts('abcd'))).map(({total}) => total),
      [4],
    ); // still at work
  } finally {
    await scorer.close();
  }
});

test('a stop is heard while an item hangs', async () => {
  const stop = new AbortController();
  const scorer = await openScorer({
    ...{weights: {accuracy: 1}, module, signal: stop.signal},
    ...{timeoutMs: 600_000, stopAfterMs: 0},
  });
  try {
    const scoring = scorer.score(texts('a', 'hang'));
    setTimeout(() => stop.abort(), 100);
    await assert.rejects(scoring, Stopped);
  } finally {
    await scorer.close();
  }
});

test('being too busy to listen does not time anyone out', async () => {
  const scorer = await openScorer({weights: {accuracy: 1}, module, timeoutMs: 500});
  try {
    const scoring = scorer.score(texts('a', 'ab'));
    const end = performance.now() + 1500;
    while (performance.now() < end); // This side is busy for three times the limit.
    assert.deepEqual(
      (await scoring).map(({total}) => total),
      [1, 2],
    );
  } finally {
    await scorer.close();
  }
});

test('a reward that throws is a bug and says so', async () => {
  const scorer = await openScorer({weights: {accuracy: 1}, module});
  try {
    await assert.rejects(scorer.score(texts('a', 'throw')), /Internal error: a reward failed: Error: no such luck/);
  } finally {
    await scorer.close();
  }
});

test('a module that never finishes loading is an error, not an endless wait', async () => {
  const never = 'data:text/javascript,await new Promise(() => {});';
  await assert.rejects(openScorer({weights: {accuracy: 1}, module: never}), /ended with 13 while it was loading/);
});
