/** Rules, rewards of one's own and a reward model, asked about the same groups. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';
import {writeJson} from '../../../stages/data/rows.js';
import {newConfig} from '../../../stages/model/config.js';
import {saveModel} from '../../../stages/model/hf-folder/index.js';
import {initialWeights, scoreWeights} from '../../../stages/model/parameters.js';
import {openGroupScorer, type GroupScorerOptions} from '../../../stages/rollout/group-scorer.js';
import type {Rollout} from '../../../stages/rollout/sample-groups.js';
import {builtInTasks} from '../../../stages/tasks/built-in.js';
import {vocabulary} from '../../../stages/tasks/lexicon.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../stages/text/completion.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../../stages/text/word-tokenizer.js';
import {config as small} from '../engine/small.js';
import {Session} from '../../../stages/tensorflow/session.js';
import {temporaryFolder} from '../../rig/temporary.js';

const prompt: Prompt = {id: 'p', from: [], task: 'general', key: 'p', question: 'hello'};
const rollout = (text: string, sample: number): Rollout => ({
  prompt,
  sample,
  promptTokens: [1],
  tokens: [3, 4],
  finished: true,
  completion: readCompletion(text, true),
});

/** A reward model of a few parameters, and a reward `own` that hangs on “hang”. */
async function optionsFor(t: TestContext): Promise<GroupScorerOptions> {
  const folder = temporaryFolder(t, {
    'own.mjs': `export const own = {
      module: import.meta.url, kind: 'reward', name: 'own',
      score(problem, {text}, {tokens, maxTokens}) { while (text === 'hang'); return tokens / maxTokens; },
    };\n`,
  });
  const helpful = join(folder, 'helpful');
  await writeWordTokenizer(helpful, vocabulary());
  const {size: vocabSize} = await openTokenizer(helpful);
  const config = newConfig({...small, vocabSize, eosId: 2, padId: 0});
  await saveModel(helpful, {...scoreWeights({config, weights: initialWeights(config, 1)}, 1)});
  await writeJson(join(helpful, 'calibration.json'), {shift: 0, scale: 1, scope: 'response'});
  return {
    weights: {own: 1, helpful: 1},
    refs: {
      rewards: [{kind: 'reward', name: 'own', module: pathToFileURL(join(folder, 'own.mjs')).href, export: 'own'}],
    },
    tasks: builtInTasks,
    timeoutMs: 300,
    models: {helpful},
    lengthLimit: 8,
    maxTokens: 32,
    threads: 1,
    cores: 1,
    grading: {},
    note: () => undefined,
    signal: new AbortController().signal,
  };
}

test('a completion that was not judged in time earns nothing, of a reward model neither', async (t) => {
  const scorer = await openGroupScorer(await optionsFor(t));
  try {
    const [group] = await scorer.score([['hello', 'hang', 'hello'].map(rollout)]);
    const [one, hung, other] = group!;
    assert.equal(hung!.reward, 0);
    assert.equal(hung!.preference, undefined);
    assert.ok(one!.preference!.helpful! > 0);
    assert.equal(one!.reward, 0.25 + one!.preference!.helpful!);
    assert.equal(other!.reward, one!.reward);
  } finally {
    await scorer.close();
  }
});

test('a reward of one’s own is told the limit, also where the length has no weight and is left out', async (t) => {
  const options = await optionsFor(t);
  for (const [weights, outcome] of [
    [{own: 1, helpful: 0}, 'left-out'],
    [{own: 1, helpful: 0, length: 0}, 'right'],
  ] as const) {
    const scorer = await openGroupScorer({...options, weights});
    try {
      const [group] = await scorer.score([[rollout('hello', 0)]]);
      assert.deepEqual(group![0]!.verdicts['own'], {outcome: 'partial', value: 2 / 8});
      assert.deepEqual(group![0]!.verdicts['length'], {outcome, value: 1});
    } finally {
      await scorer.close();
    }
  }
});

test('a thread that does not start leaves no reward model open', async (t) => {
  const options = await optionsFor(t);
  const closing = t.mock.method(Session.prototype, 'close');
  const module = new URL('./no-such-module.js', import.meta.url).href;
  const refs = {rewards: [{kind: 'reward', name: 'own', module, export: 'own'}]};
  await assert.rejects(openGroupScorer({...options, refs}), /the reward “own” .* could not be loaded/);
  assert.equal(closing.mock.callCount(), 1);
});
