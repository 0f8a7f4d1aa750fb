/** What models scored, on a terminal. */
import type {Metric, Score} from '../../stages/evaluation/index.js';
import {betterEnd} from '../../stages/evaluation/metrics.js';
import type {ScoreRow} from '../../stages/evaluation/report/index.js';
import {paperColumn} from './paper-column.js';
import {OVER_PROBLEMS, scoreCell, scoreNumber} from './score-numbers.js';
import {fittedTable} from './fitted-table.js';
import type {ScoreTableOptions} from './fitted-table.js';
import {tableBlocks, tableText} from './table.js';
import {listed} from './typed.js';

/** What a model scored. `model` is what the table calls it. */
export interface ScoredModel {
  readonly model: string;
  /** What the paper calls it, where the recipe says so. */
  readonly paper?: string | undefined;
  readonly scores: readonly Score[];
  /** Its template with how it was asked and read, where that was not as by default. */
  readonly asked?: string | undefined;
}

/** Rows of scores by model, in the order in which they come. */
export function byModel(rows: readonly ScoreRow[]): ScoredModel[] {
  const nodes = [...new Set(rows.map(({node}) => node))];
  return nodes.map((node) => {
    const scores = rows.filter((row) => row.node === node);
    return {model: node, paper: scores[0]!.paper, scores, asked: scores[0]!.asked};
  });
}

/** How models were asked and read that were not by default, those that were alike in one line: their scores are of that as well. */
export function askedLines(models: readonly ScoredModel[]): readonly string[] {
  const alike = new Map<string, string[]>();
  for (const {model, asked} of models) if (asked !== undefined) alike.set(asked, [...(alike.get(asked) ?? []), model]);
  return [...alike].map(
    ([asked, names]) => `${listed(names)} ${names.length === 1 ? 'was' : 'were'} asked and read with ${asked}`,
  );
}

/** Models by metrics with what the paper calls them, the best of a column marked. */
interface Grid {
  readonly head: readonly string[];
  readonly metrics: readonly Metric[];
  /** So many of the first columns are texts. */
  readonly texts: number;
  readonly lines: readonly (readonly string[])[];
  /** Whether any is marked. */
  readonly hasBest: boolean;
}

function gridOf(models: readonly ScoredModel[], isWhole: boolean): Grid {
  const metrics = [...new Set(models.flatMap(({scores}) => scores.map(({metric}) => metric)))];
  const papers = paperColumn(models);
  const cells = metrics.map((metric, index) => columnOf(models, metric, isWhole || index === 0));
  return {
    metrics,
    head: ['model', ...papers.head, ...metrics],
    texts: 1 + papers.head.length,
    lines: models.map(({model}, line) => [model, ...papers.cells[line]!, ...cells.map((column) => column[line]!)]),
    hasBest: cells.flat().some((text) => text.endsWith(BEST)),
  };
}

/** The table with as many metrics as the width has room for, which metrics it leaves out, and whether the best are marked. */
export function fittedScores(
  models: readonly ScoredModel[],
  width: number,
): {readonly table: string; readonly hidden: readonly Metric[]; readonly hasBest: boolean} {
  const {lines, hasBest, ...grid} = gridOf(models, false);
  return {...fittedTable(lines, {...grid, width}), hasBest};
}

/** The same with notes under it; whole, it has every metric with its interval, in as many blocks as the width asks for. */
export function scoreTable(models: readonly ScoredModel[], {width, isWhole = false}: ScoreTableOptions): string {
  if (models.every(({scores}) => scores.length === 0)) return 'nothing was scored';
  const asked = askedLines(models).join('\n');
  const marks = (hasBest: boolean): readonly string[] => (hasBest ? [`${BEST} the best of its column`] : []);
  if (isWhole) {
    const {head, texts, lines, hasBest} = gridOf(models, true);
    const right = head.slice(texts).map((_, index) => texts + index);
    const notes = [OVER_PROBLEMS, ...marks(hasBest)].join('\n');
    return [tableBlocks(lines, {head, right, width}), notes, asked].filter(isThere).join('\n\n');
  }
  const {table, hidden, hasBest} = fittedScores(models, width);
  const notes = [
    OVER_PROBLEMS,
    ...marks(hasBest),
    ...(hidden.length === 0 ? [] : [`not shown: ${hidden.join(', ')}`]),
    'intervals of any metric: r1 scores --metric NAME; of all: --metric all',
  ];
  return [table, notes.join('\n'), asked].filter(isThere).join('\n\n');
}

const isThere = (text: string): boolean => text !== '';

const BEST = '*';

/** The scores of all models by one metric; the mean alone, or with its interval. */
function columnOf(models: readonly ScoredModel[], metric: string, hasInterval: boolean): readonly string[] {
  const number = scoreNumber(metric);
  const found = models.map(({scores}) => scores.find((score) => score.metric === metric));
  const means = found.flatMap((score) => (score === undefined ? [] : [number(score.mean)]));
  const end = new Set(means).size < 2 ? undefined : betterEnd(metric);
  const best = end && found.flatMap((score) => score?.mean ?? []).reduce(end === 'high' ? higher : lower);
  // What is written alike is as good.
  const isBest = (score: Score): boolean => best !== undefined && number(score.mean) === number(best);
  return found.map((score) => {
    if (score === undefined) return '';
    const text = hasInterval ? scoreCell(score) : number(score.mean);
    return end === undefined ? text : `${text}${isBest(score) ? BEST : ' '}`;
  });
}

const higher = (a: number, b: number): number => Math.max(a, b);
const lower = (a: number, b: number): number => Math.min(a, b);

/** What one model scored, a line for each metric, under what was asked of it. */
export function modelScores({model, scores}: ScoredModel, asked: string): string {
  const rows = scores.map((score) => [score.metric, scoreCell(score)]);
  return `${model}: ${asked}\n\n${tableText(rows, {head: ['metric', 'mean, 95 % interval'], right: [1]})}`;
}
