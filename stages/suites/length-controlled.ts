/**
 * The length-controlled win rate of AlpacaEval 2 (Dubois et al., arXiv 2404.04475), as the package `alpaca_eval` 0.6.6 fits it: a
 * logistic regression of the preferences on tanh of the length by which the baseline's reply is longer, in standard deviations; on how
 * difficult the instruction is; and on the model itself. The rate is the mean of what it predicts where no reply is longer. The
 * package's `length_controlled_v1` also learns from replies of the baseline that were told to be short or long, a tenth of the weight
 * each, in a file with the difficulties; `length_controlled_noreg` does without.
 */
import {StageFailure} from '../../pipeline/stage.js';
import {sourceRows} from '../data/import/rows.js';
import {valueAt, type SourceRow} from '../data/import/values.js';
import {DRAWS, mean, percentileInterval} from '../evaluation/intervals.js';
import type {Score} from '../evaluation/index.js';
import {random} from '../random.js';
import type {NamedFile} from './problems.js';
import {formatOf, missing, scalarOf} from './row.js';
import {FOLDS, fitLogistic, predicted, strengthOf, type Observation} from './sparse-logistic.js';
import type {Suite} from './suite.js';

/** Two gamed baselines share the package's λ of 0.2. */
const GAMED_WEIGHT = 0.1;

/** What is known of the instructions. */
export interface Difficulties {
  /** Of an instruction, by its place in the file of questions, else by its text. */
  of(place: number, instruction: string): number | undefined;
  /** Replies of the baseline that were told to be short or long; empty in a file of difficulties alone. */
  readonly gamed: readonly Observation[];
}

/** A reply beside the baseline's. */
export interface Compared {
  /** Which problem it answers; replies to one share a weight of 1. */
  readonly problem: number;
  /** Characters (code points), as the package counts them. */
  readonly baselineLength: number;
  readonly length: number;
  readonly difficulty: number;
  /** How probable it is that the reply is better; `undefined` where that was not judged. */
  readonly preference: number | undefined;
}

const INDEX = ['index', 'column 1'];
const DIFFICULTY = 'instruction_difficulty';
const LENGTH = 'std_delta_len';

/**
 * Reads `df_gamed.csv` or `instruction_difficulty.csv` of the package's data set. Instructions are named by `index`, their place among
 * the questions from 0, or by a column `instruction`.
 *
 * @throws {StageFailure} where a row is not of such a file
 */
export async function readDifficulties(suite: Suite, files: readonly NamedFile[]): Promise<Difficulties> {
  const known = new Map<string, number>();
  const gamed: Observation[] = [];
  for (const {path, name} of files)
    for await (const row of sourceRows(path, name, {format: formatOf(name)})) {
      const text = scalarOf(valueAt(row.fields, 'instruction'));
      const index = INDEX.find((one) => valueAt(row.fields, one) !== undefined);
      if (text === undefined && index === undefined) throw missing(suite, row, ['index', 'instruction']);
      const key = text === undefined ? `#${numberIn(suite, row, index!)}` : `=${text}`;
      const difficulty = numberIn(suite, row, DIFFICULTY);
      const isGamed = valueAt(row.fields, LENGTH) !== undefined;
      // A file of gamed baselines has each instruction once for either.
      if (known.has(key) && !isGamed)
        throw new StageFailure(
          `${row.at}: ${key.slice(1, 61)} has a difficulty above already; is it the same file twice?`,
        );
      if (!known.has(key)) known.set(key, difficulty);
      // The package leaves out what was not judged.
      if (!isGamed || scalarOf(valueAt(row.fields, 'preference')) === '') continue;
      gamed.push({
        features: [Math.tanh(numberIn(suite, row, LENGTH)), difficulty, 0],
        target: numberIn(suite, row, 'preference'),
        weight: GAMED_WEIGHT,
        group: `gamed ${gamed.length}`,
      });
    }
  return {of: (place, instruction) => known.get(`=${instruction}`) ?? known.get(`#${place}`), gamed};
}

function numberIn(suite: Suite, row: SourceRow, field: string): number {
  const value = valueAt(row.fields, field);
  if (value === undefined) throw missing(suite, row, [field]);
  const text = scalarOf(value) ?? '';
  const number = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(number)) return number;
  throw new StageFailure(`${row.at}: “${field}” is “${text.slice(0, 60)}”, where a number is expected`);
}

/** What came of the fit: the score, or why there is none. */
export type LengthControlled =
  {readonly score: Score; readonly weights: readonly number[]} | {readonly refused: string};

/**
 * The rate with its interval, which draws problems and fits anew under the same penalty; the package tells a standard error of the
 * predictions under one fit, which is far smaller.
 *
 * @param metric its name
 */
export function lengthControlled(
  replies: readonly Compared[],
  gamed: readonly Observation[],
  {metric, seed}: {readonly metric: string; readonly seed: number},
): LengthControlled {
  const gaps = replies.map(({baselineLength, length}) => baselineLength - length);
  const spread = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean(gaps)) ** 2, 0) / (gaps.length - 1));
  if (!(spread > 0)) return {refused: 'all replies differ from the baseline’s by the same length'};
  const judged = new Map<number, number>();
  for (const {problem, preference} of replies)
    if (preference !== undefined) judged.set(problem, (judged.get(problem) ?? 0) + 1);
  const own = replies.flatMap(({problem, difficulty, preference}, place): (Observation & {readonly group: number})[] =>
    preference === undefined
      ? []
      : [
          {
            features: [Math.tanh(gaps[place]! / spread), difficulty, 1],
            target: preference,
            weight: 1 / judged.get(problem)!,
            group: problem,
          },
        ],
  );
  if (own.length === 0) return {refused: 'no reply was judged'};
  const strength = strengthOf([...gamed, ...own]);
  if (strength === undefined) return {refused: `the fit wants ${FOLDS} replies that were judged at least`};
  const weights = fitLogistic([...gamed, ...own], strength);
  const difficultyOf = new Map(replies.map(({problem, difficulty}) => [problem, difficulty]));
  const problems = [...difficultyOf.keys()];
  const rate = (fitted: readonly number[], drawn: readonly number[]): number =>
    mean(drawn.map((problem) => predicted(fitted, [0, difficultyOf.get(problem)!, 1])));
  const draws = Float64Array.from({length: DRAWS}, (_, draw) => {
    const next = random(seed, 'suite/length-controlled', draw);
    const drawn = problems.map(() => next.pick(problems));
    const times = new Map<number, number>();
    for (const problem of drawn) times.set(problem, (times.get(problem) ?? 0) + 1);
    const counted = own.flatMap((one) => {
      const count = times.get(one.group);
      return count === undefined ? [] : [{...one, weight: one.weight * count}];
    });
    return rate(fitLogistic([...gamed, ...counted], strength, weights), drawn);
  }).sort();
  return {
    weights,
    score: {
      metric,
      mean: rate(weights, problems),
      ...percentileInterval(draws),
      problems: problems.length,
      samples: replies.length,
    },
  };
}
