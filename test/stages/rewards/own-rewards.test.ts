/** Rewards and answers of one's own, judged in the thread that can be ended. */
import assert from 'node:assert/strict';
import {fileURLToPath} from 'node:url';
import test from 'node:test';
import {setTimeout} from 'node:timers/promises';

import {openScorer, withScorer, type ScorerItem} from '../../../stages/rewards/index.js';
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
  assert.deepEqual(one!.verdicts['brevity'], {outcome: 'partial', value: brevity});
  assert.deepEqual(Object.keys(one!.verdicts), ['accuracy', 'format', 'language', 'repetition', 'length', 'brevity']);
  assert.equal(other!.verdicts['brevity']!.outcome, 'left-out');
});

test('a reward that gives no number from 0 to 1, or throws, is named with its file and the prompt', async () => {
  const file = fileURLToPath(rewardRef('generous').module).replaceAll('.', '\\.');
  const said = {
    generous: new RegExp(
      `the reward “generous” \\(${file}\\): score gave 1\\.5 on a completion of prompt p; a score is`,
    ),
    wordy: /the reward “wordy” .* gave "1" on a completion of prompt p/,
    broken: /“broken” .*: score threw Error: no such luck on a completion of prompt p, at \/.*rewards\.ts:\d+:\d+$/,
    big: /“big” .*: score gave 1n on a completion of prompt p; a score is a number from 0 to 1$/,
    circular: /“circular” .*: score gave an object that is no JSON on a completion of prompt p; a score is/,
    functional: /“functional” .*: score gave a function on a completion of prompt p; a score is/,
    symbolic: /“symbolic” .*: score gave Symbol\(one\) on a completion of prompt p; a score is/,
    promised: /“promised” .*: score gave a promise on a completion of prompt p; score is not async/,
    chancy:
      /“chancy” .*: score gave 0\.\d+ and then 0\.\d+ for the same completion of prompt p; .* not from Math\.random/,
  };
  for (const [name, message] of Object.entries(said)) {
    await assert.rejects(scored({rewards: [rewardRef(name)]}, {[name]: 1}, [item(exact, 'x')]), {
      name: 'StageFailure',
      message,
    });
  }
});

