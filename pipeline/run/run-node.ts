/**
 * Brings one node up to date within a run: reuse, wait for whoever is at the same work, take over an orphan, or try it
 * itself. Which of these is decided by the store in one transaction, so that no node runs twice.
 */
import {setTimeout as sleep} from 'node:timers/promises';
import type {AttemptId, BeginResult, Continuation, Digest, Json, Placed, RunId, Store} from '../../artifacts/index.js';
import {endedUnseen} from '../executors/executor.js';
import {newestCheckpoint} from '../job/checkpoints.js';
import {furthestCheckpoint, passedOverText, untainted} from '../job/continue-from.js';
import type {PassedOver} from '../job/continue-from.js';
import {jobFiles, readStop} from '../job/folder.js';
import type {StopRecord} from '../job/folder.js';
import {markCode} from '../job/job-code.js';
import {isSuccess} from '../outcome.js';
import type {Failure, Outcome} from '../outcome.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import type {StageNode} from '../wiring/nodes.js';
import {adoptJob} from './adopt.js';
import type {AdoptedJob} from './adopt.js';
import {outdatedModules, runAttempt} from './attempt.js';
import type {ReadyNode} from './attempt.js';
import {finishAtOnce} from './finish.js';
import {UnreachableJob, recordOutcome} from './record-outcome.js';
import type {AttemptContext, AttemptResult, ClaimedAttempt} from './record-outcome.js';
import type {Slot, Turn} from './scheduler.js';
import {superviseProcess} from './supervise-process.js';

export interface NodeContext extends AttemptContext {
  readonly run: RunId;
  /** Attempts of this run that could not be closed, and why: whoever waits for one would wait for ever. */
  readonly leftOpen: Map<AttemptId, unknown>;
}

/** What a node came to: whose outputs the run uses. */
export interface NodeResult {
  readonly attempt: AttemptId;
  readonly outputs: Readonly<Record<string, Digest>>;
  readonly reused: boolean;
}

/** Why a node has nothing to hand on. */
export type NodeFailure = Failure & {readonly attempt: AttemptId; readonly log: string};

/** The run came to an end before the node's turn. */
export interface NotStarted {
  readonly reason: 'not-started';
}

/** Files of its code are not any more what its fingerprint counts, and nothing was started. */
export interface Outdated {
  readonly reason: 'outdated';
  readonly urls: readonly string[];
}

type End = Result<NodeResult, NodeFailure | NotStarted | Outdated>;

/** What the store decided, by its name. */
type Decided<State extends BeginResult['state']> = Extract<BeginResult, {state: State}>;

const POLL = 100;
/** Tries after the first one, unless the node says otherwise; a stage that ends whoever started it would be tried without end. */
const RETRIES = 2;
/** What a program exits with to be tried again, as `sysexits.h` has it (EX_TEMPFAIL). */
const TRY_AGAIN = 75;
/** Between two tries of a program that asked for it, ms: twice as long each time, up to a minute. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;
/** Polls between two looks at whether the other runner lives; each opens a file. */
const ALIVE_EVERY = 5;

/** Uses what is there, unless its bytes go at this moment. Needs no slot. */
export function reuseAtOnce(node: StageNode, fingerprint: Digest, context: NodeContext): NodeResult | undefined {
  const hit = context.store.findByFingerprint(fingerprint);
  return hit === undefined ? undefined : recordReuse(node, hit.attempt, context);
}

/** Called with the first slot in hand; others are taken where somebody else's end has to be waited for. */
export const runNode = (ready: ReadyNode, context: NodeContext, turn: Turn, first: Slot): Promise<End> =>
  new NodeRun(ready, context, turn).run(first);

class NodeRun {
  #ready: ReadyNode;
  readonly #context: NodeContext;
  readonly #turn: Turn;
  /** Tries in a row that ended with nothing said against it, and without a newer checkpoint. */
  #retried = 0;
  /** Checkpoints that were passed over, and told of. */
  readonly #told = new Set<string>();

  constructor(ready: ReadyNode, context: NodeContext, turn: Turn) {
    this.#ready = ready;
    this.#context = context;
    this.#turn = turn;
  }

