/** The costs of a run as a table. */
import type {CostSum, NodeCost, RunCost} from '../../pipeline/inspect/cost.js';
import type {Services} from '../cli-context.js';
import {widthOf} from '../terminal/columns.js';
import {bytesText, durationText, operationsText} from './quantity.js';
import {tableText} from './table.js';

/** A cost with the floating-point operations that went into it, where they are known. */
type Counted<C extends CostSum> = C & {readonly operations?: number};

/** What a run cost, operations included. */
export interface CountedCost extends Omit<RunCost, 'nodes' | 'total'> {
  readonly nodes: readonly Counted<NodeCost>[];
  readonly total: Counted<CostSum>;
}

/** What nodes may be sorted by. */
export const ORDERS = ['wall', 'user', 'memory', 'tokens', 'flops', 'outputs', 'recipe'] as const;
export type CostOrder = (typeof ORDERS)[number];

/** @param operations node → floating-point operations */
export function countedCost({nodes, total, ...rest}: RunCost, operations: ReadonlyMap<string, number>): CountedCost {
  const sum = [...operations.values()].reduce((all, one) => all + one, 0);
  return {
    ...rest,
    nodes: nodes.map((node) => {
      const own = operations.get(node.node);
      return own === undefined ? node : {...node, operations: own};
    }),
    total: sum === 0 ? total : {...total, operations: sum},
  };
}

const KEYS: Readonly<Record<Exclude<CostOrder, 'recipe'>, (cost: Counted<CostSum>) => number | undefined>> = {
  wall: ({wallMs}) => wallMs,
  user: ({userMs}) => userMs,
  memory: ({peakBytes}) => peakBytes,
  tokens: ({tokens}) => tokens,
  flops: ({operations}) => operations,
  outputs: ({outputBytes}) => outputBytes,
};

/** The most expensive first; equal ones, and those of which it is not known, in the order of the recipe. */
export function sortedCost(cost: CountedCost, order: CostOrder): CountedCost {
  if (order === 'recipe') return cost;
  const key = KEYS[order];
  return {...cost, nodes: cost.nodes.toSorted((a, b) => (key(b) ?? 0) - (key(a) ?? 0))};
}

interface Column {
  readonly head: string;
  readonly text: (cost: Counted<CostSum>) => string;
}

const column =
  (value: (cost: Counted<CostSum>) => number | undefined, text: (value: number) => string) =>
  (cost: Counted<CostSum>): string => {
    const known = value(cost);
    return known === undefined || known === 0 ? '' : text(known);
  };

const COLUMNS: readonly Column[] = [
  {head: 'wall', text: column(({wallMs}) => wallMs, durationText)},
  {head: 'user', text: column(({userMs}) => userMs, durationText)},
  {head: 'system', text: column(({systemMs}) => systemMs, durationText)},
  {head: 'memory', text: column(({peakBytes}) => peakBytes, bytesText)},
  {head: 'read', text: column(({readBytes}) => readBytes, bytesText)},
  {head: 'written', text: column(({writtenBytes}) => writtenBytes, bytesText)},
  {
    head: 'tokens',
    text: column(
      ({tokens}) => tokens,
      (count) => count.toLocaleString('en-US'),
    ),
  },
  {head: 'FLOPs', text: column(({operations}) => operations, operationsText)},
  {head: 'outputs', text: column(({outputBytes}) => outputBytes, bytesText)},
  {head: 'saved', text: column(({savedMs}) => savedMs, durationText)},
];

/** Those that are missed least where there is no room for all. */
const LEFT_OUT_FIRST: readonly string[] = ['system', 'read', 'written', 'outputs', 'user', 'saved', 'memory'];

/** As many columns as there is room for; those in which nothing stands are left out. */
export function costText({nodes, total}: CountedCost, {width}: Pick<Services, 'width'>): string {
  const all = [...nodes, total];
  let columns = COLUMNS.filter(({text}) => all.some((cost) => text(cost) !== ''));
  const left: string[] = [];
  let table = costTable(nodes, total, columns);
  for (const head of LEFT_OUT_FIRST) {
    if (table.split('\n').every((line) => widthOf(line) <= width)) break;
    if (!columns.some((one) => one.head === head)) continue;
    columns = columns.filter((one) => one.head !== head);
    left.push(head);
    table = costTable(nodes, total, columns);
  }
  const notes = [
    ...(total.operations === undefined
      ? []
      : ['FLOPs: 6 × parameters × tokens trained on + 2 × parameters × tokens generated or scored']),
    ...(left.length === 0 ? [] : [`no room for ${left.join(', ')}: a wider terminal or --json has them`]),
  ];
  return [table, ...(notes.length === 0 ? [] : ['', ...notes])].join('\n');
}

function costTable(nodes: readonly Counted<NodeCost>[], total: Counted<CostSum>, columns: readonly Column[]): string {
  const cells = (cost: Counted<CostSum>): string[] => columns.map(({text}) => text(cost));
  const rows = nodes.map((node) => [
    node.node,
    node.action + (node.attempts > 1 ? ` ×${node.attempts}` : ''),
    ...cells(node),
  ]);
  return tableText([...rows, ['total', '', ...cells(total)]], {
    head: ['node', '', ...columns.map(({head}) => head)],
    right: columns.map((_, index) => index + 2),
  });
}
