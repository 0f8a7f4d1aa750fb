/**
 * Carries out a plan: records the run, holds its lock, ends or adopts what a dead runner left, schedules the nodes, sums
 * up. All that a person sees comes out as events; nothing here prints.
 */
import {UserError, isInterrupted} from '../../artifacts/index.js';
import type {AttemptId, Digest, Lock, Orphan, RunId} from '../../artifacts/index.js';
import {environmentNeedText, environmentNeeds} from '../plan/environments.js';
import {environmentWarningText, environmentWarnings} from '../plan/env-reads.js';
import type {RunFinished, RunOutcome} from '../events.js';
import {freeze, frozenJson} from '../plan/frozen-plan.js';
import type {NodeResult} from './run-node.js';
import {planAgain, requireVariables} from '../plan/prepare.js';
import type {Prepared} from '../plan/prepare.js';
import {planProgramFiles, programFileText, requirePrograms} from '../plan/program-files.js';
import {err, ok} from '../result.js';
import type {Wiring} from '../wiring/nodes.js';
import {requireFinishable} from './finish.js';
import type {NodeEnd, RunFailure, RunOptions, RunSummary} from './options.js';

/** Plans may go stale between being made and being begun, when bytes are collected; more often than this it is a bug. */
const MOST_PLANS = 5;

/** @throws UserError when the store cannot be written to, or another process runs this run */
export async function runPlan(prepared: Prepared, options: RunOptions): Promise<RunSummary> {
  const {store, emit} = options;
  requireVariables(prepared.plan);
  const files = planProgramFiles(prepared.plan);
  requirePrograms(files);
  if (options.finish !== undefined) requireFinishable(options.finish, prepared, options);
  for (const warning of environmentWarnings(prepared, process.env)) {
    emit({type: 'warning', text: environmentWarningText(warning)});
  }
  for (const file of files) emit({type: 'warning', text: programFileText(file)});
  for (const need of await environmentNeeds(prepared.plan)) {
    if (need.state === 'missing') emit({type: 'warning', text: environmentNeedText(need)});
  }
  // The first look at `performance` loads a part of Node, 3 ms of a run that has nothing to do.
  const started = process.hrtime();
  const {id, lock} = begin(prepared, options);
  const patience = interruptSoon(options);
  try {
    const summary = await new PlanRun(prepared, options, id).run();
    store.endRun(id, summary.outcome);
    const [seconds, nanoseconds] = process.hrtime(started);
    const wallMs = seconds * 1e3 + nanoseconds / 1e6;
    const expectedMs = prepared.plan.criticalPath.wallMs;
    emit({
      type: 'run-finished',
      run: id,
      outcome: summary.outcome,
      ...tally(summary.ends, prepared.wiring),
      wallMs,
      expectedMs,
    });
    return {run: id, wallMs, ...summary};
  } finally {
    patience.end();
    lock.release();
  }
}

/** What is small is through by then, so that a stop seldom leaves anything to the next run. */
const PATIENCE = 1000;

/** Ends what reads or copies much: a moment after a stop is asked for, or at once when it is to be at once. */
function interruptSoon({store, stop}: RunOptions): {end(): void} {
  const long = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const soon = () => (timer = setTimeout(() => long.abort(), PATIENCE));
  const now = () => long.abort();
  stop.asked.addEventListener('abort', soon);
  stop.now.addEventListener('abort', now);
  if (stop.asked.aborted) soon();
  store.interruptOn(long.signal);
  return {
    end() {
      clearTimeout(timer);
      stop.asked.removeEventListener('abort', soon);
      stop.now.removeEventListener('abort', now);
      store.interruptOn(undefined);
    },
  };
}

function begin(prepared: Prepared, {store, command, resume}: RunOptions): {id: RunId; lock: Lock} {
  const {wiring, seed} = prepared;
  const id = resume ?? store.beginRun({recipe: wiring.recipe, seed, plan: frozenJson(freeze(prepared)), command});
  const lock = store.holdRunnerLock(id);
  if (lock === undefined) {
    throw new UserError('store-busy', `another process is running run ${id}`, {
      remedy: {type: 'watch-run', run: id},
    });
  }
  try {
    if (resume !== undefined) store.resumeRun(resume, command);
  } catch (error) {
    lock.release();
    throw error;
  }
  return {id, lock};
}

