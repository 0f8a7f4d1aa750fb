/** The order of the nodes. The door of graphology; the rest of the runner sees names and lists. */
import {DirectedGraph} from 'graphology';
import {topologicalSort} from 'graphology-dag/topological-sort.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';

export interface Graph {
  /** Every node after all that it needs, in the order of the recipe wherever that is one. */
  readonly order: readonly string[];
  /** What a node needs itself, in the order of its declaration. */
  needs(node: string): readonly string[];
  neededBy(node: string): readonly string[];
  /** `nodes` and everything they need. */
  withNeeds(nodes: Iterable<string>): ReadonlySet<string>;
  /** `nodes` and everything that needs them. */
  withDependants(nodes: Iterable<string>): ReadonlySet<string>;
}

/** Nodes that need each other; the path starts and ends with the same node. */
export interface Cycle {
  readonly path: readonly string[];
}

/** @param needs node → the nodes that it needs, all of which are keys themselves */
export function buildGraph(needs: ReadonlyMap<string, readonly string[]>): Result<Graph, Cycle> {
  const path = cyclePath(needs);
  if (path !== undefined) return err({path});
  const needsOf = (node: string) => needs.get(node) ?? [];
  const followers = followersOf(needs);
  const neededBy = (node: string) => followers.get(node) ?? [];
  const closure = (start: Iterable<string>, next: (node: string) => readonly string[]): ReadonlySet<string> => {
    const seen = new Set(start);
    for (const node of seen) for (const other of next(node)) seen.add(other); // a Set's iteration visits what is added on the way
    return seen;
  };
  return ok({
    order: isInOrder(needs) ? [...needs.keys()] : orderOf(followers),
    needs: needsOf,
    neededBy,
    withNeeds: (nodes) => closure(nodes, needsOf),
    withDependants: (nodes) => closure(nodes, neededBy),
  });
}

/** The same arrows from the other end, each once. */
function followersOf(needs: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const followers = new Map<string, string[]>([...needs.keys()].map((node) => [node, []]));
  for (const [node, others] of needs) {
    for (const other of others) {
      const list = followers.get(other)!;
      if (list.at(-1) !== node) list.push(node); // where it is named twice, nothing has come in between
    }
  }
  return followers;
}

/** Whether every node stands after all that it needs, as in a recipe that was written in TypeScript: then its order is the plan's. */
function isInOrder(needs: ReadonlyMap<string, readonly string[]>): boolean {
  const before = new Set<string>();
  for (const [node, others] of needs) {
    if (others.some((other) => !before.has(other))) return false;
    before.add(node);
  }
  return true;
}

/** The graph of graphology lives only for this: kept, one of 100,000 nodes would hold 75 MB through the whole plan. */
function orderOf(followers: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const graph = new DirectedGraph();
  const none = {};
  for (const node of followers.keys()) graph.addNode(node, none);
  let edge = 0;
  // Numbers for keys, as it would otherwise make up a name for each.
  for (const [node, others] of followers)
    for (const other of others) graph.addDirectedEdgeWithKey(edge++, node, other, none);
  return topologicalSort(graph);
}

/** A path along needs from a node back to itself, or `undefined`. Iterative, as a chain may be 100,000 nodes long. */
function cyclePath(needs: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  for (const start of needs.keys()) {
    // In a recipe, what a node needs stands before it.
    if (needs.get(start)!.every((other) => done.has(other))) done.add(start);
    if (done.has(start)) continue;
    const path: {node: string; next: number}[] = [{node: start, next: 0}];
    const onPath = new Set([start]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const other = needs.get(top.node)?.[top.next++];
      if (other === undefined) {
        path.pop();
        onPath.delete(top.node);
        done.add(top.node);
      } else if (onPath.has(other)) {
        const names = path.map(({node}) => node);
        return [...names.slice(names.indexOf(other)), other];
      } else if (!done.has(other)) {
        path.push({node: other, next: 0});
        onPath.add(other);
      }
    }
  }
  return undefined;
}

/**
 * For every node the cost of the longest way from its start to the end of everything that follows it. Nodes with a higher
 * value go first, as they hold up the most.
 */
export function criticalPaths(graph: Graph, cost: (node: string) => number): ReadonlyMap<string, number> {
  const longest = new Map<string, number>();
  for (let i = graph.order.length - 1; i >= 0; i--) {
    const node = graph.order[i]!;
    let after = 0;
    for (const other of graph.neededBy(node)) after = Math.max(after, longest.get(other) ?? 0);
    longest.set(node, cost(node) + after);
  }
  return longest;
}
