/** Ranges of params, in words and as a check, and what a stage may say of its params. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {declareParams, described, isWithin, rangeText} from '../../pipeline/params.js';
import type {NumberRange} from '../../pipeline/params.js';
import {defineStage} from '../../pipeline/stage.js';
import type {AnyStage} from '../../pipeline/stage.js';
import {stageMistakes} from '../../pipeline/wiring/check-declarations.js';

test('a range is said in words', () => {
  const words: readonly (readonly [NumberRange, string])[] = [
    [{}, 'a number'],
    [{whole: true}, 'a whole number'],
    [{from: 1, whole: true}, 'a whole number, 1 or more'],
    [{from: 0}, '0 or more'],
    [{above: 0}, 'above 0'],
    [{to: 5}, 'at most 5'],
    [{from: 0, to: 1, what: 'a share'}, 'a share, from 0 to 1'],
    [{from: 0, below: 1}, '0 or more and below 1'],
    [{above: 0, to: 9, what: 'milliseconds'}, 'milliseconds, above 0 and at most 9'],
    [
      {from: 2, whole: true, why: 'one has nobody to learn from'},
      'a whole number, 2 or more: one has nobody to learn from',
    ],
  ];
  for (const [range, text] of words) assert.equal(rangeText(range), text);
});

test('a number is in a range with its bounds, or without those that are left out of it', () => {
  const within = (range: NumberRange, ...values: readonly (number | string | null)[]): readonly boolean[] =>
    values.map((value) => isWithin(range, value));
  assert.deepEqual(within({from: 0, to: 1}, -0.1, 0, 1, 1.1), [false, true, true, false]);
  assert.deepEqual(within({above: 0, below: 1}, 0, 0.5, 1), [false, true, false]);
  assert.deepEqual(within({whole: true}, -3, 0.5, 2 ** 53), [true, false, false]);
  assert.deepEqual(within({}, NaN, Infinity, '1', null, 7), [false, false, false, false, true]);
});

test('a form without a test leaves the check to the stage', () => {
  assert.equal(isWithin({should: 'a record'}, 5), true);
  assert.equal(isWithin({should: 'a', isRight: (value) => value === 'a'}, 'b'), false);
});

test('declarations are defaults, choices and what is said, each under the name of its param', () => {
  const declared = declareParams({
    steps: described(4, 'Updates.', {from: 1}),
    ratio: described('token', 'Of what.', ['token', 'sequence']),
  });
  assert.deepEqual(declared, {
    params: {steps: 4, ratio: 'token'},
    about: {steps: {text: 'Updates.', range: {from: 1}}, ratio: {text: 'Of what.'}},
    choices: {ratio: ['token', 'sequence']},
  });
  // @ts-expect-error a default that is none of the choices
  described('word', 'Of what.', ['token', 'sequence']);
  // @ts-expect-error a number without a range
  described(4, 'Updates.');
});

test('what a stage says of params that it does not have, or not in words, is a mistake of the stage', () => {
  const mistakes = (about: object): readonly string[] =>
    stageMistakes({
      ...defineStage({
        module: import.meta.url,
        name: 'own',
        inputs: {},
        outputs: {},
        params: {rows: 5},
        run: async () => undefined,
      }),
      about,
    } as AnyStage);
  assert.deepEqual(mistakes({rows: 'Rows to keep.'}), []);
  assert.deepEqual(mistakes({row: 'Rows.'}), ['stage “own”: about.row: it has no param “row”, did you mean “rows”?']);
  assert.deepEqual(mistakes({rows: 5}), ['stage “own”: about.rows is 5, not a sentence or {text: …}']);
  assert.deepEqual(mistakes({rows: {text: ''}}), ['stage “own”: about.rows is an object, not a sentence or {text: …}']);
  assert.deepEqual(mistakes({rows: {text: 'Rows.', range: {form: 1}}}), [
    'stage “own”: about.rows.range has no “form”, did you mean “from”?',
  ]);
  assert.deepEqual(mistakes({rows: {text: 'Rows.', range: {from: '1'}}}), [
    'stage “own”: about.rows.range.from is "1", not a number',
  ]);
});
