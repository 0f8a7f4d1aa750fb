/** Columns without lines between them; East Asian characters take two places. */
import Table from 'cli-table3';
import {oneLine} from '../paint.js';

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

export function tableText(
  rows: readonly (readonly string[])[],
  {head, right = [], indent = ''}: TableOptions = {},
): string {
  const columns = head?.length ?? rows[0]?.length ?? 0;
  const table = new Table({
    chars: {...NO_LINES, middle: '  '},
    colAligns: Array.from({length: columns}, (_, index) => (right.includes(index) ? 'right' : 'left')),
    style: {head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true},
  });
  if (head !== undefined) table.push(head.map(oneLine));
  for (const row of rows) table.push(row.map(oneLine));
  return table
    .toString()
    .split('\n')
    .map((line) => `${indent}${line}`.trimEnd())
    .join('\n');
}
