/** What the paper calls models, beside what a recipe calls them: a column of its own in the tables that have room for one. */
import {tableWidth} from './table.js';

/** Cells that go behind the name of a model, line by line; none in a table in which no model has such a name. */
export interface PaperColumn {
  readonly head: readonly string[];
  readonly cells: readonly (readonly string[])[];
}

/** @param models one for each line, in order */
export const paperColumn = (models: readonly {readonly paper?: string | undefined}[]): PaperColumn =>
  models.every(({paper}) => paper === undefined)
    ? {head: [], cells: models.map(() => [])}
    : {head: ['in the paper'], cells: models.map(({paper = ''}) => [paper])};

/** Arguments of `tableBlocks`. */
type Table = readonly [
  rows: readonly (readonly string[])[],
  options: {readonly head: readonly string[]; readonly right: readonly number[]; readonly width: number},
];

/** The table with such a column behind its first one, as long as it still is one block. */
export function besidePaper(
  rows: Table[0],
  models: readonly {readonly paper?: string | undefined}[],
  {head, right, width}: Table[1],
): Table {
  const papers = paperColumn(models);
  const wider = [head, ...rows].map(([name = '', ...rest], line) => [
    name,
    ...(line === 0 ? papers.head : papers.cells[line - 1]!),
    ...rest,
  ]);
  if (papers.head.length === 0 || tableWidth(wider) > width) return [rows, {head, right, width}];
  const [wideHead = [], ...wideRows] = wider;
  return [wideRows, {head: wideHead, right: right.map((place) => place + 1), width}];
}
