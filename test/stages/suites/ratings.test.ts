/** Ratings by problems and by contests, worked out by hand. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {
  contestRating,
  contestScores,
  percentileOf,
  problemRating,
  problemRatingScore,
} from '../../../stages/suites/ratings.js';
import type {Attempt} from '../../../stages/suites/ratings.js';

const attempt = (contest: string, index: string, rating: number | undefined, solved: boolean): Attempt => ({
  ...{contest, index, rating, solved},
});
const near = (value: number, wanted: number): void =>
  assert.ok(Math.abs(value - wanted) < 1e-3, `${value}, not ${wanted}`);

test('problem-rating: as many are solved as are expected to be', () => {
  near(problemRating([attempt('1', 'A', 1500, true), attempt('1', 'B', 1500, false)]), 1500);
  // 2 of 3 problems of 1500: 1 / (1 + 10^((1500 − r) / 400)) = 2/3, so r = 1500 + 400 · log10(2).
  near(
    problemRating(['A', 'B', 'C'].map((index) => attempt('1', index, 1500, index !== 'C'))),
    1500 + 400 * Math.log10(2),
  );
  // 1200 solved and 1600 not: as far from both.
  near(problemRating([attempt('1', 'A', 1200, true), attempt('1', 'B', 1600, false)]), 1400);
});

test('problem-rating is a bound where all or nothing is solved, and leaves out problems without a rating', () => {
  assert.equal(problemRating([attempt('1', 'A', 1500, true)]), 4000);
  assert.equal(problemRating([attempt('1', 'A', 1500, false)]), 0);
  near(
    problemRating([attempt('1', 'A', 1500, true), attempt('1', 'B', 1500, false), attempt('1', 'C', undefined, true)]),
    1500,
  );
  assert.deepEqual(problemRatingScore([attempt('1', 'A', undefined, true)], 0), []);
});

test('its interval draws contests', () => {
  const even = ['1', '2', '3'].flatMap((contest) => [
    attempt(contest, 'A', 1500, true),
    attempt(contest, 'B', 1500, false),
  ]);
  const [same] = problemRatingScore(even, 0);
  near(same!.low, 1500);
  near(same!.high, 1500);
  const [wide] = problemRatingScore([attempt('1', 'A', 1500, true), attempt('2', 'A', 1500, false)], 0);
  assert.deepEqual([wide!.low, wide!.high], [0, 4000]);
  near(wide!.mean, 1500);
});

const players = (...solved: readonly number[]) =>
  solved.map((count) => ({rating: 1500, solved: ['A', 'B', 'C', 'D'].slice(0, count)}));

test('contest-rating: the expected rank is the rank that was achieved', () => {
  // Second of four beside three players of 1500: 1 + 3 · p = 2, so that each beats it with p = 1/3.
  near(contestRating(2, players(1, 1, 3)), 1500 + 400 * Math.log10(2));
  // A tie with one, better than the other: rank 1.5, 2 · p = 0.5.
  near(contestRating(2, players(2, 1)), 1500 + 400 * Math.log10(3));
  assert.equal(contestRating(3, players(1, 1, 2)), 4000, 'first of all is no estimate');
  near(contestRating(1, players(1)), 1500);
});

test('over contests it is averaged, and a percentile is among the players that are given', () => {
  const attempts = [attempt('1', 'A', 800, true), attempt('1', 'B', 900, false), attempt('2', 'A', 800, true)];
  const standings = new Map([
    ['1', players(1)],
    ['2', players(1, 0)],
  ]);
  const [rating, percentile] = contestScores(attempts, {standings, ratings: [1000, 1500, 1600, 3000], seed: 0});
  // 1500, and rank 1.5 of 3: 1500 + 400 · log10(3), so the mean is 1500 + 200 · log10(3) = 1595.4.
  near(rating!.mean, 1500 + 200 * Math.log10(3));
  assert.equal(percentile!.mean, 0.5);
  assert.equal(percentileOf(1500, [1000, 1500, 1600, 3000]), 0.375);
});
