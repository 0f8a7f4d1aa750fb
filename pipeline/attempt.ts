/**
 * One try of one node, from the job folder to the recorded outcome. The process is somebody else's (`executors/`), the
 * decision to try at all as well (`noderun.ts`).
 */
import {existsSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {UserError, plainError} from '../artifacts/index.js';
import type {
  Artifact,
  AttemptId,
  ClaimId,
  Cost,
  Damage,
  Digest,
  Placed,
  Store,
  UserErrorReason,
} from '../artifacts/index.js';
import type {Emit} from './events.js';
import {EventTail} from './eventtail.js';
import type {Executor, Exit, Running} from './executors/executor.js';
import {MOST_MESSAGE, MOST_STACK, shortened} from './jobevents.js';
import type {JobEvent} from './jobevents.js';
import {jobFiles, readResult} from './jobfolder.js';
import type {JobResult, Usage} from './jobfolder.js';
import {capLog} from './joblog.js';
import {outcomeJson} from './outcome.js';
import type {Failure, Outcome} from './outcome.js';
import {inReadersTerms} from './places.js';
import type {StopRequest} from './stop.js';
import type {Tidying} from './tidying.js';
import type {StageNode} from './wiring.js';

export interface Attempting {
  readonly store: Store;
  readonly executor: Executor;
  readonly emit: Emit;
  readonly stop: StopRequest;
  /** Seconds between the request to stop and the end by force. */
  readonly grace: number;
  readonly tidying: Tidying;
}

/** An attempt that is ours: begun just now, or taken over from a runner that died. */
export interface Claimed {
  readonly node: StageNode;
  readonly attempt: AttemptId;
  readonly claim: ClaimId;
  readonly folder: string;
  readonly inputs: readonly Placed[];
}

export interface Attempted {
  readonly outcome: Outcome;
  readonly outputs: Readonly<Record<string, Digest>>;
}

const POLL = 200;

export interface Watching {
  /** Aborted when the process has to be stopped because another node failed. */
  readonly stop: AbortSignal;
  /** Called when the process has ended well, and its results are only left to be stored. */
  readonly endedWell?: () => void;
}

/** Sees a process to its end and records what came of it; also when something unforeseen happens on the way. */
export async function seeThrough(
  claimed: Claimed,
  running: Running,
  with_: Attempting,
  watching: Watching,
): Promise<Attempted> {
  try {
    return await seeToItsEnd(claimed, running, with_, watching);
  } catch (thrown) {
    running.kill();
    await running.exit;
    return close(claimed, thrown, with_);
  }
}

/** Errors of the store and its disk that may be over another time; what a process left is whole then, and can be stored. */
const PASSING: ReadonlySet<UserErrorReason> = new Set([
  'disk-full',
  'io-error',
  'no-permission',
  'read-only',
  'store-busy',
  'store-damaged',
  'too-many-files',
]);

/**
 * Closes an attempt after an error that would come again: left open, every later run would take it over and meet the same.
 * @throws what was thrown, when it may be over another time
 */
export async function close(claimed: Claimed, thrown: unknown, with_: Attempting): Promise<Attempted> {
  const error = plainError(thrown, 'conclude the attempt');
  if (error instanceof UserError && PASSING.has(error.reason)) throw error;
  return conclude(claimed, failureAround(error), {wallMs: wallOf(claimed.folder)}, with_);
}

/** What went wrong around a stage rather than in it. */
export function failureAround(error: unknown): Extract<Failure, {reason: 'store-failed' | 'unexpected-error'}> {
  if (error instanceof UserError) {
    return {reason: 'store-failed', message: error.message, ...(error.hint === undefined ? {} : {hint: error.hint})};
  }
  const {message, stack} = error instanceof Error ? error : new Error(String(error));
  return {
    reason: 'unexpected-error',
    message: shortened(message, MOST_MESSAGE),
    ...(stack === undefined ? {} : {stack: shortened(stack, MOST_STACK)}),
  };
}

async function seeToItsEnd(
  claimed: Claimed,
  running: Running,
  with_: Attempting,
  {stop, endedWell}: Watching,
): Promise<Attempted> {
  const {store, emit} = with_;
  const {node, attempt, folder} = claimed;
  const files = jobFiles(folder);
  const tail = new EventTail({
    file: files.events,
    offset: store.eventsOffset(attempt),
    show: (event) => show(node.id, event, emit),
    keep: (points, offset) => store.addMetrics(attempt, points, offset),
  });
  let used: Usage | undefined;
  let broken: Error | undefined;
  let polls = 0;
  const giveUp = (error: unknown): void => {
    broken ??= error instanceof Error ? error : new Error(String(error));
    running.kill();
  };
  const timer = setInterval(() => {
    try {
      tail.poll();
      capLog(files.log);
      used = running.usage() ?? used;
      // That a short attempt began is recorded with its outcome; work of hours should not hang on that.
      if (polls++ === 0) void store.settle().catch(giveUp);
    } catch (error) {
      // A timer has nobody to throw to: the process is ended, and what happened is said once it is dead.
      giveUp(error);
    }
  }, POLL);
  const end = new Ending(running, with_, stop, node.options.timeout);
  const exit = await running.exit.finally(() => {
    end.dispose();
    clearInterval(timer);
  });
  if (broken !== undefined) {
    tail.close();
    throw broken;
  }
  const garbled = await tail.end();
  capLog(files.log);
  const result = readResult(folder);
  // What the stage's process says of itself is exact; of a program, its time is known from its end, its memory from looks.
  const own = result.ok ? result.value?.usage : undefined;
  const time = own ?? exit.used ?? used;
  const memory = (own ?? used)?.memory;
  const cost: Cost = {
    wallMs: wallOf(folder),
    ...(time === undefined ? {} : {userMs: time.user * 1000, systemMs: time.system * 1000}),
    ...(memory === undefined ? {} : {peakBytes: memory}),
    ...(own?.read === undefined ? {} : {readBytes: own.read}),
    ...(own?.written === undefined ? {} : {writtenBytes: own.written}),
    ...(tail.tokens === undefined ? {} : {tokens: tail.tokens}),
  };
  const damages = await store.inputsIntact(claimed.inputs);
  let outcome: Outcome = outcomeOf({
    exit,
    result,
    timedOut: end.timedOut,
    timeout: node.options.timeout,
    stopped: end.stopped,
  });
  if (outcome.reason === 'succeeded') {
    if (garbled !== undefined) outcome = {reason: 'events-garbled', ...garbled};
    else if (damages.length > 0) outcome = inputsChanged(damages);
    else if (hasOutputs(claimed)) endedWell?.();
  }
  return conclude(claimed, outcome, cost, with_);
}

function inputsChanged(damages: readonly Damage[]): Outcome {
  const digestsOf = (list: readonly Damage[]) => [...new Set(list.map(({artifact}) => artifact))];
  const outOfUse = digestsOf(damages.filter(({blobDamaged}) => blobDamaged));
  return {reason: 'inputs-changed', digests: digestsOf(damages), outOfUse};
}

/** Stores the outputs of a success, records the outcome, tidies the job folder. */
export async function conclude(claimed: Claimed, outcome: Outcome, cost: Cost, with_: Attempting): Promise<Attempted> {
  const {store, emit, tidying} = with_;
  const {node, attempt, claim, folder} = claimed;
  const files = jobFiles(folder);
  const concluded = await store.withoutCollector(async (): Promise<Attempted> => {
    const ingested = outcome.reason === 'succeeded' ? await ingestOutputs(claimed, store) : {};
    const actual: Outcome = isFailure(ingested) ? ingested : worded(outcome, claimed, store);
    const outputs = isFailure(ingested) ? {} : ingested;
    const record = () =>
      store.finishAttemptSoon({
        attempt,
        claim,
        outcome: {ok: actual.reason === 'succeeded', reason: actual.reason, detail: outcomeJson(actual), cost},
        ...(actual.reason === 'succeeded' ? {outputs} : {}),
      });
    let finished: Awaited<ReturnType<typeof record>>;
    try {
      finished = await record();
    } catch (error) {
      const worthless = actual.reason !== 'succeeded' && actual.reason !== 'store-failed';
      if (!worthless || !(error instanceof UserError && error.reason === 'disk-full')) throw error;
      // What the stage wrote may be what filled the disk. Nobody will use it, and its failure is worth telling.
      for (const path of [files.scratch, files.outputs]) await store.removeTree(path);
      // It may be written already, and only the way to the disk have failed.
      if (store.attempt(attempt)?.outcome === undefined) finished = await record();
      else {
        await store.settle();
        finished = 'recorded';
      }
    }
    if (finished === 'superseded') return {outcome: {reason: 'superseded'}, outputs: {}};
    return {
      outcome: actual,
      outputs: Object.fromEntries(Object.entries(outputs).map(([port, {digest}]) => [port, digest])),
    };
  });
  const done = concluded.outcome.reason === 'succeeded';
  await tidying.remove([files.inputs, files.scratch, ...(done ? [files.outputs, files.checkpoints] : [])]);
  // What was lost or overtaken is tried again or replaced at once; the node itself has not finished.
  if (concluded.outcome.reason !== 'lost' && concluded.outcome.reason !== 'superseded') {
    const names = Object.keys(node.stage.params);
    const params = names.length === 0 ? {} : {params: names};
    emit({type: 'node-finished', node: node.id, ...params, attempt, cost, log: files.log, ...concluded});
  }
  return concluded;
}

/** What the stage said of itself, in the reader's terms. */
function worded(outcome: Outcome, {attempt}: Claimed, store: Store): Outcome {
  if (outcome.reason !== 'stage-failed' && outcome.reason !== 'stage-threw') return outcome;
  return {...outcome, message: inReadersTerms(outcome.message, {attempt, store})};
}

async function ingestOutputs({node, folder}: Claimed, store: Store): Promise<Record<string, Artifact> | Failure> {
  const outputs: Record<string, Artifact> = {};
  for (const [port, kind] of Object.entries(node.stage.outputs)) {
    try {
      outputs[port] = await store.ingest(outputPath(folder, port), kind, {own: true});
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (error.reason === 'not-found') return {reason: 'output-missing', port};
      if (error.reason === 'refused-file') return {reason: 'output-refused', port, message: error.message};
      return {reason: 'store-failed', message: error.message, ...(error.hint === undefined ? {} : {hint: error.hint})};
    }
  }
  return outputs;
}

/** From the job's being ready to its result, whoever watched; or until now, where there is no result. */
function wallOf(folder: string): number {
  const {job, result} = jobFiles(folder);
  const end = statSync(result, {throwIfNoEntry: false})?.mtimeMs ?? Date.now();
  return Math.max(0, end - (statSync(job, {throwIfNoEntry: false})?.mtimeMs ?? end));
}

const isFailure = (value: Record<string, Artifact> | Failure): value is Failure => typeof value.reason === 'string';

const hasOutputs = ({node, folder}: Claimed): boolean =>
  Object.keys(node.stage.outputs).every((port) => existsSync(outputPath(folder, port)));

export const outputPath = (folder: string, port: string): string => join(jobFiles(folder).outputs, port);

/** What the end of a process and the result that it left come to; outputs, events and inputs are not looked at. */
export function outcomeOf(seen: {
  readonly exit: Exit;
  readonly result: ReturnType<typeof readResult>;
  readonly timedOut: boolean;
  readonly timeout: number | undefined;
  readonly stopped: boolean;
}): Outcome {
  const {exit, result, timedOut, timeout, stopped} = seen;
  if (!result.ok) return {reason: 'result-garbled', message: result.error};
  if (result.value?.end === 'succeeded' || (result.value?.end === 'exited' && result.value.code === 0)) {
    return {reason: 'succeeded', ...(exit.leftovers.length === 0 ? {} : {leftovers: exit.leftovers})};
  }
  if (timedOut) return {reason: 'timed-out', seconds: timeout!};
  // A program cannot say that it ended because it was asked to.
  if (stopped && (result.value === undefined || result.value.end === 'exited')) return {reason: 'stopped'};
  if (result.value !== undefined) return failureOf(result.value);
  switch (exit.how.type) {
    case 'exited':
      return {reason: 'stage-exited', exitCode: exit.how.code};
    case 'signalled':
      return {reason: 'killed-by-signal', signal: exit.how.signal};
    case 'unseen':
      return {reason: 'lost'};
    case 'unstarted':
      return {reason: 'start-failed', message: exit.how.message};
  }
}

function failureOf(result: Exclude<JobResult, {end: 'succeeded'}>): Failure {
  switch (result.end) {
    case 'failed':
      return {reason: 'stage-failed', message: result.message};
    case 'threw':
      return {
        reason: 'stage-threw',
        message: result.message,
        ...(result.stack === undefined ? {} : {stack: result.stack}),
      };
    case 'unstartable':
      return {reason: 'start-failed', message: result.message};
    case 'exited':
      return {reason: 'stage-exited', exitCode: result.code};
    case 'stopped':
      return {reason: 'stopped', ...(result.step === undefined ? {} : {step: result.step})};
  }
}

/** Ends a process in two steps, a request and then force, for whichever reason comes first. */
class Ending {
  timedOut = false;
  stopped = false;
  readonly #running: Running;
  readonly #grace: number;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Taken back by hand: a signal for it would cost each attempt more memory than all else here. */
  readonly #listeners: (readonly [AbortSignal, () => void])[] = [];

  constructor(running: Running, {stop, grace}: Attempting, rest: AbortSignal, timeout: number | undefined) {
    this.#running = running;
    this.#grace = grace;
    const when = (signal: AbortSignal, act: () => void) => {
      if (signal.aborted) act();
      else {
        signal.addEventListener('abort', act, {once: true});
        this.#listeners.push([signal, act]);
      }
    };
    const askToStop = () => {
      this.stopped = true;
      this.#ask();
    };
    when(stop.asked, askToStop);
    when(rest, askToStop);
    when(stop.now, () => {
      this.stopped = true;
      running.kill();
    });
    if (timeout !== undefined) {
      this.#later(timeout, () => {
        this.timedOut = true;
        this.#ask();
      });
    }
  }

  dispose(): void {
    for (const [signal, act] of this.#listeners) signal.removeEventListener('abort', act);
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #ask(): void {
    this.#running.stop();
    this.#later(this.#grace, () => this.#running.kill());
  }

  #later(seconds: number, act: () => void): void {
    this.#timers.push(setTimeout(act, seconds * 1000));
  }
}

function show(node: string, event: JobEvent, emit: Emit): void {
  switch (event.type) {
    case 'progress': {
      const {at, step, total, tokens} = event;
      emit({type: 'node-progress', node, at, step, total, ...(tokens === undefined ? {} : {tokens})});
      break;
    }
    case 'metric':
      emit({type: 'node-metric', node, name: event.name, step: event.step, value: event.value});
      break;
    case 'note':
      emit({type: 'node-note', node, text: event.text});
      break;
    case 'checkpoint':
      emit({type: 'node-checkpoint', node, step: event.step});
      break;
  }
}
