/** Where a row came from, as a tree of rows. */
import {shortDigest} from '../../artifacts/index.js';
import type {TracedRow} from '../../artifacts/queries/row-lineage.js';
import type {Services} from '../cli-context.js';
import {createColors} from '../terminal/paint.js';
import {treeLines} from './tree.js';
import type {Branch} from './tree.js';

/** A row has no end of text; on a terminal, so much of it fits below its name. */
function excerpt({row}: TracedRow, places: number): string {
  const text = JSON.stringify(row);
  return text.length <= places ? text : `${text.slice(0, places - 1)}…`;
}

export function traceText(
  root: TracedRow,
  {colours, width, isTerminal}: Pick<Services, 'colours' | 'width' | 'isTerminal'>,
): string {
  const {bold, cyan, dim, red} = createColors(colours);
  type Id = TracedRow | string;
  const title = (row: TracedRow): string =>
    `${bold(row.id)}  ${row.node}:${row.port} ${cyan(`@${shortDigest(row.artifact)}`)}  ${dim(`${row.file === '' ? '' : `${row.file} `}line ${row.line}`)}`;
  const notes = (row: TracedRow): readonly string[] => [
    dim(excerpt(row, isTerminal ? Math.max(40, width - 12) : Infinity)),
    ...row.beside.map(
      ({port, node, artifact}) => `${port} ← ${node} ${cyan(`@${shortDigest(artifact)}`)}  ${dim(`seed ${row.seed}`)}`,
    ),
    ...(row.lost.length === 0 ? [] : [red(`not found: ${row.lost.join(', ')}`)]),
  ];
  let note = 0;
  const lines = treeLines<Id>(
    {id: root, text: title(root)},
    {
      below: (id): readonly Branch<Id>[] =>
        typeof id === 'string'
          ? []
          : [
              ...notes(id).map((text): Branch<Id> => ({id: `note ${note++}`, text})),
              ...id.from.map((row): Branch<Id> => ({id: row, text: title(row)})),
            ],
      more: () => undefined,
      again: '',
    },
  );
  return lines.join('\n');
}
