/** Finding what a run, or the newest run that includes a node, decided for it. */
import {UserError} from '../../artifacts/index.js';
import type {Run, RunNode, Store} from '../../artifacts/index.js';
import {findRun} from '../../artifacts/queries/find-run.js';
import {suggestion} from '../wiring/did-you-mean.js';

/** A node of a run. */
export interface FoundNode {
  readonly run: Run;
  /** The newest decision of that run for the node. */
  readonly node: RunNode;
}

/**
 * What was decided for a node in the run with this number, or in the newest run that includes the node.
 *
 * @throws UserError not-found: no such run, or it decided nothing for such a node; names the nearest name
 */
export function findNode(store: Store, name: string, wanted?: number): FoundNode {
  if (wanted !== undefined) {
    const run = findRun(store, wanted);
    const nodes = store.nodesOf(run.id);
    const node = nodes.find((other) => other.node === name);
    if (node !== undefined) return {run, node};
    const names = nodes.map((other) => other.node);
    throw new UserError('not-found', `run ${run.id} has decided nothing for “${name}”${suggestion(name, names)}`, {
      remedy: {type: 'list-nodes', run: run.id},
    });
  }
  const names = new Set<string>();
  for (const run of store.runs()) {
    for (const node of store.nodesOf(run.id)) {
      if (node.node === name) return {run, node};
      names.add(node.node);
    }
  }
  if (names.size === 0)
    throw new UserError('not-found', 'nothing has run in this store yet', {remedy: {type: 'begin-run'}});
  throw new UserError('not-found', `no run includes a node “${name}”${suggestion(name, names)}`, {
    remedy: {type: 'list-nodes'},
  });
}
