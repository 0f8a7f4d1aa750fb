/**
 * The nodes of a run that are not settled: scheduled, each with its inputs once these are known, its failures turned into
 * values. Loaded only when there is something to do.
 */
import {plainError} from '../../artifacts/index.js';
import type {AttemptCode} from '../../artifacts/queries/code-parts.js';
import type {AttemptId, Decision, InputEdge, Json, RunId} from '../../artifacts/index.js';
import {failureAround} from './record-outcome.js';
import {capacityOf} from './capacity.js';
import {furthestCheckpoint} from '../job/continue-from.js';
import type {CodeReader} from '../fingerprint/code-digest.js';
import {differences, fingerprintOf, sameCode} from '../fingerprint/fingerprint.js';
import type {Ingredients} from '../fingerprint/fingerprint.js';
import {criticalPaths} from '../wiring/graph.js';
import {runNode, reuseAtOnce} from './run-node.js';
import type {NodeResult, NodeFailure, NodeContext, NotStarted} from './run-node.js';
import type {ReadyNode} from './attempt.js';
import {codeChangesSince, differsInCodeOnly, ingredientsOf} from '../plan/history.js';
import {codeIngredients, inFewWords, missReason, withInputs} from '../plan/plan.js';
import {droppedText} from '../plan/warnings.js';
import type {Plan, PlannedMaybe, PlannedRun} from '../plan/plan.js';
import type {Prepared} from '../plan/prepare.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import type {NodeEnd, RunFailure, RunOptions} from './options.js';
import {memoryNeeds} from './memory-needs.js';
import {schedule} from './scheduler.js';
import type {Cancelled, Turn} from './scheduler.js';
import {turnMissed} from '../values/turn-missed.js';
import {openCleanup} from './cleanup.js';
import type {Cleanup} from './cleanup.js';
import {refsOf, resourcesOf} from '../wiring/nodes.js';
import type {StageNode, WiredNode} from '../wiring/nodes.js';
import type {MemoryNeed, Resources} from '../stage.js';

export interface NodesToRun {
  readonly run: RunId;
  readonly prepared: Prepared;
  /** The newest plan; that of `prepared` may be older. */
  readonly plan: Plan;
  /** Nodes that have come to something; those that do are added. */
  readonly made: Map<string, NodeResult>;
  readonly options: RunOptions;
}

/** Resolves when every node of the plan has ended, well or badly, and what was cancelled is recorded. */
export const runNodes = (todo: NodesToRun): Promise<ReadonlyMap<string, NodeEnd>> => new NodesRun(todo).run();

/** So often at most is a node planned anew because its code changes before it can be started. */
const MOST_TRIES = 5;

/** What a node that never ran is taken to need, ms: all alike. */
const UNKNOWN_WALL = 1000;

class NodesRun {
  readonly #run: RunId;
  readonly #prepared: Prepared;
  readonly #plan: Plan;
  readonly #made: Map<string, NodeResult>;
  readonly #options: RunOptions;
  readonly #cancelled: Decision[] = [];
  readonly #cleanup: Cleanup;
  readonly #runner: NodeContext;
  /** What nodes need of memory, as far as their stages have reckoned it. */
  readonly #memory = new Map<string, MemoryNeed>();
  /** The first node that failed. */
  #failed: string | undefined;
  /** GPUs that a stage holds which computes with tensors and says nothing of them. */
  #gpusOfTensors = 1;
  /** MiB that may be given out. */
  #mostMemory = Infinity;

  constructor({run, prepared, plan, made, options}: NodesToRun) {
    this.#run = run;
    this.#prepared = prepared;
    this.#plan = plan;
    this.#made = made;
    this.#options = options;
    this.#cleanup = openCleanup(options);
    this.#runner = {...options, run, cleanup: this.#cleanup, leftOpen: new Map()};
  }

