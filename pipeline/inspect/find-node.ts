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

/** `3/zero-rl`, as artifacts are named. */
const IN_RUN = /^(\d+)\/(.+)$/;

/**
 * What was decided for a node in the run with this number, or in the newest run that includes the node. The number may
 * stand in front of the name, too: `3/zero-rl`.
 *
 * @throws UserError bad-argument: two different numbers
 * @throws UserError not-found: no such run, or it decided nothing for such a node; names the nearest name
 */
export function findNode(store: Store, text: string, number?: number): FoundNode {
  const [, before, name = text] = IN_RUN.exec(text) ?? [];
  const wanted = before === undefined ? number : Number(before);
  if (number !== undefined && number !== wanted)
    throw new UserError('bad-argument', `“${text}” is of run ${before}, and run ${number} was asked for`, {
      hint: 'leave one of the two numbers out',
    });
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