test('a reward that changes what it is given is named, and no other reward sees the change', async () => {
  const said = {
    rewriting:
      /“rewriting” .*: score threw TypeError: Cannot assign to read only property 'answer' .* of prompt p, at /,
    enlarging:
      /“enlarging” .*: score threw TypeError: Cannot add property 1, object is not extensible on a completion of prompt p, at /,
    shortening:
      /“shortening” .*: score threw TypeError: Cannot assign to read only property 'text' .* of prompt p, at /,
  };
  for (const [name, message] of Object.entries(said)) {
    const refs = {rewards: [rewardRef(name)], tasks: [taskRef('sums')]};
    await assert.rejects(scored(refs, {[name]: 1}, [item(sum, '<answer> 4 </answer>')]), {
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
      ['partial', 0.5, '5'],
      ['wrong', 0, '9'],
      ['unparsable', 0, null],
    ],
  );
});

test('a grade that is no number from 0 to 1 is told with the name of the task', async () => {
  await assert.rejects(
    scored({tasks: [taskRef('misgraded')]}, {}, [item({...exact, task: 'misgraded'}, '<answer> so </answer>')]),
    {name: 'StageFailure', message: /the task “misgraded” \(.*\): answer\.grade gave 2, not a number from 0 to 1/},
  );
});

test('an instance of a class is a definition, and its functions keep their this', async () => {
  const [one] = await scored({rewards: [rewardRef('scaled')]}, {scaled: 1}, [item(exact, 'x')]);
  assert.deepEqual(one!.verdicts['scaled'], {outcome: 'partial', value: 0.25});
});

test('a reward without a function is refused where it is declared', () => {
  class Empty {
    readonly module = import.meta.url;
    readonly name = 'empty';
  }
  assert.throws(() => defineReward(new Empty() as never), /reward “empty”: “score” must be a function/);
  assert.throws(() => defineReward(undefined as never), /a reward: “name” is missing/);
  assert.throws(
    () => defineReward({module: import.meta.url, name: 'empty'} as never),
    /reward “empty”: “score” must be a function/,
  );
});

test('a reward that looks at the clock is found out once the clock has gone on', async () => {
  const scorer = await openScorer({refs: {rewards: [rewardRef('clocked')]}, weights: {clocked: 1}});
  try {
    await assert.rejects(
      async () => {
        for (let batch = 0; batch < 20; batch++) {
          await scorer.score([item(exact, 'x')]);
          await setTimeout(7);
        }
      },
      {
        name: 'StageFailure',
        message: /the reward “clocked” .*: score gave [\d.]+ and then [\d.]+ for the same completion/,
      },
    );
  } finally {
    await scorer.close();
  }
});

test('an answer that cannot be read because of an error names the task, the function and the place', async () => {
  await assert.rejects(scored({tasks: [taskRef('unreadable')]}, {}, [item({...exact, task: 'unreadable'}, 'x')]), {
    name: 'StageFailure',
    message: /the task “unreadable” \(.*\): answer\.read threw Error: no such luck, at \/.*tasks\.ts:\d+:\d+$/,
  });
});

test('the first completion that is not judged in time is told with whose fault it is, and at the end how many there were', async () => {
  const notes: string[] = [];
  const refs = {rewards: [rewardRef('endless')]};
  const scorer = await openScorer({refs, weights: {endless: 1}, timeoutMs: 200, note: (text) => void notes.push(text)});
  await scorer.score(['hang', 'a', 'hang'].map((text) => item(exact, text)));
  const file = fileURLToPath(rewardRef('endless').module);
  const first = `the reward “endless” (${file}) took more than 0.2 s (rewardTimeout) on a completion of prompt p`;
  assert.equal(notes.length, 1);
  assert.ok(notes[0]!.startsWith(first), notes[0]);
  await scorer.close();
  assert.deepEqual(notes.slice(1), ['2 completions were not judged within 0.2 s (rewardTimeout)']);
});

test('eight in a row that are not judged in time end the stage, also over several batches', async () => {
  const scorer = await openScorer({refs: {rewards: [rewardRef('endless')]}, weights: {endless: 1}, timeoutMs: 100});
  const hanging = (count: number) => scorer.score(Array.from({length: count}, () => item(exact, 'hang')));
  try {
    await hanging(3);
    await scorer.score([item(exact, 'a')]);
    await hanging(5);
    await assert.rejects(hanging(4), {
      name: 'StageFailure',
      message:
        /the reward “endless” \(.*\) took more than 0\.1 s \(rewardTimeout\) on each of 8 completions in a row, the last one of prompt p/,
      file: fileURLToPath(rewardRef('endless').module),
    });
  } finally {
    await scorer.close();
  }
});

test('a stop that is asked for while a batch is judged does not wait for all of it', async () => {
  const stop = new AbortController();
  const refs = {rewards: [rewardRef('endless')]};
  const scorer = await openScorer({refs, weights: {endless: 1}, timeoutMs: 60_000, signal: stop.signal});
  try {
    const scoring = scorer.score([item(exact, 'hang')]);
    stop.abort();
    await assert.rejects(scoring, {name: 'Stopped'});
  } finally {
    await scorer.close();
  }
  // A batch that is judged soon is judged, though a stop was asked for.
  const quick = await openScorer({weights: {accuracy: 1}, signal: stop.signal});
  try {
    assert.equal((await quick.score([item(exact, '<answer> so </answer>')])).length, 1);
  } finally {
    await quick.close();
  }
});

test('a scorer for one piece of work is closed however that ends, and what ended it is told', async () => {
  const notes: string[] = [];
  const options = {refs: {rewards: [rewardRef('endless')]}, weights: {endless: 1}, timeoutMs: 200};
  const failing = withScorer({...options, note: (text) => void notes.push(text)}, async (scorer) => {
    await scorer.score(['hang', 'a', 'hang'].map((text) => item(exact, text)));
    throw new RangeError('no such luck');
  });
  await assert.rejects(failing, RangeError);
  assert.match(notes.at(-1)!, /^2 completions were not judged/, 'said when it is closed');
});
