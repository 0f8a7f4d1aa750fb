/** How a run stands, as lines for a person or as JSON. */
import type {NodeState, NodeStatus, RunStatus} from '../../pipeline/inspect/status.js';
import {nameCell, nameColumn} from '../terminal/columns.js';
import {createColors, oneLine} from '../terminal/paint.js';
import type {Services} from '../cli-context.js';
import {indented, outcomeText} from './outcome.js';
import {durationText} from './quantity.js';

/** The status, with outcomes as sentences. */
export const statusJson = (status: RunStatus, papers: PaperNames): unknown => ({
  ...status,
  nodes: status.nodes.map((node) => ({
    ...node,
    ...(papers.has(node.node) ? {paper: papers.get(node.node)} : {}),
    ...(node.outcome === undefined ? {} : {outcome: outcomeText(node.outcome)}),
  })),
});

/** Node → what the paper calls the model that it makes. */
type PaperNames = ReadonlyMap<string, string>;

/** From so many columns on there is room for names that explain others. */
const ROOMY = 80;

export function statusText(
  {run, recipe, seed, state, nodes}: RunStatus,
  papers: PaperNames,
  {colours, width}: Pick<Services, 'colours' | 'width'>,
): string {
  const paint = createColors(colours);
  const colour: Partial<Record<NodeState, (text: string) => string>> = {
    done: paint.green,
    running: paint.cyan,
    failed: paint.red,
    stopped: paint.yellow,
    interrupted: paint.yellow,
  };
  const wide = nameColumn(
    nodes.map(({node}) => node),
    4,
  );
  const named = width < ROOMY ? [] : nodes.flatMap(({node}) => papers.get(node) ?? []);
  const paperWide = nameColumn(named, 0);
  const paperCell = (node: string): string =>
    named.length === 0 ? '' : `${paint.dim(nameCell(papers.get(node) ?? '', paperWide))}  `;
  const lines = nodes.flatMap((node) => [
    `${nameCell(node.node, wide)}  ${paperCell(node.node)}${(colour[node.state] ?? paint.dim)(node.state.padEnd(11))}  ${detailText(node, wide + 2)}`.trimEnd(),
    ...(node.place === undefined ? [] : [`${' '.repeat(wide + 2)}at ${node.place}`]),
    ...(node.lines ?? []).map((line) => `${' '.repeat(wide + 2)}${paint.dim(oneLine(`| ${line}`))}`),
  ]);
  const isLeft = nodes.some(({process}) => process !== undefined);
  const next = isLeft
    ? ['', `r1 resume ${run} goes on with what still runs; so does r1 run, where it wants the same`]
    : state === 'succeeded' || state === 'running'
      ? []
      : ['', `r1 resume ${run} continues it`];
  return [oneLine(`run ${run}: ${recipe}, seed ${seed}: ${state}`), ...lines, ...next].join('\n');
}

/** `process 4242 still runs, for 3 min 05 s by now` */
function processText({name, forMs}: NonNullable<NodeStatus['process']>): string {
  return `${oneLine(name)} still runs${forMs === undefined ? '' : `, for ${durationText(forMs)} by now`}`;
}

function detailText(status: NodeStatus, indent: number): string {
  const {because, outcome, wallMs, step, total, isToFinish, process} = status;
  return [
    ...(step === undefined || total === undefined ? [] : [`step ${step} of ${total}`]),
    ...(process === undefined ? [] : [processText(process)]),
    ...(isToFinish === true ? ['asked to finish early'] : []),
    ...(wallMs === undefined ? [] : [`in ${durationText(wallMs)}`]),
    ...(outcome !== undefined
      ? [indented(outcomeText(outcome), indent)]
      : because === undefined
        ? []
        : [oneLine(because)]),
  ].join('  ');
}
