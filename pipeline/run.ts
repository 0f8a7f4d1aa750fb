/**
 * Carries out a plan: records the run, holds its lock, ends or adopts what a dead runner left, schedules the nodes, sums
 * up. All that a person sees comes out as events; nothing here prints.
 */
import {UserError} from '../artifacts/index.js';
import type {AttemptId, Decision, InputEdge, Json, Lock, Orphan, RunId, Store} from '../artifacts/index.js';
import type {Emit, RunOutcome} from './events.js';
import type {Executor} from './executors/executor.js';
import {furthestCheckpoint} from './continue.js';
import {codeDifferences, fingerprintOf} from './fingerprint.js';
import type {Ingredients} from './fingerprint.js';
import {freeze, frozenJson} from './frozen.js';
import {criticalPaths} from './graph.js';
import {bringUpToDate} from './noderun.js';
import type {Made, NodeFailure, NodeRunner, NotStarted} from './noderun.js';
import {endUnwanted} from './orphans.js';
import type {Failure} from './outcome.js';
import {codePartsOf, ingredientsOf} from './past.js';
import {missReason, withInputs} from './plan.js';
import type {PlannedMaybe, PlannedRun} from './plan.js';
import {remake} from './prepare.js';
import type {Prepared} from './prepare.js';
import {err, ok} from './result.js';
import type {Result} from './result.js';
import {schedule} from './scheduler.js';
import type {Cancelled, Capacity, OnFailure, Turn} from './scheduler.js';
import type {StopRequest} from './stop.js';
import {refsOf, resourcesOf} from './wiring.js';
import type {StageNode, WiredNode} from './wiring.js';

export interface RunOptions {
  readonly store: Store;
  readonly executor: Executor;
  readonly capacity: Capacity;
  readonly onFailure: OnFailure;
  readonly emit: Emit;
  readonly stop: StopRequest;
  /** Seconds between the request to stop and the end by force. */
  readonly grace: number;
  /** What was typed, kept with the run. */
  readonly command: string;
  /** Goes on with this run instead of beginning one (`r1 resume`). */
  readonly resume?: RunId;
  /** What to do with checkpoints of the resumed run that only differ in code (`--accept-checkpoint`). */
  readonly otherCode?: 'accept' | 'refuse';
}

export type NodeEnd = Result<Made, NodeFailure | RunFailure | NotStarted | Cancelled>;

/** Something that went wrong around a node rather than in it, so that there may be no attempt. */
export type RunFailure = Extract<Failure, {reason: 'store-failed' | 'unexpected-error'}> & {
  readonly attempt?: undefined;
};

export interface RunSummary {
  readonly run: RunId;
  readonly outcome: RunOutcome;
  readonly ends: ReadonlyMap<string, NodeEnd>;
  readonly wallMs: number;
}

/** Plans may go stale between being made and being begun, when bytes are collected; more often than this it is a bug. */
const MOST_PLANS = 5;

/** @throws UserError when the store cannot be written to, or another process runs this run */
export async function run(prepared: Prepared, options: RunOptions): Promise<RunSummary> {
  const {store, emit} = options;
  const started = performance.now();
  const {id, lock} = begin(prepared, options);
  try {
    const summary = await new Runner(prepared, options, id).run();
    store.endRun(id, summary.outcome);
    const wallMs = performance.now() - started;
    emit({type: 'run-finished', run: id, outcome: summary.outcome, ...tally(summary.ends), wallMs});
    return {run: id, wallMs, ...summary};
  } finally {
    lock.release();
  }
}

function begin(prepared: Prepared, {store, command, resume}: RunOptions): {id: RunId; lock: Lock} {
  const {wiring, seed} = prepared;
  const id = resume ?? store.beginRun({recipe: wiring.recipe, seed, plan: frozenJson(freeze(prepared)), command});
  const lock = store.holdRunnerLock(id);
  if (lock === undefined) {
    throw new UserError('store-busy', `another process is running run ${id}`, {
      hint: `r1 status ${id} shows what it does`,
    });
  }
  if (resume !== undefined) store.resumeRun(resume, command);
  return {id, lock};
}

class Runner {
  readonly #prepared: Prepared;
  readonly #options: RunOptions;
  readonly #run: RunId;
  readonly #nodeRunner: NodeRunner;
  /** Nodes that have come to something. */
  readonly #made = new Map<string, Made>();
  readonly #cancelled: Decision[] = [];
  #plan: Prepared['plan'];

