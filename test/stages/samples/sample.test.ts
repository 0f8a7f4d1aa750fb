/** Rows of every stage that stores completions, read as one thing. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {readStoredRow} from '../../../stages/samples/sample.js';
import type {ReadOptions, StoredRow} from '../../../stages/samples/sample.js';

const PLACE = {name: 'zero:rollouts @1234abcd', file: 'rows.jsonl', line: 7};
const read = (row: unknown, options?: ReadOptions): StoredRow => readStoredRow(row, PLACE, options);
const AT = {file: 'rows.jsonl', line: 7};

test('a rollout of reinforcement learning has its rewards by part, with the weight of those that count', () => {
  const row = {
    id: 'step-4:p#3',
    from: ['p'],
    step: 4,
    question: '2 + 2?',
    completion: '4',
    tokens: 2,
    finished: true,
    reward: 1.05,
    verdicts: {
      accuracy: {outcome: 'right', value: 1, why: 'equal'},
      language: {outcome: 'wrong', value: 0.5},
      repetition: {outcome: 'right', value: 1},
      length: {outcome: 'left-out', value: 1},
    },
    preference: {helpful: 0.25},
  };
  const {samples, ...about} = read(row, {weights: {accuracy: 1, language: 0.1, helpful: 2}});
  assert.deepEqual(about, {id: 'step-4:p#3', prompt: 'p', step: 4, question: '2 + 2?'});
  assert.deepEqual(samples, [
    {
      ...AT,
      id: 'step-4:p#3',
      sample: 3,
      text: '4',
      tokens: 2,
      finished: true,
      reward: 1.05,
      outcome: 'right',
      why: 'equal',
      rewards: [
        {name: 'accuracy', value: 1, weight: 1, outcome: 'right', why: 'equal'},
        {name: 'language', value: 0.5, weight: 0.1, outcome: 'wrong'},
        {name: 'repetition', value: 1, outcome: 'right'},
        {name: 'helpful', value: 0.25, weight: 2},
      ],
    },
  ]);
});

test('what a row does not say is absent, and not 0', () => {
  const [sample] = read({id: 'a', completion: 'x', tokens: null}).samples;
  assert.deepEqual(sample, {...AT, id: 'a', text: 'x'});
});

test('a sifted rollout says what became of it; right is what passed the answer, where the stage looks at it first', () => {
  const outcome = (verdict: string, isAnswerFirst: boolean, finished = true): unknown =>
    read({id: 'p#0', from: ['p'], completion: '', finished, verdict}, {isAnswerFirst}).samples[0]!.outcome;
  assert.equal(outcome('answer wrong', false), 'wrong');
  assert.equal(outcome('answer timed-out', true), 'timed-out');
  assert.equal(outcome('mixed languages', true), 'right');
  assert.equal(outcome('kept', true), 'right');
  assert.equal(outcome('truncated', true, false), undefined);
  assert.equal(outcome('kept', false), undefined);
});

test('a scored response, a pair, a label, a supervised row, a document and a prompt are read', () => {
  const scored = read({
    id: 'p#1',
    from: ['p'],
    prompt: 'p',
    key: 'k',
    task: 'dials',
    language: 'zh',
    steps: 3,
    sample: 1,
    outcome: 'wrong',
    answer: '5',
    wellFormed: false,
    consistency: null,
    tokens: 3,
    truncated: true,
    helpful: null,
    safe: false,
    reflective: 2,
    text: '5',
  });
  assert.deepEqual(scored, {
    ...{id: 'p#1', prompt: 'p', key: 'k', task: 'dials', language: 'zh', steps: 3},
    samples: [
      {
        ...{...AT, id: 'p#1', sample: 1, text: '5', tokens: 3, finished: false, outcome: 'wrong'},
        ...{answer: '5', safe: false, wellFormed: false, reflective: 2},
      },
    ],
  });

  const pair = read({id: 'pair:p#2:5', from: ['p#2', 'p#5'], question: '?', chosen: 'yes', rejected: 'no'});
  assert.equal(pair.prompt, 'p');
  assert.deepEqual(
    pair.samples.map(({role, sample, text}) => [role, sample, text]),
    [
      ['preferred', 2, 'yes'],
      ['rejected', 5, 'no'],
    ],
  );

  const label = read({id: 'safety:p#2', from: ['p#2'], question: '?', response: 'no', safe: true});
  assert.deepEqual([label.prompt, label.samples[0]!.safe, label.samples[0]!.sample], ['p', true, 2]);

  const long = 'x'.repeat(61);
  const supervised = read({id: 'g:1', from: ['s'], question: '?', response: 'a', quality: 'poor', long, list: [1]});
  assert.deepEqual(supervised.samples[0]!.notes, {quality: 'poor'});

  const document = read({id: 'corpus:1', from: [], prompt: 'user : ?', response: 'a'});
  assert.deepEqual([document.prompt, document.question], ['corpus:1', 'user : ?']);

  const prompt = read({id: 'p', from: ['elsewhere'], question: '?', answer: '4', references: ['4', 'four']});
  assert.deepEqual(prompt, {id: 'p', prompt: 'p', question: '?', references: ['4', 'four'], samples: []});
});

test('a prompt whose id ends like that of a completion stays itself', () => {
  assert.equal(read({id: 'step-0:row#3#1', from: ['row#3'], completion: 'x'}).prompt, 'row#3');
  assert.equal(read({id: 'row#3#1', from: ['row#3'], prompt: 'row#3', text: 'x'}).prompt, 'row#3');
});

test('what is no row is told with artifact, file, line and field', () => {
  const says = (row: unknown, message: RegExp): void => assert.throws(() => read(row), message);
  says([1], /^StageFailure: zero:rollouts @1234abcd, rows\.jsonl line 7: a list, where a row is an object$/);
  says({completion: 5}, /line 7: “completion” is a number, where a text is expected$/);
  says({completion: '', step: 'three'}, /“step” is a string, where a number is expected$/);
  says(
    {completion: '', verdicts: {accuracy: {outcome: 'right', value: 'all'}}},
    /“verdicts\.accuracy\.value” is a string/,
  );
  says({step: 1, loss: 2}, /no text that a model was asked or wrote .*; it has step, loss$/);
});
