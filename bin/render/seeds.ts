/** Scores of several seeds of one recipe: the spread over them, which is the noise of training. */
import {FEWEST_SEEDS} from '../../stages/evaluation/over-seeds.js';
import type {SpreadRow} from '../access/score-rows.js';
import {paperColumn} from './paper-column.js';
import {OVER_SEEDS, scoreNumber, spreadCell} from './score-numbers.js';
import {fittedTable} from './fitted-table.js';
import type {ScoreTableOptions} from './fitted-table.js';
import {tableBlocks} from './table.js';

/** Models by metrics over seeds: mean, lowest and highest, and from three seeds on the interval. */
export function seedTable(rows: readonly SpreadRow[], {width, isWhole = false}: ScoreTableOptions): string {
  const models = [...new Set(rows.map(({model}) => model))];
  const metrics = [...new Set(rows.map(({metric}) => metric))];
  const papers = paperColumn(models.map((model) => rows.find((row) => row.model === model)!));
  const lines = models.map((model, line) => {
    const own = rows.filter((row) => row.model === model);
    const seeds = Math.max(...own.map((row) => row.seeds));
    const cells = metrics.map((metric) => {
      const row = own.find((one) => one.metric === metric);
      if (row === undefined) return '';
      const number = scoreNumber(metric);
      return row.seeds === 1 ? number(row.mean) : spreadCell(row, number);
    });
    return [model, ...papers.cells[line]!, String(seeds), ...cells];
  });
  const head = ['model', ...papers.head, 'seeds', ...metrics];
  const texts = 1 + papers.head.length;
  const right = head.slice(texts).map((_, index) => texts + index);
  if (isWhole) return [tableBlocks(lines, {head, right, width}), seedNotes(rows)].join('\n\n');
  const {table, hidden} = fittedTable(lines, {head, metrics, texts, width});
  const more = hidden.length === 0 ? [] : [`not shown: ${hidden.join(', ')}`];
  return [table, [seedNotes(rows), ...more].join('\n')].join('\n\n');
}

/** What the numbers of a spread are, and of what seeds there are too few. */
export function seedNotes(rows: readonly {readonly seeds: number; readonly interval: unknown}[]): string {
  const hasInterval = rows.some(({interval}) => interval !== undefined);
  const isFew = rows.some(({seeds}) => seeds > 1 && seeds < FEWEST_SEEDS);
  return [
    'mean (lowest to highest) over seeds',
    ...(hasInterval ? [OVER_SEEDS] : []),
    ...(isFew
      ? [`of fewer than ${FEWEST_SEEDS} seeds no interval is made: they say little of the noise of training`]
      : []),
    ...(rows.some(({seeds}) => seeds === 1) ? ['with 1 under seeds: the same model in all runs, or in one alone'] : []),
  ].join('\n');
}