  async run(first: Slot): Promise<End> {
    for (let slot: Slot | undefined = first; ; slot = await this.#turn.take()) {
      if (slot?.stillWanted() !== true) return err({reason: 'not-started'});
      const end = await this.#decide(slot);
      if (end !== undefined) return end;
      // Another attempt has ended without a result meanwhile, and is the reason for the next one.
      this.#ready = {...this.#ready, because: this.#ready.becauseNow()};
    }
  }

  /** Does what the store says is to be done; `undefined` when it is to be asked again. */
  async #decide(slot: Slot): Promise<End | undefined> {
    const {code, lastTry} = this.#ready;
    const marked = markCode(code);
    if (!marked.ok && !lastTry) {
      slot.release();
      return err({reason: 'outdated', urls: marked.error});
    }
    const passedOver: PassedOver[] = [];
    const continues = findContinuation(this.#ready, this.#context.store, (torn) => passedOver.push(torn));
    const begun = this.#begin(continues);
    switch (begun.state) {
      case 'done':
        return this.#reuse(begun, slot);
      case 'busy':
        return this.#waitForOther(begun, slot);
      case 'orphan':
        return this.#takeOver(begun, slot);
      case 'claimed':
        this.#warnOf(passedOver, continues);
        return this.#attempt(begun, continues, slot);
    }
  }

  /** A plan only looks whether a checkpoint is there. What was told of is not told again by the next try. */
  #warnOf(passedOver: readonly PassedOver[], continues: Continuation | undefined): void {
    const {node} = this.#ready;
    const fresh = passedOver.filter(({attempt, step}) => !this.#told.has(`${attempt}/${step}`));
    for (const {attempt, step} of fresh) this.#told.add(`${attempt}/${step}`);
    const what = passedOverText(fresh);
    if (what === undefined) return;
    const where =
      continues === undefined ? 'the beginning' : `that at step ${continues.step} of attempt ${continues.attempt}`;
    this.#context.emit({type: 'warning', text: `${node.id}: ${what}; it starts from ${where}`});
  }

