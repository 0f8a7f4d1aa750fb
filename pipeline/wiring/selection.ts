/** Which nodes of a recipe a run is about, from `--only`, `--from` and `--until`. */
import type {Graph} from './graph.js';

/** Ids of nodes; all nodes where none is named. `select` says what each list adds. */
export interface Selection {
  readonly only?: readonly string[];
  readonly from?: readonly string[];
  readonly until?: readonly string[];
}

/**
 * - `only`: these nodes;
 * - `from`: these and everything that depends on them;
 * - `until`: these and everything that they depend on; with `from`, what lies on the way from one to the other.
 *
 * What a selected node needs always comes along: it is reused where it is there, and made where it is not.
 */
export function select(graph: Graph, {only = [], from = [], until = []}: Selection): ReadonlySet<string> {
  if (only.length + from.length + until.length === 0) return new Set(graph.order);
  const selected = new Set(only);
  if (from.length + until.length > 0) {
    const after = from.length === 0 ? undefined : graph.withDependants(from);
    const before = until.length === 0 ? undefined : graph.withNeeds(until);
    for (const node of graph.order) if ((after?.has(node) ?? true) && (before?.has(node) ?? true)) selected.add(node);
  }
  return graph.withNeeds(selected);
}
