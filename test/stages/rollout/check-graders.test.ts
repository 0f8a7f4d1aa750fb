import assert from 'node:assert/strict';
import test from 'node:test';

import {StageFailure} from '../../../pipeline/stage.js';
import {builtInJudges, scoreCompletion} from '../../../stages/rewards/index.js';
import {checkKnownPairs, entropyWarning, lookAt, NOTHING_SEEN} from '../../../stages/rollout/check-graders.js';
import type {GroupScorer} from '../../../stages/rollout/group-scorer.js';
import type {Trace} from '../../../stages/rollout/minibatches.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';

const asked = (id: string, task: string, answer?: string): Prompt => ({
  id,
  from: [],
  task,
  key: id,
  question: 'q',
  ...(answer === undefined ? {} : {answer}),
});

/** Judges as the thread does, or as `outcome` says. */
const scorerWith = (outcome?: (prompt: Prompt, answer: string) => 'right' | 'wrong'): GroupScorer => ({
  score: (groups) =>
    Promise.resolve(
      groups.map((group) =>
        group.map((rollout) => {
          const {prompt, completion} = rollout;
          const {verdicts, total} = scoreCompletion(prompt, completion, {accuracy: 1}, {}, builtInJudges);
          if (outcome === undefined) return {rollout, verdicts, reward: total};
          const said = outcome(prompt, completion.answer!);
          return {
            rollout,
            verdicts: {...verdicts, accuracy: {outcome: said, value: Number(said === 'right')}},
            reward: 0,
          };
        }),
      ),
    ),
  close: () => Promise.resolve(),
});

const numbers = Array.from({length: 40}, (_, index) => asked(`p${index}`, 'integer', String(index % 20)));
const notes: string[] = [];
const checking = (scorer: GroupScorer) => ({scorer, seed: 1, note: (text: string) => void notes.push(text)});

test('good graders pass on known pairs, and what nobody can check is left alone', async () => {
  await checkKnownPairs(
    [...numbers, asked('a', 'exact', 'Paris'), asked('b', 'exact', 'Rome')],
    checking(scorerWith()),
  );
  await checkKnownPairs([asked('g', 'general'), asked('own', 'sorting', 'a b')], checking(scorerWith(() => 'wrong')));
  assert.deepEqual(notes, []);
});

test('known answers are said where answers are looked for', async () => {
  const said: string[] = [];
  const scorer = scorerWith((prompt, answer) => {
    said.push(answer);
    return prompt.answer === answer ? 'right' : 'wrong';
  });
  const boxed: GroupScorer = {
    ...scorer,
    score: (groups) => {
      const texts = groups.flat().map(({completion}) => completion.reply);
      assert.ok(
        texts.every((text) => /^\\boxed\{\d+\}$/.test(text)),
        texts[0],
      );
      const unmarked = groups.map((group) =>
        group.map((one) => ({...one, completion: {...one.completion, answer: one.completion.reply.slice(7, -1)}})),
      );
      return scorer.score(unmarked);
    },
  };
  await checkKnownPairs(numbers, {...checking(boxed), extraction: 'box'});
  assert.ok(said.length > 40);
});

test('a grader that refuses references, or takes any answer, ends the stage with an example', async () => {
  await assert.rejects(
    checkKnownPairs(numbers, checking(scorerWith(() => 'wrong'))),
    (error: Error) =>
      error instanceof StageFailure &&
      /^40 of 40 references are not right as answers to their own questions, such as “\d+” for prompt p\d+, whose reference is “\d+” \(wrong\)/.test(
        error.message,
      ),
  );
  await assert.rejects(
    checkKnownPairs(numbers, checking(scorerWith(() => 'right'))),
    /references are right as answers to another question, such as/,
  );
  // One in forty is told, and no more.
  const odd = scorerWith((prompt, answer) => (answer === prompt.answer && prompt.id !== 'p7' ? 'right' : 'wrong'));
  await checkKnownPairs(numbers, checking(odd));
  assert.match(notes.pop()!, /^1 of 40 references are not right .*p7/);
});

const trace = (fields: Partial<Trace>): Trace => ({
  ...{id: 'p#0', reward: 0, accuracy: 0, format: 0, language: null, helpful: null, safe: null, tokens: 4},
  ...{finished: true, unparsable: false, reflective: 0, groupSpread: 0},
  ...fields,
});
const groupsOf = (count: number, ...traces: Trace[]) => Array.from({length: count}, () => ({traces}));
const options = {enough: 32, isSpreadDue: true, maxNewTokens: 51};

test('groups are looked at until there are enough, and one with a spread will do', () => {
  const dull = groupsOf(16, trace({}), trace({}));
  const once = lookAt(NOTHING_SEEN, dull, options)!;
  assert.deepEqual([once.groups, once.completions, once.spread], [16, 32, 0]);
  assert.equal(lookAt(once, [...dull.slice(1), ...groupsOf(1, trace({groupSpread: 0.5}))], options), undefined);
  assert.throws(
    () => lookAt(once, groupsOf(16, trace({reward: 0.5}), trace({reward: 0.5})), options),
    /^StageFailure: in none of the first 32 groups of 2 completions do the rewards differ \(their mean is 0\.250\)/,
  );
  assert.equal(lookAt(once, dull, {...options, isSpreadDue: false}), undefined); // general prompts are still to come
  assert.equal(lookAt(NOTHING_SEEN, dull, {...options, enough: 0}), undefined);
});

test('a policy that next to never answers is refused, with the numbers and what to change', () => {
  const cut = trace({finished: false, groupSpread: 0.5});
  const odd = trace({unparsable: true, groupSpread: 0.5});
  const good = trace({groupSpread: 0.5});
  assert.throws(
    () => lookAt(NOTHING_SEEN, groupsOf(32, ...Array<Trace>(15).fill(cut), odd), options),
    /^StageFailure: of the first 512 completions, 480 were cut off at 51 tokens and 32 gave no answer .*Raise maxNewTokens/,
  );
  assert.throws(() => lookAt(NOTHING_SEEN, groupsOf(32, odd, odd), options), /Try another template/);
  // Nine in ten are not more than nine in ten.
  assert.equal(lookAt(NOTHING_SEEN, groupsOf(32, ...Array<Trace>(9).fill(cut), good), options), undefined);
});

test('low entropy is told with its number, and is no reason to stop', () => {
  assert.match(entropyWarning(0.04)!, /0\.040 nats/);
  assert.equal(entropyWarning(0.1), undefined);
});
