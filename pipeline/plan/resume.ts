/**
 * Going on with a run that ended early. What succeeded in it stays pinned to its artifacts; the rest runs with today's
 * code and the run's own params, from the frozen plan and not from the recipe of the day.
 */
import {UserError} from '../../artifacts/index.js';
import type {Digest, Run, RunId, Store} from '../../artifacts/index.js';
import type {RuntimeClass} from '../fingerprint/fingerprint.js';
import {frozenPlanOf} from './frozen-plan.js';
import {codeChangesSince} from './history.js';
import {codeIngredients, inFewWords} from './plan.js';
import {graphOf, planWiring} from './prepare.js';
import type {Pinned, Prepared} from './prepare.js';
import {thaw} from './read-frozen-plan.js';
import {openTrusted} from './trust.js';
import type {TrustedPlace} from './trust.js';

export interface Resumed {
  readonly prepared: Prepared;
  /** What a person should know before it goes on: each node whose code is not that of its last attempt. */
  readonly notes: readonly string[];
}

/** The run to resume: the one that was named, or the newest. @throws UserError when there is none, or it is going on */
export function runToResume(store: Store, wanted: RunId | undefined): Run {
  const run = wanted === undefined ? store.latestRun() : store.run(wanted);
  if (run === undefined) {
    const message = wanted === undefined ? 'there is no run to resume' : `there is no run ${wanted}`;
    throw new UserError('not-found', message, {
      remedy: {type: wanted === undefined ? 'begin-run' : 'list-runs'},
    });
  }
  if (store.isAlive(run.id)) {
    throw new UserError('store-busy', `run ${run.id} is running in another process`, {
      remedy: {type: 'watch-run', run: run.id},
    });
  }
  return run;
}

export async function prepareResume(
  run: Run,
  store: Store,
  runtimeOf: (threads: number) => RuntimeClass,
  place: Omit<TrustedPlace, 'store'>,
): Promise<Resumed> {
  const frozen = frozenPlanOf(run);
  const notes: string[] = [];
  const pinned = pins(run.id, store, notes);
  const {wiring, exports} = await thaw(frozen, openTrusted(frozen, {...place, store: store.folder}), pinned);
  const prepared = await planWiring({
    wiring,
    graph: graphOf(wiring),
    selected: new Set(wiring.nodes.keys()),
    seed: run.seed,
    force: new Set<string>(),
    exports,
    pinned,
    store,
    runtimeOf,
  });
  for (const [id, frozenNode] of Object.entries(frozen.nodes)) {
    if (frozenNode.type !== 'source' || pinned.has(id)) continue;
    if (prepared.sources.get(id)?.digest !== frozenNode.artifact) {
      throw new UserError(
        'bad-argument',
        `source “${id}” (${frozenNode.path}) is not what it was when run ${run.id} began`,
        {
          remedy: {type: 'run-anew', because: 'source-changed'},
        },
      );
    }
  }
  for (const [id, node] of wiring.nodes) {
    const last = store.attemptsOf(run.id, id).at(-1);
    if (node.type === 'source' || pinned.has(id) || last === undefined) continue;
    const {code} = prepared;
    const today = codeIngredients(node, (module) => code.codeOf(module));
    const changes = codeChangesSince(last, today, store, (digest) => code.partsOf(digest));
    if (changes.length > 0) notes.push(`${id}: changed since attempt ${last.id}: ${inFewWords(changes)}`);
  }
  return {prepared, notes};
}

/** Nodes that came to something in the run. One whose bytes have been collected since is made again, like any miss. */
function pins(run: RunId, store: Store, notes: string[]): ReadonlyMap<string, Pinned> {
  const pinned = new Map<string, Pinned>();
  for (const {node, action, attempt: id} of store.nodesOf(run)) {
    const attempt = id === undefined ? undefined : store.attempt(id);
    if (attempt?.outcome?.ok !== true || action === 'cancelled') continue;
    const outputs: Record<string, Digest> = {};
    for (const {port, artifact} of attempt.outputs) outputs[port] = artifact;
    if (Object.values(outputs).every((digest) => store.isPresent(digest))) {
      const early = attempt.outcome.reason === 'finished-early' ? ', which was finished early' : '';
      pinned.set(node, {attempt: attempt.id, outputs, because: `kept from attempt ${attempt.id}${early}`});
    } else notes.push(`${node}: the bytes of attempt ${attempt.id} are not in the store any more`);
  }
  return pinned;
}
