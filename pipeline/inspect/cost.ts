/** What the nodes of a run cost, failed attempts included, and what reuse has saved. */
import type {Cost, RunId, RunNode, Store} from '../../artifacts/index.js';
import {findRun} from '../../artifacts/queries/find-run.js';

/** Times in milliseconds; sizes in bytes. What the system could not tell of any attempt is left out. */
export interface CostSum extends Cost {
  /** Sizes of the outputs that the run uses, reused ones included. */
  readonly outputBytes: number;
  /** What the reused nodes had cost to make, wall-clock time. */
  readonly savedMs: number;
}

/** What one node of a run cost. */
export interface NodeCost extends CostSum {
  readonly node: string;
  readonly action: RunNode['action'];
  /** How often the run tried it. */
  readonly attempts: number;
}

/** What a run cost, node by node and in all. */
export interface RunCost {
  readonly run: RunId;
  readonly nodes: readonly NodeCost[];
  /** Sums over the nodes, except `peakBytes`, which is the highest. */
  readonly total: CostSum;
}

/**
 * What a run (the newest without a number) cost, node by node and in all.
 *
 * @throws UserError not-found
 */
export function costOf(store: Store, wanted?: number): RunCost {
  const run = findRun(store, wanted);
  const nodes = store.nodesOf(run.id).map((node) => nodeCost(store, node));
  return {
    run: run.id,
    nodes,
    total: {
      ...sum(nodes),
      outputBytes: nodes.reduce((all, {outputBytes}) => all + outputBytes, 0),
      savedMs: nodes.reduce((all, {savedMs}) => all + savedMs, 0),
    },
  };
}

function nodeCost(store: Store, node: RunNode): NodeCost {
  const tried = store.attemptsOf(node.run, node.node);
  const used = node.attempt === undefined ? undefined : store.attempt(node.attempt);
  // An attempt that was taken over from a dead runner was begun by another run.
  const mine =
    node.action === 'run' && used !== undefined && !tried.some(({id}) => id === used.id) ? [...tried, used] : tried;
  const costs = mine.flatMap(({outcome}) => (outcome?.cost === undefined ? [] : [outcome.cost]));
  return {
    node: node.node,
    action: node.action,
    attempts: mine.length,
    ...sum(costs),
    outputBytes: used?.outputs.reduce((all, {bytes}) => all + bytes, 0) ?? 0,
    savedMs: node.action === 'reuse' ? (used?.outcome?.cost?.wallMs ?? 0) : 0,
  };
}

type Measure = Exclude<keyof Cost, 'wallMs'>;
const MEASURES: readonly Measure[] = ['userMs', 'systemMs', 'peakBytes', 'readBytes', 'writtenBytes', 'tokens'];

/** Sums, except that memory is not used up: there the highest counts. */
function sum(costs: readonly Cost[]): Cost {
  const measures = MEASURES.flatMap((measure) => {
    const known = costs.map((cost) => cost[measure]).filter((value) => value !== undefined);
    if (known.length === 0) return [];
    return [[measure, known.reduce((a, b) => (measure === 'peakBytes' ? Math.max(a, b) : a + b))] as const];
  });
  return {wallMs: costs.reduce((all, {wallMs}) => all + wallMs, 0), ...Object.fromEntries(measures)};
}
