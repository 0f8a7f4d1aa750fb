/** The scores of one run, or of several: the spread over seeds first, then run by run. */
import type {SpreadRow} from '../access/score-rows.js';
import type {ScoreRow} from '../../stages/evaluation/report/index.js';
import {benchmarkTable} from './benchmarks.js';
import {runLine} from './runs.js';
import type {ScoreTableOptions} from './fitted-table.js';
import {byModel, scoreTable} from './scores.js';
import {seedTable} from './seeds.js';

/** What is said of a run. */
export interface RunHeadline {
  readonly id: number;
  readonly recipe: string;
  readonly seed: number;
}

interface Scored {
  readonly run: RunHeadline;
  readonly rows: readonly ScoreRow[];
}

/** Seeds of one recipe with the spread of their scores. */
export interface SeedScoresTable {
  readonly runs: readonly RunHeadline[];
  readonly rows: readonly SpreadRow[];
}

export const runScoresText = (
  runs: readonly Scored[],
  spreads: readonly SeedScoresTable[],
  options: ScoreTableOptions,
): string =>
  [...seedTexts(spreads, options), ...runs.map(({run, rows}) => `${runLine(run)}\n\n${tables(rows, options)}`)].join(
    '\n\n',
  );

/** The spread over the seeds of each group: of as many metrics as fit, or of all. */
export const seedTexts = (spreads: readonly SeedScoresTable[], options: ScoreTableOptions): readonly string[] =>
  spreads
    .filter(({rows}) => rows.length > 0)
    .map(({runs, rows}) => `${seedHeadline(runs)}\n\n${seedTable(rows, options)}`);

/** `3 seeds of tiny: runs 1, 2, 3` */
export const seedHeadline = (runs: readonly RunHeadline[]): string =>
  `${runs.length} seeds of ${runs[0]!.recipe}: runs ${runs.map(({id}) => id).join(', ')}`;

function tables(rows: readonly ScoreRow[], options: ScoreTableOptions): string {
  const own = rows.filter(({suite}) => suite === undefined);
  return [
    ...(own.length > 0 || rows.length === 0 ? [scoreTable(byModel(own), options)] : []),
    ...(own.length < rows.length ? [benchmarkTable(rows)] : []),
  ].join('\n\n');
}
