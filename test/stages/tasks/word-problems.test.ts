/** Word problems: right answers, forms and numbers on one side each, and questions that a person can read. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {taskPrompts} from '../../../stages/tasks/own-data.js';
import {splitOf} from '../../../stages/tasks/splits.js';
import {PEOPLE, STORIES} from '../../../stages/tasks/word-problems/stories.js';
import {wordProblems} from '../../../stages/tasks/word-problems/index.js';
import {readCompletion} from '../../../stages/text/completion.js';
import {random} from '../../../stages/random.js';

const problems = Array.from({length: 3_000}, (_, index) => wordProblems.problems(random(0, 'test', index)));
const sets = taskPrompts([wordProblems], {seed: 5, train: 2_000});

test('each line of a solution is true, and the last one gives the answer', () => {
  for (const {solution = '', answer, steps, question} of problems) {
    const lines = solution.split('\n');
    assert.equal(lines.length, steps);
    let now: number | undefined;
    for (const line of lines) {
      const [left, sign, right, value] = /^(\d+) ([-+*/]) (\d+) = (\d+)$/.exec(line)!.slice(1) as [
        string,
        string,
        string,
        string,
      ];
      const by = {'+': 1, '-': -1}[sign];
      const worked =
        by === undefined
          ? sign === '*'
            ? Number(left) * Number(right)
            : Number(left) / Number(right)
          : Number(left) + by * Number(right);
      assert.equal(worked, Number(value), line);
      if (now !== undefined) assert.equal(Number(left), now, `${solution} goes on from what it has`);
      now = Number(value);
      // What a person needs is in the question.
      assert.match(question, new RegExp(`\\b${right}\\b`));
    }
    assert.equal(String(now), answer);
  }
});

test('held-out problems have forms and numbers that are not trained on', () => {
  const trained = new Set(sets.train.map(({cluster}) => cluster));
  assert.deepEqual([sets.train.length, sets.validation.length, sets.heldOut.length], [2_000, 60, 300]);
  assert.deepEqual(sets.notes, []);
  for (const {cluster} of [...sets.heldOut, ...sets.validation]) assert.ok(!trained.has(cluster));
  const forms = new Set(sets.heldOut.map(({cluster}) => cluster));
  assert.ok(forms.size >= 80, `${forms.size} held-out forms`);
  for (const {cluster, solution = ''} of problems)
    assert.equal(splitOf(`numbers:${solution.split('\n').join()}`), splitOf(`form:${cluster}`));
  // Enough of each for a row of its own in a table of scores.
  for (const steps of [1, 2, 3]) assert.ok(sets.heldOut.filter((prompt) => prompt.steps === steps).length >= 15);
});

test('two thirds of the problems have one step, a quarter two, a twelfth three', () => {
  for (const [steps, share] of [
    [1, 2 / 3],
    [2, 1 / 4],
    [3, 1 / 12],
  ] as const) {
    const found = problems.filter((problem) => problem.steps === steps).length / problems.length;
    // Three standard deviations of a count of 3,000 are 0.03; the sides of the split favour some forms besides.
    assert.ok(Math.abs(found - share) < 0.04, `${steps} steps: ${found.toFixed(3)}`);
  }
});

test('questions are whole sentences, without a count of one', () => {
  for (const {question} of problems) {
    assert.match(question, /^[A-Z].*[.?]$/);
    assert.doesNotMatch(question, /undefined|\.\.|\?\.|  |\b[01] /);
    assert.doesNotMatch(question, /\ba [aeiou]|\ban (?!hour)[^aeiou]/i);
    for (const sentence of question.split(/(?<=[.?]) /)) assert.match(sentence, /^[A-Z]/);
  }
  const numbers = problems.filter(({question, steps = 0}) => question.match(/\d+/g)!.length > steps + 1);
  assert.ok(numbers.length > 600 && numbers.length < 1_500, `${numbers.length} have a count beside the point`);
  assert.equal(new Set(STORIES.map(({id}) => id)).size, STORIES.length);
});

test('each sentence names what it counts, as a count beside the point may stand in front of it', () => {
  for (const {id, things, start, packs, more, fewer, share} of STORIES)
    for (const who of PEOPLE) {
      const counted = [...start, ...more, ...fewer].map((say) => say(who, 57));
      for (const say of packs) {
        const sentence = say(who, 57, 68);
        assert.match(sentence, /\b57\b.*\b68\b|\b68\b.*\b57\b/);
        counted.push(sentence);
      }
      for (const sentence of counted) assert.match(sentence, new RegExp(`\\b${things}\\b`), id);
      for (const sentence of counted) assert.match(sentence, /\b57\b/);
      for (const {deal} of share) assert.match(deal(who, 57), new RegExp(`\\ball .*(?:${things}|money)\\b.* 57 `), id);
    }
});

test('what each one has is asked in the words by which it was dealt out', () => {
  for (const {id, share} of STORIES)
    for (const {deal, ask, find} of share) {
      const dealt = deal(PEOPLE[0]!, 57);
      const [, where] = /((?:(?:in|on|at) )?each \w+)/.exec(ask)!;
      for (const text of [dealt, find]) assert.ok(text.includes(where!), `${id}: ${text} ${ask}`);
      // Nothing else in the story is told by the same word: "each box" is one of those that the things were dealt to.
      const one = where!.split(' ').at(-1)!;
      const story = STORIES.find((candidate) => candidate.id === id)!;
      for (const sentence of [
        ...story.start.map((say) => say(PEOPLE[0]!, 57)),
        ...story.packs.map((say) => say(PEOPLE[0]!, 57, 68)),
      ])
        assert.doesNotMatch(sentence, new RegExp(`\\b${one}(?:s|es)?\\b`), `${id}: ${sentence} ${ask}`);
    }
});

test('counts beside the point make sense, and nobody is "he" or "she" but the person of the story', () => {
  for (const {aside, more, fewer, share} of STORIES) {
    for (const {low, high, say} of aside) {
      assert.ok(low >= 2 && low < high);
      assert.match(say(PEOPLE[0]!, low), new RegExp(`\\b${low}\\b`));
      assert.doesNotMatch(say(PEOPLE[0]!, low), /\b(?:[hH]e|[sS]he|friends)\b/);
    }
    const [woman, man] = ['she', 'he'].map((he) => PEOPLE.find((who) => who.he === he)!);
    const said = (who: typeof woman): string =>
      [...more, ...fewer, ...share.map(({deal}) => deal)].map((say) => say(who!, 57)).join('. ');
    assert.doesNotMatch(said(woman), /\b(?:he|his|sister|aunt)\b/);
    assert.doesNotMatch(said(man), /\b(?:she|her|brother|uncle)\b/);
  }
});

test('no problem tells two deeds in the same words', () => {
  for (const {question} of problems) {
    const sentences = question.replace(/\d+/g, '#').split(/(?<=[.?]) /);
    assert.equal(new Set(sentences).size, sentences.length, question);
  }
});

test('a right completion is written down as a person would do it', () => {
  const prompt = sets.train.find(({steps}) => steps === 2)!;
  const completion = readCompletion(`<think> First I count everything.\nSo there are ${prompt.answer!}.`, true);
  const mended = wordProblems.mend!(prompt, completion, {maxWords: 20});
  assert.match(prompt.solution!, /^\d+ . \d+ = \d+\n\d+ . \d+ = \d+$/);
  assert.deepEqual(mended, {
    ok: true,
    value: `<think> ${prompt.solution!} </think> <answer> ${prompt.answer!} </answer>`,
  });
  assert.equal(wordProblems.mend!(prompt, completion, {maxWords: 3}).ok, false);
});
