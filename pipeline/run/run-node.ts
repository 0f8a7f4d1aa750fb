/**
 * Brings one node up to date within a run: reuse, wait for whoever is at the same work, take over an orphan, or try it
 * itself. Which of these is decided by the store in one transaction, so that no node runs twice.
 */
import {appendFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {pathToFileURL} from 'node:url';
import {plainError} from '../../artifacts/index.js';
import type {
  AttemptId,
  BeginResult,
  OwnershipId,
  Continuation,
  Digest,
  InputEdge,
  Json,
  RunId,
  Store,
} from '../../artifacts/index.js';
import {UnreachableJob, closeAttempt, recordOutcome, superviseProcess} from './attempt.js';
import type {AttemptResult, AttemptContext, ClaimedAttempt} from './attempt.js';
import {bringCheckpoint, furthestCheckpoint, untainted} from '../job/continue-from.js';
import {nodeVariables} from '../wiring/environment.js';
import {ENDED_UNSEEN} from '../executors/executor.js';
import type {Running} from '../executors/executor.js';
import type {Ingredients} from '../fingerprint/fingerprint.js';
import {adoptJob} from './adopt.js';
import {codeChanged, markCode, findRebuilt, findTouchedBeforeStart} from '../job/job-code.js';
import type {JobCode} from '../job/job-code.js';
import {jobFiles, readStop} from '../job/folder.js';
import {prepareJobFolder} from '../job/prepare-folder.js';
import {UnusableCommand} from '../job/command-line.js';
import type {Failure, Outcome} from '../outcome.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import type {Slot, Turn} from './scheduler.js';
import type {StageNode} from '../wiring/nodes.js';

/** A node whose inputs are known. */
export interface ReadyNode {
  readonly node: StageNode;
  /** Name under which the stage's module exports it. */
  readonly exportName: string;
  readonly ingredients: Ingredients;
  readonly codeParts: Json;
  readonly fingerprint: Digest;
  readonly inputs: readonly InputEdge[];
  readonly because: string;
  readonly force: boolean;
  readonly seed: number;
  readonly expectedMs: number | undefined;
  /** What of the stage's code its process is given. */
  readonly code: JobCode;
  /** Its code has changed so often before it could be started that it is not planned again. */
  readonly lastTry: boolean;
  /** A checkpoint of other code that may be used all the same (`r1 resume --accept-checkpoint`). */
  readonly accepted?: {readonly attempt: AttemptId; readonly because: string};
}

/** What a node came to: whose outputs the run uses. */
export interface NodeResult {
  readonly attempt: AttemptId;
  readonly outputs: Readonly<Record<string, Digest>>;
  readonly reused: boolean;
}

export interface NodeContext extends AttemptContext {
  readonly run: RunId;
  /** Attempts of this run that could not be closed, and why: whoever waits for one would wait for ever. */
  readonly leftOpen: Map<AttemptId, unknown>;
}

/** Why a node has nothing to hand on. */
export type NodeFailure = Failure & {readonly attempt: AttemptId; readonly log: string};

const POLL = 100;
/** So often in a row the end of a node may go unseen; a stage that ends whoever started it would be tried without end. */
const MOST_LOST = 3;
/** Polls between two looks at whether the other runner lives; each opens a file. */
const ALIVE_EVERY = 5;

/** Uses what is there, unless its bytes go at this moment. Needs no slot. */
export function reuseAtOnce(node: StageNode, fingerprint: Digest, runner: NodeContext): NodeResult | undefined {
  const hit = runner.store.findByFingerprint(fingerprint);
  return hit === undefined ? undefined : recordReuse(node, hit.attempt, runner);
}

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

/** Called with the first slot in hand; others are taken where somebody else's end has to be waited for. */
export async function runNode(
  ready: ReadyNode,
  runner: NodeContext,
  turn: Turn,
  first: Slot,
): Promise<Result<NodeResult, NodeFailure | NotStarted | Outdated>> {
  const {store, emit, run} = runner;
  const {node, fingerprint, because, force} = ready;
  let lost = 0;
  const isLastTry = (): boolean => lost + 1 >= MOST_LOST;
  for (let slot: Slot | undefined = first; ; slot = await turn.take()) {
    if (slot?.stillWanted() !== true) return err({reason: 'not-started'});
    const marked = markCode(ready.code);
    if (!marked.ok && !ready.lastTry) {
      slot.release();
      return err({reason: 'outdated', urls: marked.error});
    }
    const continues = continuation(ready, store);
    const begun = store.beginAttempt({
      run,
      node: node.id,
      stage: node.stage.name,
      fingerprint,
      ingredients: ready.ingredients as unknown as Json,
      codeParts: ready.codeParts,
      params: ready.ingredients.params,
      seed: ready.seed,
      because,
      inputs: ready.inputs,
      ...(continues === undefined ? {} : {continues}),
      force,
    });
    switch (begun.state) {
      case 'done': {
        slot.release();
        const made = recordReuse(node, begun.attempt, runner);
        if (made !== undefined) return ok(made);
        break;
      }
      case 'busy':
        slot.release();
        await otherEnds(begun);
        break;
      case 'orphan': {
        const end = await takeOver(begun);
        slot.release();
        if (end !== undefined) return end;
        break;
      }
      case 'claimed': {
        const {attempt, jobFolder} = begun;
        const endedWell = () => slot.yield();
        const attempted = await noted(
          attempt,
          attemptIt({attempt, ownership: begun.ownership, folder: jobFolder, continues, endedWell}),
        );
        // Somebody took over while this runner was suspended, and theirs counts; or its end went unseen, because what had
        // started it was killed, and nothing is known against the stage.
        if (attempted.outcome.reason === 'superseded' || (attempted.outcome.reason === 'lost' && !isLastTry())) {
          if (attempted.outcome.reason === 'lost') lost++;
          slot.release();
          break;
        }
        const urls = outdated(attempted.outcome);
        if (urls !== undefined) {
          slot.release();
          return err({reason: 'outdated', urls});
        }
        return endOf(attempt, jobFolder, attempted);
      }
    }
  }

  async function otherEnds(busy: Extract<BeginResult, {state: 'busy'}>): Promise<void> {
    emit({type: 'node-waiting', node: node.id, attempt: busy.attempt, run: busy.run});
    for (let polls = 0; store.attempt(busy.attempt)?.outcome === undefined; polls++) {
      if (runner.stop.asked.aborted || turn.stop.aborted) return;
      if (runner.leftOpen.has(busy.attempt)) throw runner.leftOpen.get(busy.attempt);
      if (polls % ALIVE_EVERY === 0 && busy.run !== run && !store.isAlive(busy.run)) return;
      await sleep(POLL);
    }
  }

  /** Goes on with the process of a dead runner, or with what it left; `undefined` when there is nothing to go on with. */
  async function takeOver(
    orphan: Extract<BeginResult, {state: 'orphan'}>,
  ): Promise<Result<NodeResult, NodeFailure> | undefined> {
    const {attempt, jobFolder} = orphan;
    const ownership = store.adopt({attempt, run, node: node.id, because});
    if (ownership === undefined) return undefined;
    const own = node.stage.argv === undefined ? {own: ready.code.own} : {};
    const claimed = {node, attempt, ownership, folder: jobFolder, inputs: placedInputs(jobFolder), ...own};
    const askedBefore = readStop(jobFolder);
    const found = await adoptJob(jobFolder, runner.executor, (text) => emit({type: 'node-note', node: node.id, text}));
    if (found.state === 'unknown') {
      // It stays open: whoever is told more goes on with it.
      const error = new UnreachableJob(`attempt ${attempt} may still run: ${found.why}`);
      runner.leftOpen.set(attempt, error);
      throw error;
    }
    if (found.state === 'lost') {
      await recordOutcome(claimed, found.lost, {wallMs: 0}, {...runner, emit: () => undefined});
      return undefined;
    }
    const log = jobFiles(jobFolder).log;
    emit({
      type: 'node-started',
      node: node.id,
      stage: node.stage.name,
      attempt,
      because,
      log,
      adopted: true,
      ...(found.state === 'ended' ? {ended: true} : {}),
      ...expected(),
    });
    if (askedBefore !== undefined) {
      const text = 'an earlier run has asked it to stop; it is tried again when it has';
      emit({type: 'node-note', node: node.id, text});
    }
    const isTriedAgain = ({reason}: Outcome): boolean => {
      // Its end went unseen: nothing is known against the stage, so it is tried again from its last checkpoint.
      if (reason === 'lost' || reason === 'superseded') return true;
      // It failed before this run began, by what is told of it only now: this run is to try.
      const early = reason === 'events-garbled' || reason === 'unexpected-error' || reason === 'code-changed';
      if (found.state === 'ended' && early) return true;
      if (runner.stop.asked.aborted || turn.stop.aborted) return false;
      // Asked by somebody who is gone; or the paths that it was given lead nowhere any more.
      return (reason === 'stopped' && askedBefore !== undefined) || (reason !== 'succeeded' && found.isMoved);
    };
    const watching = {stop: turn.stop, askedBefore, isTriedAgain};
    const running = found.state === 'ended' ? ENDED_UNSEEN : found.running;
    const attempted = await noted(attempt, superviseProcess(claimed, running, runner, watching));
    if (isTriedAgain(attempted.outcome)) return undefined;
    return endOf(attempt, jobFolder, attempted);
  }

  function placedInputs(folder: string) {
    return ready.inputs.map(({port, name, artifact}) => ({
      artifact,
      path: [jobFiles(folder).inputs, port, ...(name === '' ? [] : [name])].join('/'),
    }));
  }

  async function noted<T>(attempt: AttemptId, attempted: Promise<T>): Promise<T> {
    try {
      return await attempted;
    } catch (error) {
      runner.leftOpen.set(attempt, error);
      throw error;
    }
  }

  async function attemptIt(begin: Begin): Promise<AttemptResult> {
    const {attempt, ownership, folder} = begin;
    const bare: ClaimedAttempt = {node, attempt, ownership, folder, inputs: []};
    try {
      return await startAndSeeThrough(begin, bare);
    } catch (error) {
      if (error instanceof UnusableCommand) {
        appendFileSync(jobFiles(folder).log, `${error.message}\n`);
        return recordOutcome(bare, {reason: 'start-failed', message: error.message}, {wallMs: 0}, runner);
      }
      return closeAttempt(bare, error, runner);
    }
  }

  async function startAndSeeThrough(
    {attempt, folder, continues, endedWell}: Begin,
    bare: ClaimedAttempt,
  ): Promise<AttemptResult> {
    const files = jobFiles(folder);
    /** Nothing was started. Where it is planned again, nobody has to be told of it. */
    const asOfNow = (urls: readonly string[], known: ClaimedAttempt): Promise<AttemptResult> => {
      const outcome = codeChanged('starting', urls);
      const emit = outdated(outcome) === undefined ? runner.emit : () => undefined;
      return recordOutcome(known, outcome, {wallMs: 0}, {...runner, emit});
    };
    await store.makeJobFolder(attempt);
    const marked = markCode(ready.code);
    if (!marked.ok) return asOfNow(marked.error, bare);
    const code = marked.value;
    const epoch = await runner.executor.epoch();
    const {placed, command, tag} = await prepareJobFolder({
      epoch,
      ...ready,
      folder,
      owner: `${store.id}/${attempt}`,
      store,
      code,
    });
    const from = continues;
    if (from !== undefined && !bringCheckpoint(from, folder, store)) {
      const message = `the checkpoint of attempt ${from.attempt} at step ${from.step} is not whole any more`;
      return recordOutcome({...bare, inputs: placed}, {reason: 'start-failed', message}, {wallMs: 0}, runner);
    }
    const claimed = {...bare, inputs: placed, ...(node.stage.argv === undefined ? {own: code.own} : {})};
    // Placing gigabytes may have taken long; a stop that was asked for meanwhile is obeyed before anything starts.
    if (runner.stop.asked.aborted || turn.stop.aborted)
      return recordOutcome(claimed, {reason: 'stopped'}, {wallMs: 0}, runner);
    const rebuilt = node.stage.argv === undefined ? findRebuilt(code.own) : [];
    const changed = rebuilt.length > 0 ? rebuilt : findTouchedBeforeStart(code);
    if (changed.length > 0) return asOfNow(changed, claimed);
    let running: Running;
    try {
      const env = nodeVariables(node, process.env);
      running = await runner.executor.start({
        folder,
        tag,
        ...(command === undefined ? {} : {command}),
        ...(env === undefined ? {} : {env}),
      });
    } catch (thrown) {
      const {message} = plainError(thrown, 'start its process') as Error;
      return recordOutcome(claimed, {reason: 'start-failed', message}, {wallMs: 0}, runner);
    }
    emit({
      type: 'node-started',
      node: node.id,
      stage: node.stage.name,
      attempt,
      because,
      log: files.log,
      ...(from === undefined ? {} : {continues: from}),
      ...expected(),
    });
    const isTriedAgain = ({reason}: Outcome): boolean => reason === 'lost' && !isLastTry();
    return superviseProcess(claimed, running, runner, {stop: turn.stop, endedWell, isTriedAgain});
  }

  /** What has to be read again before the node can be planned with the code of now. What r1 is made of is not read again. */
  function outdated(outcome: Outcome): readonly string[] | undefined {
    if (outcome.reason !== 'code-changed' || outcome.when !== 'starting') return undefined;
    if (outcome.own === true || ready.lastTry) return undefined;
    return outcome.files.map((file) => pathToFileURL(file).href);
  }

  function expected(): {expectedMs?: number} {
    return ready.expectedMs === undefined ? {} : {expectedMs: ready.expectedMs};
  }
}

/** The run came to an end before the node's turn. */
export interface NotStarted {
  readonly reason: 'not-started';
}

/** Files of its code are not any more what its fingerprint counts, and nothing was started. */
export interface Outdated {
  readonly reason: 'outdated';
  readonly urls: readonly string[];
}

interface Begin {
  readonly attempt: AttemptId;
  readonly ownership: OwnershipId;
  readonly folder: string;
  readonly continues: Continuation | undefined;
  readonly endedWell: () => void;
}

/** The checkpoint to start from: of the same fingerprint, or else the one of other code that was accepted by hand. */
function continuation({fingerprint, force, accepted}: ReadyNode, store: Store): Continuation | undefined {
  if (force) return undefined;
  const earlier = store.attemptsByFingerprint(fingerprint);
  if (accepted === undefined) return furthestCheckpoint(untainted(earlier), store);
  const other = store.attempt(accepted.attempt);
  const found = furthestCheckpoint([...earlier, ...(other === undefined ? [] : [other])], store);
  if (found?.attempt !== accepted.attempt) return found;
  return {...found, accepted: found.accepted ?? accepted.because};
}

function endOf(attempt: AttemptId, folder: string, {outcome, outputs}: AttemptResult): Result<NodeResult, NodeFailure> {
  if (outcome.reason === 'succeeded') return ok({attempt, outputs, reused: false});
  return err({...outcome, attempt, log: jobFiles(folder).log});
}
