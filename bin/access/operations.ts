/** What the nodes of a run computed, in floating-point operations, where what they made counts its tokens. */
import type {Store} from '../../artifacts/index.js';
import {smallFileOf} from '../../artifacts/queries/small-file.js';
import type {RunCost} from '../../pipeline/inspect/cost.js';
import {computeOf} from '../../stages/evaluation/report/compute.js';

/** Node → floating-point operations by the count of `stages/evaluation/report/compute.ts`; those of which nothing is known are left out. */
export function operationsOf(store: Store, {run, nodes}: RunCost): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const used = new Map(store.nodesOf(run).map(({node, attempt}) => [node, attempt]));
  for (const {node, action} of nodes) {
    const attempt = used.get(node);
    if (action !== 'run' || attempt === undefined) continue;
    // Each of its outputs may have the same card.
    for (const {artifact} of store.attempt(attempt)?.outputs ?? []) {
      const compute = computeOf(cardOf(smallFileOf(store, artifact, 'card.json')));
      if (compute === undefined || compute.operations === 0) continue;
      found.set(node, compute.operations);
      break;
    }
  }
  return found;
}

/** A store may hold anything. */
function cardOf(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  try {
    const card: unknown = JSON.parse(text);
    return typeof card === 'object' && card !== null ? (card as Readonly<Record<string, unknown>>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
