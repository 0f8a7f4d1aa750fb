/** Finding what a run, or the newest run that includes a node, decided for it. */
import {UserError} from '../../artifacts/index.js';
import type {Run, RunId, RunNode, Store} from '../../artifacts/index.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';

export interface Decided {
  readonly run: Run;
  readonly node: RunNode;
}

/** @throws UserError not-found, with the nearest name */
export function decided(store: Store, node: string, wanted: number | undefined): Decided {
  if (wanted !== undefined) {
    const run = store.run(wanted as RunId);
    if (run === undefined) throw new UserError('not-found', `there is no run ${wanted}`, {hint: 'r1 runs lists them'});
    const nodes = store.nodesOf(run.id);
    const found = nodes.find((other) => other.node === node);
    if (found !== undefined) return {run, node: found};
    const names = nodes.map((other) => other.node);
    throw new UserError('not-found', `run ${run.id} has decided nothing for “${node}”${suggestion(node, names)}`, {
      hint: `r1 status ${run.id} lists its nodes`,
    });
  }
  const names = new Set<string>();
  for (const run of store.runs()) {
    for (const other of store.nodesOf(run.id)) {
      if (other.node === node) return {run, node: other};
      names.add(other.node);
    }
  }
  if (names.size === 0) throw new UserError('not-found', 'nothing has run in this store yet', {hint: 'r1 run'});
  throw new UserError('not-found', `no run includes a node “${node}”${suggestion(node, names)}`, {
    hint: 'r1 status lists the nodes of the newest run',
  });
}
