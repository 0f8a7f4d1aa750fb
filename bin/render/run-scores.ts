/** The scores of one run, or of several: the spread over seeds first, then run by run. */
import type {ScoreOverSeeds} from '../../stages/evaluation/over-seeds.js';
import type {ScoreRow} from '../../stages/evaluation/report/index.js';
import {benchmarkTable} from './benchmarks.js';
import {runLine} from './runs.js';
import {byModel, scoreTable} from './scores.js';
import type {ScoreTableOptions} from './scores.js';
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
  readonly rows: readonly ScoreOverSeeds[];
}

export const runScoresText = (
  runs: readonly Scored[],
  spreads: readonly SeedScoresTable[],
  options: ScoreTableOptions,
): string =>
  [
    ...spreads.map(({runs: seeds, rows}) => `${seedHeadline(seeds)}\n\n${seedTable(rows, options)}`),
    ...runs.map(({run, rows}) => `${runLine(run)}\n\n${tables(rows, options)}`),
  ].join('\n\n');

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
