/** Columns without lines between them; East Asian characters take two places. */
import Table from 'cli-table3';
import {oneLine} from '../terminal/paint.js';
import {widthOf} from '../terminal/columns.js';

export interface TableOptions {
  readonly head?: readonly string[];
  /** Columns of numbers, by index. */
  readonly right?: readonly number[];
  readonly indent?: string;
}

const NO_LINES = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((name) => [name, '']),
);

/** Blanks between two columns. */
const GAP = 2;

/** How wide each column is. */
const columnWidths = (rows: readonly (readonly string[])[]): readonly number[] =>
  Array.from({length: rows[0]?.length ?? 0}, (_, index) =>
    rows.reduce((widest, cells) => Math.max(widest, widthOf(oneLine(cells[index] ?? ''))), 0),
  );

/** How wide a table of these rows is, the head among them. */
export const tableWidth = (rows: readonly (readonly string[])[]): number =>
  columnWidths(rows).reduce((sum, wide) => sum + GAP + wide, -GAP);

/**
 * The columns that fit into the width beside the first one, which stands for the line; at least one of them.
 *
 * @param rows the head among them
 * @param order places of the columns but the first, the most important first
 * @returns places of those that fit, in the order of the table
 */
export function fittingColumns(
  rows: readonly (readonly string[])[],
  {width, order}: {readonly width: number; readonly order: readonly number[]},
): readonly number[] {
  const widths = columnWidths(rows);
  let used = widths[0] ?? 0;
  const fitting = order.filter((place, rank) => {
    const wide = GAP + (widths[place] ?? 0);
    if (rank > 0 && used + wide > width) return false;
    used += wide;
    return true;
  });
  return fitting.toSorted((a, b) => a - b);
}

/** A table in as many blocks as the width asks for, each with the first column at its left. */
export function tableBlocks(
  rows: readonly (readonly string[])[],
  {
    head,
    right = [],
    width,
  }: {readonly head: readonly string[]; readonly right?: readonly number[]; readonly width: number},
): string {
  const blocks: string[] = [];
  for (let rest = head.slice(1).map((_, index) => index + 1); rest.length > 0;) {
    const widths = columnWidths([head, ...rows]);
    let used = widths[0]!;
    let count = 0;
    while (count < rest.length && (count === 0 || used + GAP + widths[rest[count]!]! <= width))
      used += GAP + widths[rest[count++]!]!;
    const places = [0, ...rest.slice(0, count)];
    const pick = (cells: readonly string[]): string[] => places.map((place) => cells[place] ?? '');
    const numbers = places.flatMap((place, index) => (right.includes(place) ? [index] : []));
    blocks.push(tableText(rows.map(pick), {head: pick(head), right: numbers}));
    rest = rest.slice(count);
  }
  return blocks.join('\n\n');
}

/** Rows that are laid out together. */
const PIECE = 100;

export function tableText(
  rows: readonly (readonly string[])[],
  {head, right = [], indent = ''}: TableOptions = {},
): string {
  const lines = [...(head === undefined ? [] : [head]), ...rows].map((cells) => cells.map(oneLine));
  const columns = lines[0]?.length ?? 0;
  // Laid out in pieces of one width, as the layout of a table looks at every row for every row.
  const widths = Array.from({length: columns}, (_, index) =>
    lines.reduce((widest, cells) => Math.max(widest, widthOf(cells[index] ?? '')), 0),
  );
  const texts: string[] = [];
  for (let begin = 0; begin === 0 || begin < lines.length; begin += PIECE) {
    const table = new Table({
      chars: {...NO_LINES, middle: ' '.repeat(GAP)},
      colAligns: widths.map((_, index) => (right.includes(index) ? 'right' : 'left')),
      ...(lines.length > PIECE ? {colWidths: widths} : {}),
      style: {head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true},
    });
    table.push(...lines.slice(begin, begin + PIECE));
    texts.push(table.toString());
  }
  return texts
    .flatMap((text) => text.split('\n'))
    .map((line) => `${indent}${line}`.trimEnd())
    .join('\n');
}