  #begin(continues: Continuation | undefined): BeginResult {
    const {node, fingerprint, ingredients, codeParts, seed, because, inputs, force} = this.#ready;
    return this.#context.store.beginAttempt({
      run: this.#context.run,
      node: node.id,
      stage: node.stage.name,
      fingerprint,
      ingredients: ingredients as unknown as Json,
      codeParts,
      params: ingredients.params,
      seed,
      because,
      inputs,
      ...(continues === undefined ? {} : {continues}),
      force,
    });
  }

  /** Another run has made it meanwhile. */
  #reuse({attempt}: Decided<'done'>, slot: Slot): End | undefined {
    slot.release();
    const reused = recordReuse(this.#ready.node, attempt, this.#context);
    return reused === undefined ? undefined : ok(reused);
  }

  /** Another runner, or another node of this run, is at it. */
  async #waitForOther(busy: Decided<'busy'>, slot: Slot): Promise<undefined> {
    const {store, emit, run, stop, leftOpen} = this.#context;
    slot.release();
    emit({type: 'node-waiting', node: this.#ready.node.id, attempt: busy.attempt, run: busy.run});
    for (let polls = 0; store.attempt(busy.attempt)?.outcome === undefined; polls++) {
      if (stop.asked.aborted || this.#turn.stop.aborted) return;
      if (leftOpen.has(busy.attempt)) throw leftOpen.get(busy.attempt);
      if (polls % ALIVE_EVERY === 0 && busy.run !== run && !store.isAlive(busy.run)) return;
      await sleep(POLL);
    }
  }

  /** Goes on with the process of a dead runner, or with what it left. */
  async #takeOver({attempt, jobFolder}: Decided<'orphan'>, slot: Slot): Promise<End | undefined> {
    const {node, because} = this.#ready;
    const {store, run} = this.#context;
    const ownership = store.adopt({attempt, run, node: node.id, because});
    const end =
      ownership === undefined
        ? undefined
        : await this.#orLeftOpen(
            attempt,
            this.#adopt({
              node,
              attempt,
              ownership,
              folder: jobFolder,
              inputs: this.#placedInputs(jobFolder),
              ...(node.stage.argv === undefined ? {own: this.#ready.code.own} : {}),
            }),
          );
    slot.release();
    return end;
  }

  async #adopt(claimed: ClaimedAttempt): Promise<End | undefined> {
    const {executor, emit} = this.#context;
    const {node, attempt, folder} = claimed;
    const askedBefore = readStop(folder);
    const found = await adoptJob(folder, executor, (text) => emit({type: 'node-note', node: node.id, text}));
    // It stays open: whoever finds out more takes it over.
    if (found.state === 'unknown') throw new UnreachableJob(attempt, found.why);
    if (found.state === 'lost') {
      await recordOutcome(claimed, found.lost, {wallMs: 0}, {...this.#context, emit: () => undefined});
      return undefined;
    }
    if (found.state === 'running' && this.#ready.isToFinish === true) finishAtOnce(folder);
    this.#showAdopted(claimed, found, askedBefore);
    const isTriedAgain = (outcome: Outcome): boolean => this.#isTriedAgain(outcome, found, askedBefore);
    const running = found.state === 'ended' ? endedUnseen(found.memory) : found.running;
    const supervision = {stop: this.#turn.stop, askedBefore, isTriedAgain};
    const result = await superviseProcess(claimed, running, this.#context, supervision);
    return isTriedAgain(result.outcome) ? undefined : endOf(claimed, result);
  }

  #showAdopted(
    {node, attempt, folder}: ClaimedAttempt,
    found: Extract<AdoptedJob, {state: 'running' | 'ended'}>,
    askedBefore: StopRecord | undefined,
  ): void {
    const {emit} = this.#context;
    const {because, expectedMs} = this.#ready;
    emit({
      type: 'node-started',
      node: node.id,
      stage: node.stage.name,
      attempt,
      because,
      log: jobFiles(folder).log,
      adopted: true,
      ...(found.state === 'ended' ? {ended: true} : {}),
      ...(expectedMs === undefined ? {} : {expectedMs}),
    });
    if (askedBefore === undefined) return;
    emit({
      type: 'node-note',
      node: node.id,
      text: 'an earlier run has asked it to stop; it is tried again when it has',
    });
  }

  /** Whether an attempt that was taken over says nothing against another one in this run. */
  #isTriedAgain(
    outcome: Outcome,
    found: Extract<AdoptedJob, {state: 'running' | 'ended'}>,
    askedBefore: StopRecord | undefined,
  ): boolean {
    const {reason} = outcome;
    // Nothing is known against the stage, so it is tried again from its last checkpoint.
    if (reason === 'superseded' || asksForRetry(outcome, this.#ready.node)) return true;
    // It failed before this run began, as is known only now: this run is to try.
    const early = reason === 'events-garbled' || reason === 'unexpected-error' || reason === 'code-changed';
    if (found.state === 'ended' && early) return true;
    if (this.#context.stop.asked.aborted || this.#turn.stop.aborted) return false;
    // Asked by somebody who is gone; or the paths that it was given lead nowhere any more.
    return (reason === 'stopped' && askedBefore !== undefined) || (!isSuccess(outcome) && found.isMoved);
  }

  /** It is ours to try. */
  async #attempt(
    {attempt, ownership, jobFolder: folder}: Decided<'claimed'>,
    continues: Continuation | undefined,
    slot: Slot,
  ): Promise<End | undefined> {
    const from = continues?.step ?? 0;
    const isTriedAgain = (outcome: Outcome): boolean => this.#retry(outcome, folder, from) !== undefined;
    const supervision = {stop: this.#turn.stop, endedWell: () => slot.yield(), isTriedAgain};
    const begun = {attempt, ownership, folder, continues, slot};
    const result = await this.#orLeftOpen(attempt, runAttempt(this.#ready, begun, this.#context, supervision));
    const {outcome} = result;
    // Somebody took over while this runner was suspended, and theirs counts.
    if (outcome.reason === 'superseded') {
      slot.release();
      return undefined;
    }
    const retry = this.#retry(outcome, folder, from);
    if (retry !== undefined) {
      this.#retried = retry;
      slot.release();
      if (outcome.reason === 'stage-exited') await this.#pause(retry);
      return undefined;
    }
    const urls = outdatedModules(outcome, this.#ready);
    if (urls !== undefined) {
      slot.release();
      return err({reason: 'outdated', urls});
    }
    return endOf({attempt, folder}, result);
  }

  /**
   * The number of the try that is to follow, counted anew from a checkpoint that this one wrote; undefined where none follows. An end
   * that went unseen, as what had started it was killed, says nothing against the stage, and a program may ask for another try.
   */
  #retry(outcome: Outcome, folder: string, from: number): number | undefined {
    if (!asksForRetry(outcome, this.#ready.node)) return undefined;
    // Whole ones alone: from another it would begin where this one did, without end.
    const newest = newestCheckpoint(jobFiles(folder).checkpoints)?.step ?? 0;
    const next = newest > from ? 1 : this.#retried + 1;
    return next <= (this.#ready.node.options.retries ?? RETRIES) ? next : undefined;
  }

  /** What it waits for may be there in a moment; whoever stops the run does not wait. */
  async #pause(retry: number): Promise<void> {
    const {node} = this.#ready;
    const {emit, stop} = this.#context;
    const ms = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (retry - 1));
    const of = node.options.retries ?? RETRIES;
    const text = `exited with ${TRY_AGAIN}, which asks for another try: trying again in ${ms / 1000} s (${retry} of ${of})`;
    emit({type: 'node-note', node: node.id, text});
    const signal = AbortSignal.any([stop.asked, this.#turn.stop]);
    await sleep(ms, undefined, {signal}).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  #placedInputs(folder: string): Placed[] {
    return this.#ready.inputs.map(({port, name, artifact}) => ({
      artifact,
      path: [jobFiles(folder).inputs, port, ...(name === '' ? [] : [name])].join('/'),
    }));
  }

  /** Whoever in this run waits for an attempt that could not be closed learns why. */
  async #orLeftOpen<T>(attempt: AttemptId, result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      this.#context.leftOpen.set(attempt, error);
      throw error;
    }
  }
}

/** Whether its end says nothing against another try. */
const asksForRetry = (outcome: Outcome, {stage}: StageNode): boolean =>
  outcome.reason === 'lost' ||
  (outcome.reason === 'stage-exited' && outcome.exitCode === TRY_AGAIN && stage.argv !== undefined);

/** Records that an earlier attempt is used; `undefined` when its bytes went meanwhile. */
function recordReuse({id}: StageNode, attempt: AttemptId, {store, emit, run}: NodeContext): NodeResult | undefined {
  const because = 'nothing changed';
  const gone = store.recordDecisions([{run, node: id, action: 'reuse', attempt, because}]);
  if (gone.length > 0) return undefined;
  const recorded = store.attempt(attempt);
  if (recorded === undefined) throw new Error(`Internal error: attempt ${attempt} is not in the store`);
  const outputs = Object.fromEntries(recorded.outputs.map(({port, artifact}) => [port, artifact]));
  emit({type: 'node-reused', node: id, attempt, because, outputs, planned: false});
  return {attempt, outputs, reused: true};
}

/** The checkpoint to start from: of the same fingerprint, or else the one of other code that was accepted by hand. */
function findContinuation(
  {fingerprint, force, accepted}: ReadyNode,
  store: Store,
  tell: (passedOver: PassedOver) => void,
): Continuation | undefined {
  if (force) return undefined;
  const earlier = store.attemptsByFingerprint(fingerprint);
  if (accepted === undefined) return furthestCheckpoint(untainted(earlier), store, tell);
  const other = store.attempt(accepted.attempt);
  const found = furthestCheckpoint([...earlier, ...(other === undefined ? [] : [other])], store, tell);
  if (found?.attempt !== accepted.attempt) return found;
  return {...found, accepted: found.accepted ?? accepted.because};
}

function endOf({attempt, folder}: Pick<ClaimedAttempt, 'attempt' | 'folder'>, result: AttemptResult): End {
  const {outcome, outputs} = result;
  if (isSuccess(outcome)) return ok({attempt, outputs, reused: false});
  return err({...outcome, attempt, log: jobFiles(folder).log});
}
