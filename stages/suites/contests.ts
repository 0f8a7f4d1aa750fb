/** Contests of a suite: what was attempted in them, who else took part, and the ratings of players. */
import {StageFailure} from '../../pipeline/stage.js';
import {sourceRows} from '../data/import/rows.js';
import {isList, kindOf, valueAt} from '../data/import/values.js';
import type {SourceRow} from '../data/import/values.js';
import type {Sample, Score} from '../evaluation/index.js';
import type {NamedFile, Problems, SuiteFiles} from './problems.js';
import {contestScores, problemRatingScore, type Attempt, type Participant} from './ratings.js';
import {formatOf, scalarOf, textIn} from './row.js';
import type {Suite} from './suite.js';

/**
 * The ratings of a suite of contests: by the problems, and with standings by the contests.
 *
 * @throws {StageFailure} where a file is not what it should be, or a contest has no standings
 */
export async function contestMeasures(
  suite: Suite,
  {rows}: Pick<Problems, 'rows'>,
  groups: readonly (readonly Sample[])[],
  {files, seed}: {readonly files: SuiteFiles; readonly seed: number},
): Promise<Score[]> {
  const attempts = rows.map((row, index) => attemptOf(suite, row, groups[index]![0]!));
  const byProblems = problemRatingScore(attempts, seed);
  if (files.standings === undefined) {
    if (files.ratings !== undefined)
      throw new StageFailure(
        'a percentile is of the contest rating, which wants standings beside the ratings of players',
      );
    return byProblems;
  }
  const standings = await standingsIn(suite, files.standings);
  const without = attempts.find(({contest}) => !standings.has(contest));
  if (without !== undefined)
    throw new StageFailure(
      `${files.standings.map(({name}) => name).join(', ')}: nobody took part in contest ${without.contest}; there are ${[...standings.keys()].slice(0, 20).join(', ')}`,
    );
  const ratings = files.ratings === undefined ? undefined : await ratingsIn(suite, files.ratings);
  return [...contestScores(attempts, {standings, ratings, seed}), ...byProblems];
}

function attemptOf(suite: Suite, row: SourceRow, first: Sample): Attempt {
  const rating = valueAt(row.fields, 'rating');
  return {
    contest: textIn(suite, row, ['contest_id']),
    index: textIn(suite, row, ['index']),
    ...(rating === undefined || rating === null ? {} : {rating: numberIn(row, 'rating')}),
    solved: first.outcome === 'right',
  };
}

/** The contests that problems are of, each once. */
export const contestsOf = ({rows}: Pick<Problems, 'rows'>): string[] => [
  ...new Set(rows.map(({fields}) => scalarOf(valueAt(fields, 'contest_id')) ?? '?')),
];

/** A row for each participant of each contest: contest_id, rating before it, and solved, a list or a text with spaces. */
async function standingsIn(suite: Suite, files: readonly NamedFile[]): Promise<Map<string, Participant[]>> {
  const found = new Map<string, Participant[]>();
  for await (const row of rowsIn(files)) {
    const contest = textIn(suite, row, ['contest_id']);
    const value = valueAt(row.fields, 'solved');
    const solved = isList(value) ? value.map((one) => scalarOf(one) ?? '') : scalarOf(value)?.split(/\s+/);
    if (solved === undefined)
      throw new StageFailure(`${row.at}: “solved” is ${kindOf(value)}, where problems are: A B C1`);
    const participant = {rating: numberIn(row, 'rating'), solved: [...new Set(solved.filter((one) => one !== ''))]};
    const known = found.get(contest);
    if (known === undefined) found.set(contest, [participant]);
    else known.push(participant);
  }
  return found;
}

/** A row for each player, with its rating, as user.ratedList of Codeforces has it. */
async function ratingsIn(suite: Suite, files: readonly NamedFile[]): Promise<number[]> {
  const found: number[] = [];
  for await (const row of rowsIn(files)) found.push(numberIn(row, 'rating'));
  if (found.length === 0) throw new StageFailure(`${suite.title}: there are no ratings in ${files[0]!.name}`);
  return found;
}

async function* rowsIn(files: readonly NamedFile[]): AsyncGenerator<SourceRow> {
  for (const {path, name} of files) yield* sourceRows(path, name, {format: formatOf(name)});
}

function numberIn({fields, at}: SourceRow, field: string): number {
  const text = scalarOf(valueAt(fields, field))?.trim() ?? '';
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  throw new StageFailure(`${at}: “${field}” is ${kindOf(valueAt(fields, field))}, where a number is`);
}
