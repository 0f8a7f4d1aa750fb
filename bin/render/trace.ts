/** Where a row came from, as a tree of rows. */
import {shortDigest} from '../../artifacts/index.js';
import type {TracedRow} from '../../artifacts/queries/row-lineage.js';
import {clip, pad, widthOf} from '../terminal/columns.js';
import {createColors, oneLine} from '../terminal/paint.js';
import {wrappedText} from '../terminal/wrap.js';
import type {Canvas} from './samples.js';
import {treeLines} from './tree.js';
import type {Branch} from './tree.js';

/** A row has no end of text; on a terminal, so much of it fits below its name. */
function excerpt({row}: TracedRow, places: number): string {
  const text = JSON.stringify(row);
  return text.length <= places ? text : `${text.slice(0, places - 1)}…`;
}

/** Each field of a row on lines of its own, texts as they were written. */
function fieldBranches({row}: TracedRow, {colours, isTerminal}: Canvas): readonly Omit<Branch<string>, 'id'>[] {
  const {dim} = createColors(colours);
  const isObject = typeof row === 'object' && row !== null && !Array.isArray(row);
  const fields = isObject ? Object.entries(row) : [['', row] as const];
  const wide = Math.max(0, ...fields.map(([name]) => Math.min(LONGEST_NAME, widthOf(name))));
  return fields.map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const label = dim(pad(clip(oneLine(name), LONGEST_NAME), wide));
    return {
      text: '',
      lines: (room) => {
        const places = Math.max(NARROWEST, room - wide - 2);
        const [first = '', ...others] = isTerminal ? wrappedText(text, places) : text.split('\n');
        return [`${label}  ${first}`, ...others.map((line) => `${' '.repeat(wide)}  ${line}`)];
      },
    };
  });
}

const LONGEST_NAME = 20;
/** A text stays legible however deep its row lies. */
const NARROWEST = 16;

/** What reinforcement learning draws is written by the policy as trained so far, not by the model that it began with. */
function drawnAt({kind, row}: TracedRow): string {
  const step = kind === 'rollouts' ? (Object(row) as {readonly step?: unknown}).step : undefined;
  return typeof step === 'number' && step > 0 ? `, as trained up to step ${step}` : '';
}

/** @param isFull whether whole rows are shown, and not as much of each as fits a line */
export function traceText(root: TracedRow, canvas: Canvas, isFull = false): string {
  const {colours, width, isTerminal} = canvas;
  const {bold, cyan, dim, red} = createColors(colours);
  type Id = TracedRow | string;
  const title = (row: TracedRow): string =>
    `${bold(row.id)}  ${row.node}:${row.port} ${cyan(`@${shortDigest(row.artifact)}`)}  ${dim(`${row.file === '' ? '' : `${row.file} `}line ${row.line}`)}`;
  const contents = (row: TracedRow): readonly Omit<Branch<string>, 'id'>[] =>
    isFull ? fieldBranches(row, canvas) : [{text: dim(excerpt(row, isTerminal ? Math.max(40, width - 12) : Infinity))}];
  const notes = (row: TracedRow): readonly string[] => [
    ...row.beside.map(
      ({port, node, artifact}) =>
        `${port} ← ${node} ${cyan(`@${shortDigest(artifact)}`)}  ${dim(`seed ${row.seed}${port === 'policy' ? drawnAt(row) : ''}`)}`,
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
              ...contents(id).map((content): Branch<Id> => ({...content, id: `note ${note++}`})),
              ...notes(id).map((text): Branch<Id> => ({id: `note ${note++}`, text})),
              ...id.from.map((row): Branch<Id> => ({id: row, text: title(row)})),
            ],
      more: () => undefined,
      again: '',
      width: isTerminal ? width : Infinity,
    },
  );
  return lines.join('\n');
}
