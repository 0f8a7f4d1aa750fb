/** How a run stands, as lines for a person or as JSON. */
import type {NodeState, NodeStatus, RunStatus} from '../../pipeline/inspect/status.js';
import {nameCell, nameColumn} from '../terminal/columns.js';
import {createColors, oneLine} from '../terminal/paint.js';
import type {Services} from '../cli-context.js';
import {indented, outcomeText} from './outcome.js';
import {durationText} from './quantity.js';

/** The status, with outcomes as sentences. */
export const statusJson = (status: RunStatus): unknown => ({
  ...status,
  nodes: status.nodes.map((node) => ({
    ...node,
    ...(node.outcome === undefined ? {} : {outcome: outcomeText(node.outcome)}),
  })),
});

export function statusText({run, recipe, seed, state, nodes}: RunStatus, {colours}: Pick<Services, 'colours'>): string {
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
  const lines = nodes.flatMap((node) => [
    `${nameCell(node.node, wide)}  ${(colour[node.state] ?? paint.dim)(node.state.padEnd(11))}  ${detailText(node, wide + 2)}`.trimEnd(),
    ...(node.place === undefined ? [] : [`${' '.repeat(wide + 2)}at ${node.place}`]),
    ...(node.lines ?? []).map((line) => `${' '.repeat(wide + 2)}${paint.dim(oneLine(`| ${line}`))}`),
  ]);
  const next = state === 'succeeded' || state === 'running' ? [] : ['', `r1 resume ${run} continues it`];
  return [oneLine(`run ${run}: ${recipe}, seed ${seed}: ${state}`), ...lines, ...next].join('\n');
}

function detailText({because, outcome, wallMs, step, total, isToFinish}: NodeStatus, indent: number): string {
  return [
    ...(step === undefined || total === undefined ? [] : [`step ${step} of ${total}`]),
    ...(isToFinish === true ? ['asked to finish early'] : []),
    ...(wallMs === undefined ? [] : [`in ${durationText(wallMs)}`]),
    ...(outcome !== undefined
      ? [indented(outcomeText(outcome), indent)]
      : because === undefined
        ? []
        : [oneLine(because)]),
  ].join('  ');
}
