/** Advantages of stored groups, which are not in their rows. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {isShuffled, withAdvantages} from '../../../stages/samples/advantages.js';
import type {StoredSample} from '../../../stages/samples/index.js';

const group = (...rewards: (number | undefined)[]): StoredSample[] =>
  rewards.map((reward, sample) => ({
    ...{id: `p#${sample}`, file: '', line: sample + 1, sample, text: '', tokens: 10 * (sample + 1)},
    ...(reward === undefined ? {} : {reward}),
  }));
const PARAMS = {group: 4, divideByStd: true, stdFloor: 0.05};
const of = (samples: readonly StoredSample[], params: Record<string, unknown>): unknown[] =>
  withAdvantages(samples, params).map(({advantage}) => advantage);

test('advantages are those of the stage: over the standard deviation, its floor, or the difference alone', () => {
  // Mean 0.5, standard deviation 0.5.
  assert.deepEqual(of(group(1, 0, 0, 1), PARAMS), [1, -1, -1, 1]);
  assert.deepEqual(of(group(1, 0, 0, 1), {...PARAMS, stdFloor: 2}), [0.25, -0.25, -0.25, 0.25]);
  assert.deepEqual(of(group(1, 0, 0, 1), {...PARAMS, divideByStd: false}), [0.5, -0.5, -0.5, 0.5]);
  assert.deepEqual(of(group(2, 2, 2, 2), PARAMS), [0, 0, 0, 0]);
});

test('DAPO’s penalty for length is counted, and is a part of the reward', () => {
  // Of 10, 20, 30, 40 tokens: 0 up to 20, then half of the margin, then all of it.
  const found = withAdvantages(group(1, 1, 1, 1), {
    ...{...PARAMS, divideByStd: false},
    ...{overlongMargin: 20, maxNewTokens: 40},
  });
  // Earned 1, 1, 0.5, 0: mean 0.625.
  assert.deepEqual(
    found.map(({advantage}) => advantage),
    [0.375, 0.375, -0.125, -0.625],
  );
  assert.deepEqual(found[2]!.rewards, [{name: 'overlong', value: -0.5, weight: 1}]);
  assert.equal(found[0]!.rewards, undefined);
});

test('where they cannot be known there are none', () => {
  const none = [undefined, undefined, undefined, undefined];
  assert.deepEqual(of(group(1, 0, 0), PARAMS), none.slice(1), 'a completion is missing');
  assert.deepEqual(of(group(1, 0, undefined, 1), PARAMS), none, 'one has no reward');
  assert.deepEqual(of(group(1, 0, 0, 1), {}), none, 'another stage');
  const twice = group(1, 0, 0, 1).map((sample) => ({...sample, sample: 0}));
  assert.deepEqual(of(twice, PARAMS), none, 'one completion four times');
  const shuffled = {...PARAMS, shuffleRewards: true};
  assert.deepEqual(of(group(1, 0, 0, 1), shuffled), none, 'rewards were dealt out anew');
  assert.deepEqual([isShuffled(shuffled), isShuffled(PARAMS), isShuffled()], [true, false, false]);
});
