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
      chars: {...NO_LINES, middle: '  '},
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