  constructor(prepared: Prepared, options: RunOptions, run: RunId) {
    this.#prepared = prepared;
    this.#options = options;
    this.#run = run;
    this.#plan = prepared.plan;
    const {store, executor, emit, stop, grace} = options;
    this.#nodeRunner = {store, executor, emit, stop, grace, run};
  }

  async run(): Promise<{outcome: RunOutcome; ends: ReadonlyMap<string, NodeEnd>}> {
    const {store, emit, stop} = this.#options;
    await this.#takeSources();
    await endUnwanted(this.#nodeRunner, (orphan) => this.#mayWant(orphan));
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
      nodes: this.#plan.nodes.size,
      toRun,
      mayRun,
      expectedMs,
    });
    this.#showSettled();
    const ends =
      open.length === 0 ? new Map([...this.#made].map(([id, made]) => [id, ok(made)])) : await this.#schedule();
    // What was left to nodes whose fingerprint was not known yet is known by now.
    if (mayRun.length > 0) await endUnwanted(this.#nodeRunner, () => false);
    if (this.#cancelled.length > 0) store.recordDecisions(this.#cancelled);
    const failed = [...ends.values()].some((end) => !end.ok);
    return {outcome: !failed ? 'succeeded' : stop.asked.aborted ? 'stopped' : 'failed', ends};
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
      const attempt = await store.withoutCollector(async () => {
        const artifact = await store.ingest(path, kind);
        if (artifact.digest !== planned.artifact) {
          throw new UserError('changed-while-read', `${path} changed while the run was being planned`, {
            hint: 'run it again',
          });
        }
        return store.recordSource({run: this.#run, node, artifact, path, because: planned.because});
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
        hits.map(({node, attempt, because}) => ({run: this.#run, node, action: 'reuse', attempt, because})),
      );
      if (gone.length === 0) {
        for (const {node, attempt, outputs} of hits) this.#made.set(node, {attempt, outputs, reused: true});
        return;
      }
      const {pinned} = this.#prepared;
      const lost = gone.find((node) => pinned?.has(node));
      if (lost !== undefined) {
        throw new UserError('bytes-missing', `what run ${this.#run} made for “${lost}” is not in the store any more`, {
          hint: 'r1 run makes it again',
        });
      }
      this.#plan = remake(this.#prepared);
    }
    throw new Error('Internal error: artifacts vanish faster than a plan can be made');
  }

  #showSettled(): void {
    for (const [node, {attempt, outputs}] of this.#made) {
      const planned = this.#plan.nodes.get(node)!;
      const type = planned.action === 'source' ? 'node-source' : 'node-reused';
      this.#options.emit({type, node, attempt, because: planned.because, outputs, planned: true});
    }
  }

  async #schedule(): Promise<ReadonlyMap<string, NodeEnd>> {
    const {graph, wiring} = this.#prepared;
    const {capacity, onFailure, stop, emit} = this.#options;
    const weights = criticalPaths(graph, (id) => this.#weight(id));
    return schedule<Made, NodeFailure | RunFailure | NotStarted>({
      graph,
      nodes: new Set(this.#plan.nodes.keys()),
      resources: (id) => {
        const node: WiredNode = wiring.nodes.get(id)!;
        return node.type === 'source' ? {cpu: 0, gpu: 0, memory: 0} : resourcesOf(node);
      },
      priority: (id) => weights.get(id) ?? 0,
      capacity,
      onFailure,
      noMore: stop.asked,
      perform: (id, turn) => this.#perform(id, turn),
      cancelled: (node, why) => {
        const because = why.reason === 'cancelled' ? why.because : undefined;
        this.#cancelled.push({
          run: this.#run,
          node,
          action: 'cancelled',
          because: because === undefined ? 'the run ended before its turn' : `needs “${because}”, which ended badly`,
        });
        emit({type: 'node-cancelled', node, ...(because === undefined ? {} : {because})});
      },
    });
  }

  /** Expected time in ms; nodes that never ran are taken to be alike. */
  #weight(id: string): number {
    const planned = this.#plan.nodes.get(id);
    if (planned?.action !== 'run' && planned?.action !== 'maybe') return 0;
    return planned.expected?.wallMs ?? UNKNOWN_WALL;
  }

  async #perform(id: string, turn: Turn): Promise<Result<Made, NodeFailure | RunFailure | NotStarted>> {
    const settled = this.#made.get(id);
    if (settled !== undefined) return ok(settled);
    const planned = this.#plan.nodes.get(id)!;
    if (planned.action !== 'run' && planned.action !== 'maybe')
      throw new Error(`Internal error: ${id} was not settled`);
    let end: Result<Made, NodeFailure | RunFailure | NotStarted>;
    try {
      end = await this.#bringUpToDate(planned, turn);
    } catch (error) {
      end = err(aroundNode(error));
    }
    if (end.ok) this.#made.set(id, end.value);
    return end;
  }

  #bringUpToDate(planned: PlannedRun | PlannedMaybe, turn: Turn): Promise<Result<Made, NodeFailure | NotStarted>> {
    const {code, past, force, exports, seed} = this.#prepared;
    const {node, known} = planned;
    const ingredients = withInputs(node, known, (other, port) => this.#made.get(other)?.outputs[port]);
    if (ingredients === undefined) throw new Error(`Internal error: ${node.id} is to run before what it needs`);
    const fingerprint = fingerprintOf(ingredients);
    const other = force.has(node.id) ? undefined : this.#checkpointOfOtherCode(node, ingredients);
    return bringUpToDate(
      {
        node,
        exportName: exports.get(node.stage)!,
        ingredients,
        codeParts: code.codeOf(node.stage.module).parts as unknown as Json,
        fingerprint,
        inputs: this.#edges(node),
        because: planned.action === 'run' ? planned.because : missReason(node, ingredients, fingerprint, past),
        force: force.has(node.id),
        seed,
        expectedMs: planned.expected?.wallMs,
        ...(other === undefined ? {} : {accepted: other}),
      },
      this.#nodeRunner,
      turn,
    );
  }

  /** Of the run that is being resumed: a checkpoint whose attempt differs from today's in nothing but code. */
  #checkpointOfOtherCode(node: StageNode, now: Ingredients): {attempt: AttemptId; because: string} | undefined {
    const {store, otherCode, emit} = this.#options;
    if (otherCode === undefined) return undefined;
    const candidates = store.attemptsOf(this.#run, node.id).filter((attempt) => {
      const before = ingredientsOf(attempt);
      return before.code !== now.code && fingerprintOf({...before, code: now.code}) === fingerprintOf(now);
    });
    const found = furthestCheckpoint(candidates, store);
    if (found === undefined) return undefined;
    const before = codePartsOf(
      store,
      candidates.find(({id}) => id === found.attempt)!,
    );
    const because = codeDifferences(before, this.#prepared.past.codeParts(now.code)).join(', ');
    if (otherCode === 'accept') return {attempt: found.attempt, because};
    const text =
      `${node.id}: the checkpoint at step ${found.step} of attempt ${found.attempt} is not used, because of ${because}; ` +
      '--accept-checkpoint goes on from it all the same';
    emit({type: 'warning', text});
    return undefined;
  }

  #edges(node: WiredNode): InputEdge[] {
    return [...refsOf(node)].map(({port, name = '', ref}) => {
      const {attempt, outputs} = this.#made.get(ref.node)!;
      return {port, name, artifact: outputs[ref.port]!, madeBy: attempt};
    });
  }
}

const UNKNOWN_WALL = 1000;

function aroundNode(error: unknown): RunFailure {
  if (error instanceof UserError) {
    return {reason: 'store-failed', message: error.message, ...(error.hint === undefined ? {} : {hint: error.hint})};
  }
  const {message, stack} = error instanceof Error ? error : new Error(String(error));
  return {reason: 'unexpected-error', message, ...(stack === undefined ? {} : {stack})};
}

function tally(ends: ReadonlyMap<string, NodeEnd>): {ran: number; reused: number; failed: number; cancelled: number} {
  const count = {ran: 0, reused: 0, failed: 0, cancelled: 0};
  for (const end of ends.values()) {
    if (end.ok) count[end.value.reused ? 'reused' : 'ran']++;
    else if (end.error.reason === 'cancelled' || end.error.reason === 'not-started') count.cancelled++;
    else count.failed++;
  }
  return count;
}
