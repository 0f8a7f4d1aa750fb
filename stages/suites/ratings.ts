/**
 * Ratings of a model that solved some problems of contests at the first attempt, and others not, on the scale of Codeforces, where a
 * player of rating r beats one of rating d with probability 1 / (1 + 10^((d − r) / 400)) (https://codeforces.com/blog/entry/20762).
 *
 * - problem-rating: the r under which what was solved and what was not is likeliest, with the ratings of the problems as d.
 * - contest-rating: in each contest the r whose expected rank among its participants is the rank that was achieved, averaged over the
 *   contests. Ranks go by how much is solved, for model and participants alike: nobody knows when the model would have sent it in.
 *
 * Both are bounded to [0, 4000], and where all or nothing is solved they are a bound and no estimate. Intervals draw contests.
 */
import {random} from '../random.js';
import {DRAWS, percentileInterval} from '../evaluation/intervals.js';
import type {Score} from '../evaluation/index.js';

/** Ratings that are told apart. */
export const LOWEST = 0;
export const HIGHEST = 4000;

/** Chance that a player of a rating beats another. */
const beats = (rating: number, other: number): number => 1 / (1 + 10 ** ((other - rating) / 400));

/** A problem and what came of the first attempt at it. */
export interface Attempt {
  readonly contest: string;
  /** Of the problem, as the contest calls it: A, B, C1. */
  readonly index: string;
  /** Of the problem; undefined where it has none. */
  readonly rating?: number | undefined;
  readonly solved: boolean;
}

/** Who took part in a contest. */
export interface Participant {
  /** Before the contest. */
  readonly rating: number;
  /** Problems solved, by what the contest calls them. */
  readonly solved: readonly string[];
}

/** Where a function that falls with the rating crosses zero, within the bounds; the bounds where it does not. */
function crossing(value: (rating: number) => number): number {
  let [low, high] = [LOWEST, HIGHEST];
  if (value(low) <= 0) return low;
  if (value(high) >= 0) return high;
  while (high - low > 1e-6) {
    const middle = (low + high) / 2;
    if (value(middle) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The rating under which these attempts are likeliest: as many are solved as are expected to be. */
export function problemRating(attempts: readonly Attempt[]): number {
  const rated = attempts.filter(({rating}) => rating !== undefined);
  const solved = rated.filter((one) => one.solved).length;
  return crossing((rating) => solved - rated.reduce((sum, one) => sum + beats(rating, one.rating!), 0));
}

/** The rating whose expected rank in a contest is the one that was achieved; ties share the middle of their ranks. */
export function contestRating(solved: number, participants: readonly Participant[]): number {
  const better = participants.filter((one) => one.solved.length > solved).length;
  const equal = participants.filter((one) => one.solved.length === solved).length;
  const achieved = 1 + better + equal / 2;
  const expected = (rating: number): number =>
    1 + participants.reduce((sum, one) => sum + beats(one.rating, rating), 0);
  return crossing((rating) => expected(rating) - achieved);
}

/** The share of players, in [0, 1], whose rating is below one; those of the same rating count half. */
export const percentileOf = (rating: number, ratings: readonly number[]): number =>
  ratings.reduce((sum, one) => sum + (one < rating ? 1 : one === rating ? 0.5 : 0), 0) / ratings.length;

/** Attempts by their contests. */
function byContest(attempts: readonly Attempt[]): (readonly Attempt[])[] {
  const names = [...new Set(attempts.map(({contest}) => contest))];
  return names.map((name) => attempts.filter(({contest}) => contest === name));
}

/** A statistic of contests with its interval by a bootstrap that draws contests. */
function overContests(
  metric: string,
  contests: readonly (readonly Attempt[])[],
  statistic: (contests: readonly (readonly Attempt[])[]) => number,
  seed: number,
): Score {
  const draws = random(seed, 'suite/contests');
  const drawn = Float64Array.from({length: DRAWS}, () => statistic(contests.map(() => draws.pick(contests)))).sort();
  const problems = contests.flat().length;
  return {metric, mean: statistic(contests), ...percentileInterval(drawn), problems, samples: problems};
}

/** problem-rating, of those attempts whose problem has a rating; none where there are no such. */
export function problemRatingScore(attempts: readonly Attempt[], seed: number): Score[] {
  const contests = byContest(attempts.filter(({rating}) => rating !== undefined));
  if (contests.length === 0) return [];
  return [overContests('problem-rating', contests, (drawn) => problemRating(drawn.flat()), seed)];
}

/** contest-rating, and what of the players it is above, where their ratings are known. */
export function contestScores(
  attempts: readonly Attempt[],
  {
    standings,
    ratings,
    seed,
  }: {
    /** Participants by contest; every contest of the attempts has some. */
    readonly standings: ReadonlyMap<string, readonly Participant[]>;
    /** Of all players. */
    readonly ratings?: readonly number[] | undefined;
    readonly seed: number;
  },
): Score[] {
  const contests = byContest(attempts);
  const known = new Map(
    contests.map((contest) => {
      const indices = contest.filter((one) => one.solved).map(({index}) => index);
      return [contest, contestRating(indices.length, standings.get(contest[0]!.contest)!)] as const;
    }),
  );
  const average = (drawn: readonly (readonly Attempt[])[]): number =>
    drawn.reduce((sum, contest) => sum + known.get(contest)!, 0) / drawn.length;
  const rating = overContests('contest-rating', contests, average, seed);
  if (ratings === undefined) return [rating];
  const {mean, low, high} = rating;
  const share = (one: number): number => percentileOf(one, ratings);
  return [rating, {...rating, metric: 'percentile', mean: share(mean), low: share(low), high: share(high)}];
}