  async run(): Promise<ReadonlyMap<string, NodeEnd>> {
    const {graph, wiring} = this.#prepared;
    const {executor, capacity, onFailure, stop, emit} = this.#options;
    const weights = criticalPaths(graph, (id) => this.#weight(id));
    this.#gpusOfTensors = (await executor.gpusOfTensors?.()) ?? 1;
    const needsGpu = [...this.#plan.nodes.keys()].some(
      (id) => !this.#made.has(id) && this.#resources(wiring.nodes.get(id)!).gpu > 0,
    );
    const available = await capacityOf(executor, capacity, needsGpu);
    this.#mostMemory = available.memory;
    const ends = await schedule<NodeResult, NodeFailure | RunFailure | NotStarted>({
      graph,
      nodes: new Set(this.#plan.nodes.keys()),
      resources: (id) => this.#resources(wiring.nodes.get(id)!),
      priority: (id) => weights.get(id) ?? 0,
      capacity: available,
      onFailure,
      noMore: stop.asked,
      perform: (id, turn) => this.#perform(id, turn),
      cancelled: (node, why) => {
        const because = why.reason === 'cancelled' ? why.because : undefined;
        this.#cancelled.push({run: this.#run, node, action: 'cancelled', because: this.#whyCancelled(why)});
        emit({type: 'node-cancelled', node, ...(because === undefined ? {} : {because})});
      },
    });
    await this.#cleanup.finish();
    if (this.#cancelled.length > 0) this.#options.store.recordDecisions(this.#cancelled);
    return ends;
  }

  #whyCancelled(why: Cancelled): string {
    if (why.reason === 'cancelled')
      return `needs “${why.because}”, which ${why.ended === 'stopped' ? 'was stopped' : 'failed'}`;
    return turnMissed(this.#options.stop.asked.aborted ? 'stopped' : 'failed', this.#failed);
  }

  #resources(node: WiredNode): Resources {
    if (node.type === 'source') return {cpu: 0, gpu: 0, memory: 0};
    const declared = resourcesOf(node, this.#gpusOfTensors);
    return {...declared, memory: this.#memory.get(node.id)?.mib ?? declared.memory};
  }

  /** Expected time in ms; nodes that never ran are taken to be alike. */
  #weight(id: string): number {
    const planned = this.#plan.nodes.get(id);
    if (planned?.action !== 'run' && planned?.action !== 'maybe') return 0;
    return planned.expected?.wallMs ?? UNKNOWN_WALL;
  }

  async #perform(id: string, turn: Turn): Promise<Result<NodeResult, NodeFailure | RunFailure | NotStarted>> {
    const settled = this.#made.get(id);
    if (settled !== undefined) return ok(settled);
    const planned = this.#plan.nodes.get(id)!;
    if (planned.action !== 'run' && planned.action !== 'maybe')
      throw new Error(`Internal error: ${id} was not settled`);
    let end: Result<NodeResult, NodeFailure | RunFailure | NotStarted>;
    try {
      end = await this.#runNode(planned, turn);
    } catch (error) {
      const outcome: RunFailure = failureAround(plainError(error, 'bring the node up to date'));
      this.#options.emit({type: 'node-failed', node: id, outcome});
      end = err(outcome);
    }
    if (end.ok) this.#made.set(id, end.value);
    else if (end.error.reason !== 'not-started' && end.error.reason !== 'stopped') this.#failed ??= id;
    return end;
  }

  async #runNode(
    planned: PlannedRun | PlannedMaybe,
    turn: Turn,
  ): Promise<Result<NodeResult, NodeFailure | NotStarted>> {
    const made = this.#reuseAtOnce(planned);
    if (made !== undefined) return ok(made);
    await this.#reckonMemory(planned.node);
    let lastTry = false;
    for (let tries = 1; ; tries++) {
      // Ten thousand nodes may wait here, so what is known of each beyond the plan is put together when its turn has come.
      const slot = await turn.take();
      if (slot?.stillWanted() !== true) return err({reason: 'not-started'});
      const ready = this.#ready(planned, lastTry || tries === MOST_TRIES);
      const end = await runNode(ready, this.#runner, turn, slot);
      if (end.ok || end.error.reason !== 'outdated') return end as Result<NodeResult, NodeFailure | NotStarted>;
      lastTry = !this.#prepared.code.renew(end.error.urls);
    }
  }

  async #reckonMemory(node: StageNode): Promise<void> {
    const {store, emit} = this.#options;
    try {
      const needed = await memoryNeeds(
        node,
        this.#edges(node).map(({port, name, artifact}) => ({port, name, artifact})),
        store,
      );
      if (needed !== undefined) this.#memory.set(node.id, needed);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      emit({type: 'node-note', node: node.id, text: `what memory it needs could not be reckoned: ${why}`});
    }
    const {memory} = this.#resources(node);
    if (memory <= this.#mostMemory) return;
    const text =
      `needs about ${sizeText(memory)} of memory, more than the ${sizeText(this.#mostMemory)} that this run may use: it starts when ` +
      'no other node that needs memory runs, and none starts beside it';
    const why = this.#memory.get(node.id)?.explain?.(this.#mostMemory);
    emit({type: 'node-note', node: node.id, text: why === undefined ? text : `${text}. ${why}`});
  }

  #reuseAtOnce(planned: PlannedRun | PlannedMaybe): NodeResult | undefined {
    const {node} = planned;
    if (this.#prepared.force.has(node.id)) return undefined;
    return reuseAtOnce(node, fingerprintOf(this.#ingredients(planned)), this.#runner);
  }

  #ready(planned: PlannedRun | PlannedMaybe, lastTry: boolean): ReadyNode {
    const {code, history, force, exports, seed} = this.#prepared;
    const {node} = planned;
    const ingredients = this.#ingredients(planned);
    const fingerprint = fingerprintOf(ingredients);
    const other = force.has(node.id) ? undefined : this.#checkpointOfOtherCode(node, ingredients);
    return {
      node,
      exportName: exports.get(node.stage)!,
      ingredients,
      codeParts: partsOf(node, code) as unknown as Json,
      fingerprint,
      inputs: this.#edges(node),
      because:
        planned.action === 'run' && sameCode(ingredients, planned.known)
          ? planned.because
          : missReason(node, ingredients, fingerprint, history),
      becauseNow: () => (force.has(node.id) ? planned.because : missReason(node, ingredients, fingerprint, history)),
      force: force.has(node.id),
      seed,
      expectedMs: planned.expected?.wallMs,
      code: code.jobCodeOf(node, exports),
      lastTry,
      ...(other === undefined ? {} : {accepted: other}),
      ...(this.#options.finish?.includes(node.id) === true ? {isToFinish: true} : {}),
    };
  }

  #ingredients({node, known}: PlannedRun | PlannedMaybe): Ingredients {
    // What it reads by path may have been read again since the plan was made.
    const {code} = this.#prepared;
    const today = {...known, ...codeIngredients(node, (module) => code.codeOf(module))};
    const ingredients = withInputs(node, today, (other, port) => this.#made.get(other)?.outputs[port]);
    if (ingredients === undefined) throw new Error(`Internal error: ${node.id} is to run before what it needs`);
    return ingredients;
  }

  /** Of the run that is being resumed: a checkpoint whose attempt differs from today's in nothing but code. */
  #checkpointOfOtherCode(node: StageNode, now: Ingredients): {attempt: AttemptId; because: string} | undefined {
    const {store, otherCode, emit} = this.#options;
    const fingerprint = fingerprintOf(now);
    if (otherCode === undefined) {
      const dropped = this.#prepared.history.dropped?.(node.id, now, fingerprint);
      if (dropped === undefined) return undefined;
      const {run} = dropped;
      emit({type: 'warning', text: droppedText(node.id, dropped), remedy: {type: 'accept-checkpoint', run}});
      return undefined;
    }
    const attempts = store.attemptsOf(this.#run, node.id);
    const candidates = attempts.filter((attempt) => differsInCodeOnly(attempt, now, fingerprint));
    const found = furthestCheckpoint(candidates, store);
    if (found === undefined) {
      if (otherCode === 'accept') this.#warnOfUselessCheckpoints(node, now);
      return undefined;
    }
    const attempt = candidates.find(({id}) => id === found.attempt)!;
    const {history} = this.#prepared;
    const because = inFewWords(codeChangesSince(attempt, now, store, (digest) => history.codeParts(digest)));
    if (otherCode === 'accept') return {attempt: found.attempt, because};
    const text = droppedText(node.id, {...found, because});
    emit({type: 'warning', text, remedy: {type: 'accept-checkpoint'}});
    return undefined;
  }

  /** A person who accepts checkpoints of other code expects them to be used; one whose params differ cannot be. */
  #warnOfUselessCheckpoints(node: StageNode, now: Ingredients): void {
    const {store, emit} = this.#options;
    const attempts = store.attemptsOf(this.#run, node.id);
    const found = furthestCheckpoint(attempts, store);
    const before = attempts.find(({id}) => id === found?.attempt);
    if (found === undefined || before === undefined) return;
    const earlier = ingredientsOf(before);
    if (fingerprintOf(earlier) === fingerprintOf(now)) return;
    const {history} = this.#prepared;
    const {code, definitions = {}} = now;
    const codeParts = (digest: string) => history.codeParts(digest);
    const why = differences({before: {...earlier, code, definitions}, now: {...now, definitions}, codeParts});
    const text =
      `${node.id}: the checkpoint at step ${found.step} of attempt ${found.attempt} cannot be used: more than code has ` +
      `changed since, ${inFewWords(why)}`;
    emit({type: 'warning', text});
  }

  #edges(node: WiredNode): InputEdge[] {
    return refsOf(node).map(({port, name = '', ref}) => {
      const {attempt, outputs} = this.#made.get(ref.node)!;
      return {port, name, artifact: outputs[ref.port]!, madeBy: attempt};
    });
  }
}

const sizeText = (mib: number): string => (mib < 1024 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`);

/** What the code digests of a node were taken of, as it is stored with an attempt. */
function partsOf({stage, definitions}: StageNode, code: CodeReader): AttemptCode {
  const {parts} = code.codeOf(stage.module);
  if (definitions === undefined) return parts;
  const ofDefinitions = Object.entries(definitions).flatMap(([option, list]) =>
    list.map(({name, module}) => [`${option}/${name}`, code.codeOf(module).parts] as const),
  );
  return {...parts, definitions: Object.fromEntries(ofDefinitions)};
}
