/** Code of one's own that brings the thread that judges to its end, or keeps it from loading: it is named, and soon. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import test, {type TestContext} from 'node:test';
import {setImmediate, setTimeout} from 'node:timers/promises';
import {pathToFileURL} from 'node:url';

import {openScorer, type ScorerItem} from '../../../stages/rewards/index.js';
import type {JudgeRefs} from '../../../stages/rewards/load-judges.js';
import {ITEM, PLACES, REWARD} from '../../../stages/rewards/scorer-messages.js';
import {endFailure, startThread} from '../../../stages/rewards/thread.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../stages/text/completion.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {rewardRef} from '../refs.js';

const prompt: Prompt = {id: 'p', from: [], task: 'exact', key: 'p', question: 'q', answer: 'so'};
const item = (text: string): ScorerItem => ({prompt, completion: readCompletion(text, true)});

/** A reward `own` in a module of its own: what its score does with a completion, and what the module does first. */
function own(t: TestContext, body: string, before = ''): JudgeRefs {
  const definition = `{module: import.meta.url, kind: 'reward', name: 'own', score(problem, {text}) {${body}}}`;
  const folder = temporaryFolder(t, {'own.mjs': `${before}\nexport const own = ${definition};\n`});
  const module = pathToFileURL(join(folder, 'own.mjs')).href;
  return {rewards: [{kind: 'reward', name: 'own', module, export: 'own'}]};
}

test('a reward that ends its thread is named at once, with the prompt', async (t) => {
  const refs = own(t, "if (text === 'end') process.exit(3); return 1;");
  const scorer = await openScorer({refs, weights: {own: 1}, timeoutMs: 60_000});
  try {
    await assert.rejects(scorer.score(['a', 'end', 'b'].map(item)), {
      name: 'StageFailure',
      message:
        /^the reward “own” \(.*own\.mjs\) ended the thread that judges \(process\.exit, code 3\) on a completion of prompt p$/,
      file: /own\.mjs$/,
    });
  } finally {
    await scorer.close();
  }
});

test('what a reward leaves behind and throws later is told with its name when the next batch is judged', async (t) => {
  const late = {
    'setTimeout(() => { throw new RangeError("too late"); }, 1);':
      /threw RangeError: too late after the completions were/,
    'Promise.reject(new Error("nobody waits"));':
      /threw Error: nobody waits after the completions were judged, at .*own\.mjs:\d/,
    'setTimeout(() => process.exit(), 1);':
      /ended the thread that judges \(process\.exit, code 0\) after the completions/,
  };
  for (const [body, message] of Object.entries(late)) {
    const {rewards} = own(t, `${body} return 1;`);
    const refs = {rewards: [rewardRef('brevity'), ...rewards!]};
    const scorer = await openScorer({refs, weights: {own: 1}, timeoutMs: 60_000});
    const judging = async (): Promise<void> => {
      for (let batch = 0; batch < 200; batch++) {
        await scorer.score([item('a')]);
        await setTimeout(10);
      }
    };
    try {
      await assert.rejects(judging(), {name: 'StageFailure', message});
      if (!body.includes('exit')) await assert.rejects(judging(), {message: /^the reward “own” \(.*own\.mjs\) threw/});
    } finally {
      await scorer.close();
    }
  }
});

test('what is thrown after the last batch is told when the scorer is closed', async (t) => {
  const refs = own(t, 'setTimeout(() => { throw new Error("too late"); }, 100); return 1;');
  const scorer = await openScorer({refs, weights: {own: 1}});
  await scorer.score([item('a')]);
  await setTimeout(1_000);
  await assert.rejects(scorer.close(), {name: 'StageFailure', message: /“own” .* threw Error: too late after the/});
});

test('a reward that takes all memory is named', () => {
  const progress = new Int32Array(PLACES);
  Atomics.store(progress, ITEM, 2);
  Atomics.store(progress, REWARD, 5); // behind the five that are built in
  const error = Object.assign(new Error('Worker terminated'), {code: 'ERR_WORKER_OUT_OF_MEMORY'});
  const about = {progress, refs: {rewards: [rewardRef('brevity')]}, promptOf: () => prompt};
  assert.match(
    endFailure({error}, about).message,
    /^the reward “brevity” \(.*\) took all the memory of the thread that judges on a completion of prompt p$/,
  );
});

test('a module that does not load is named with why', async (t) => {
  const said = {
    'await new Promise(() => undefined);':
      /its module could not be loaded: Error: its top-level `await`, or that of .* is never settled/,
    'process.exit(4);': /its module ended with 4 while it was loading$/,
    'for (;;);': /its module did not load within 1 s$/,
    'throw new TypeError("not here");': /its module could not be loaded: TypeError: not here, at .*own\.mjs:1:\d+$/,
  };
  for (const [before, message] of Object.entries(said)) {
    const refs = own(t, 'return 1;', before);
    await assert.rejects(openScorer({refs, weights: {own: 1}, loadMs: before.startsWith('for') ? 1_000 : 60_000}), {
      name: 'StageFailure',
      message: new RegExp(`^the reward “own” \\(.*own\\.mjs\\): ${message.source}`),
    });
  }
});

test('a thread that waits for another process is not waited for', async (t) => {
  const refs = own(
    t,
    "if (text === 'wait') spawnSync(process.execPath, ['-e', 'setTimeout(() => undefined, 6000)']); return 1;",
    "import {spawnSync} from 'node:child_process';",
  );
  const scorer = await openScorer({refs, weights: {own: 1}, timeoutMs: 300});
  const start = performance.now();
  const scored = await scorer.score(['a', 'wait', 'b'].map(item));
  assert.deepEqual(
    scored.map(({verdicts}) => verdicts['own']!.outcome),
    ['right', 'timed-out', 'right'],
  );
  assert.ok(performance.now() - start < 5_000);
  await scorer.close();
});

test('a thread that is ready only while it is being ended for being late is not taken for one that judges', async (t) => {
  const refs = own(t, 'return 1;', 'await new Promise((resolve) => setTimeout(resolve, 200));');
  const module = new URL('../../../stages/rewards/registry.js', import.meta.url).href;
  const starting = startThread({module, weights: {own: 1}, refs, loadMs: 1});
  const refused = assert.rejects(starting, {message: /its module did not load within 0\.001 s$/});
  await setTimeout(30);
  await setImmediate(); // Timers are looked at right after this turn, messages only then.
  for (const start = performance.now(); performance.now() - start < 3_000;);
  await refused;
});