class PlanRun {
  readonly #prepared: Prepared;
  readonly #options: RunOptions;
  readonly #run: RunId;
  /** Nodes that have come to something. */
  readonly #made = new Map<string, NodeResult>();
  #plan: Prepared['plan'];

  constructor(prepared: Prepared, options: RunOptions, run: RunId) {
    this.#prepared = prepared;
    this.#options = options;
    this.#run = run;
    this.#plan = prepared.plan;
  }

  async run(): Promise<{outcome: RunOutcome; ends: ReadonlyMap<string, NodeEnd>}> {
    const {emit, stop} = this.#options;
    try {
      await this.#takeSources();
    } catch (error) {
      if (!isInterrupted(error)) throw error;
      return {outcome: 'stopped', ends: new Map()};
    }
    await Promise.all([this.#endOrphans((orphan) => this.#mayWant(orphan)), this.#endAbandoned()]);
    this.#settleHits();
    const open = [...this.#plan.nodes].filter(([id]) => !this.#made.has(id));
    const toRun = open.filter(([, {action}]) => action === 'run').map(([id]) => id);
    const mayRun = open.filter(([, {action}]) => action === 'maybe').map(([id]) => id);
    const {wiring, seed} = this.#prepared;
    const expectedMs = this.#plan.criticalPath.wallMs;
    emit({
      type: 'run-started',
      run: this.#run,
      recipe: wiring.recipe,
      seed,
      nodes: [...this.#plan.nodes.values()].filter(({node}) => node.type !== 'source').length,
      toRun,
      mayRun,
      expectedMs,
    });
    this.#showSettled();
    const reached =
      open.length === 0 ? new Map([...this.#made].map(([id, made]) => [id, ok(made)])) : await this.#work();
    // What was left to nodes whose fingerprint was not known yet is known by now.
    if (mayRun.length > 0) await this.#endOrphans(() => false);
    const ends = stop.asked.aborted ? reached : await this.#withoutChanged(reached);
    const failed = [...ends.values()].some((end) => !end.ok);
    return {outcome: !failed ? 'succeeded' : stop.asked.aborted ? 'stopped' : 'failed', ends};
  }

  async #endAbandoned(): Promise<void> {
    const {store, executor, emit} = this.#options;
    const abandoned = store.abandonedScratch();
    if (abandoned.length === 0) return;
    const {endAbandoned} = await import('./end-orphans.js');
    await endAbandoned(abandoned, {executor, warn: (text) => emit({type: 'warning', text})});
  }

  /** What a process that outlived its stage has written to since it was stored is no result. */
  async #withoutChanged(ends: ReadonlyMap<string, NodeEnd>): Promise<ReadonlyMap<string, NodeEnd>> {
    const {store, emit} = this.#options;
    const made = [...ends].flatMap(([node, end]) =>
      end.ok && !end.value.reused ? [{node, outputs: Object.values(end.value.outputs)}] : [],
    );
    let changed: ReadonlySet<Digest>;
    try {
      changed = new Set(await store.changedSince(made.flatMap(({outputs}) => outputs)));
    } catch (error) {
      // Whoever uses them next looks at them anyway.
      if (!isInterrupted(error)) throw error;
      return ends;
    }
    if (changed.size === 0) return ends;
    const checked = new Map(ends);
    for (const {node} of made.filter(({outputs}) => outputs.some((digest) => changed.has(digest)))) {
      const outcome: RunFailure = {
        reason: 'store-failed',
        message:
          'something that its stage left running has written to its outputs after they were stored; they were quarantined',
        remedy: {type: 'end-processes', node, run: this.#run},
      };
      emit({type: 'node-failed', node, outcome});
      checked.set(node, err(outcome));
    }
    return checked;
  }

  /** Like `run-nodes.ts`, what deals with processes is loaded only when there is something to deal with. */
  async #endOrphans(wanted: (orphan: Orphan) => boolean): Promise<void> {
    const unwanted = this.#options.store.orphans().filter((orphan) => !wanted(orphan));
    if (unwanted.length === 0) return;
    const {endOrphan} = await import('./end-orphans.js');
    await Promise.all(unwanted.map((orphan) => endOrphan(orphan, {...this.#options, run: this.#run})));
  }

  async #work(): Promise<ReadonlyMap<string, NodeEnd>> {
    const {runNodes} = await import('./run-nodes.js');
    return runNodes({
      run: this.#run,
      prepared: this.#prepared,
      plan: this.#plan,
      made: this.#made,
      options: this.#options,
    });
  }

  #mayWant({node, fingerprint}: Orphan): boolean {
    if (this.#plan.nodes.get(node)?.action === 'maybe') return true;
    return [...this.#plan.nodes.values()].some(
      (planned) => planned.action === 'run' && planned.fingerprint === fingerprint,
    );
  }

  async #takeSources(): Promise<void> {
    const {store} = this.#options;
    for (const [node, planned] of this.#plan.nodes) {
      if (planned.action !== 'source') continue;
      const {path, kind, port} = planned.node;
      const attempt = await store.withoutGc(async () => {
        const artifact = await store.ingest(path, kind);
        if (artifact.digest !== planned.artifact) {
          throw new UserError('changed-while-read', `${path} changed while the run was being planned`, {
            hint: 'run it again',
          });
        }
        return store.recordSource({run: this.#run, node, port, artifact, path, because: planned.because});
      });
      this.#made.set(node, {attempt, outputs: {[port]: planned.artifact}, reused: true});
    }
  }

  /** Records all hits at once; where bytes have gone since the plan was made, it is made again. */
  #settleHits(): void {
    const {store} = this.#options;
    for (let plans = 0; plans < MOST_PLANS; plans++) {
      const hits = [...this.#plan.nodes].flatMap(([node, planned]) =>
        planned.action === 'reuse'
          ? [{node, attempt: planned.attempt as AttemptId, outputs: planned.outputs, because: planned.because}]
          : [],
      );
      if (hits.length === 0) return;
      const gone = store.recordDecisions(
        hits.map(({node, attempt, because}) => {
          // That of a resumed run is kept like all that it has made.
          const isSource = this.#plan.nodes.get(node)!.node.type === 'source';
          return {run: this.#run, node, action: isSource ? 'source' : 'reuse', attempt, because};
        }),
      );
      if (gone.length === 0) {
        for (const {node, attempt, outputs} of hits) this.#made.set(node, {attempt, outputs, reused: true});
        return;
      }
      const {pinned} = this.#prepared;
      const lost = gone.find((node) => pinned?.has(node));
      if (lost !== undefined) {
        throw new UserError('bytes-missing', `what run ${this.#run} made for “${lost}” is not in the store any more`, {
          remedy: {type: 'run-anew', because: 'bytes-gone'},
        });
      }
      this.#plan = planAgain(this.#prepared);
    }
    throw new Error('Internal error: artifacts vanish faster than a plan can be made');
  }

  #showSettled(): void {
    for (const [node, {attempt, outputs}] of this.#made) {
      const planned = this.#plan.nodes.get(node)!;
      const type = planned.node.type === 'source' ? 'node-source' : 'node-reused';
      this.#options.emit({type, node, attempt, because: planned.because, outputs, planned: true});
    }
  }
}

type Tally = Pick<RunFinished, 'ran' | 'reused' | 'failed' | 'stopped' | 'cancelled'>;

/** As a plan counts: what comes from outside is neither run nor reused. */
function tally(ends: ReadonlyMap<string, NodeEnd>, {nodes}: Wiring): Tally {
  const count = {ran: 0, reused: 0, failed: 0, stopped: 0, cancelled: 0};
  for (const [id, end] of ends) {
    if (nodes.get(id)!.type === 'source') continue;
    if (end.ok) count[end.value.reused ? 'reused' : 'ran']++;
    else if (end.error.reason === 'cancelled' || end.error.reason === 'not-started') count.cancelled++;
    else if (end.error.reason === 'stopped') count.stopped++;
    else count.failed++;
  }
  return count;
}
