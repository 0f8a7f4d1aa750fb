/** What the nodes of a run computed, in floating-point operations, where what they made says how many tokens went into it. */
import type {Store} from '../../artifacts/index.js';
import {smallFileOf} from '../../artifacts/queries/small-file.js';
import type {RunCost} from '../../pipeline/inspect/cost.js';
import {computeOf} from '../../stages/evaluation/report/compute.js';
import type {Compute} from '../../stages/evaluation/report/compute.js';

/**
 * Node → what it computed, by the count of `stages/evaluation/report/compute.ts`; those that keep no count are left out. Of a node that
 * ran in this run, the attempt whose outputs it uses, from its first step on, whichever attempt made which.
 */
export function operationsOf(store: Store, {run, nodes}: RunCost): ReadonlyMap<string, Compute> {
  const found = new Map<string, Compute>();
  const used = new Map(store.nodesOf(run).map(({node, attempt}) => [node, attempt]));
  for (const {node, action} of nodes) {
    const attempt = used.get(node);
    if (action !== 'run' || attempt === undefined) continue;
    // Each of its outputs may have the same card.
    for (const {artifact} of store.attempt(attempt)?.outputs ?? []) {
      const compute = computeOf(cardOf(smallFileOf(store, artifact, 'card.json')));
      if (compute === undefined || compute.operations === 0) continue;
      found.set(node, compute);
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
