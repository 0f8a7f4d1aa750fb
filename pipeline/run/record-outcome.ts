/** The end of an attempt: outputs are stored, the outcome is recorded, also when something goes wrong on the way to it. */
import {existsSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {UserError, isInterrupted, plainError} from '../../artifacts/index.js';
import type {
  Artifact,
  AttemptId,
  Cost,
  Digest,
  OwnershipId,
  Placed,
  Store,
  UserErrorReason,
} from '../../artifacts/index.js';
import type {Emit} from '../events.js';
import type {Executor} from '../executors/executor.js';
import {MOST_MESSAGE, MOST_STACK} from '../job/event-lines.js';
import {jobFiles, readResult} from '../job/folder.js';
import {checkCode} from '../job/job-code.js';
import type {KnownFile} from '../modules/source/sources.js';
import {isSuccess, outcomeJson, storeFailed} from '../outcome.js';
import type {Failure, Outcome} from '../outcome.js';
import {shortened} from '../values/printable.js';
import type {StageNode} from '../wiring/nodes.js';
import type {Cleanup} from './cleanup.js';
import {withSavedStep} from './outcome-of.js';
import {inReadersTerms} from './readable-paths.js';
import type {StopRequest} from './stop.js';

export interface AttemptContext {
  readonly store: Store;
  readonly executor: Executor;
  readonly emit: Emit;
  readonly stop: StopRequest;
  /** Seconds between the request to stop and the end by force; without it they follow from the stage's pace (`graceFor`). */
  readonly grace?: number | undefined;
  readonly cleanup: Cleanup;
}

/** An attempt that is ours: begun just now, or taken over from a runner that died. */
export interface ClaimedAttempt {
  readonly node: StageNode;
  readonly attempt: AttemptId;
  readonly ownership: OwnershipId;
  readonly folder: string;
  readonly inputs: readonly Placed[];
  /** Modules of this package that its process runs, as they were when its code digest was taken. */
  readonly own?: ReadonlyMap<string, KnownFile>;
}

export interface AttemptResult {
  readonly outcome: Outcome;
  readonly outputs: Readonly<Record<string, Digest>>;
}

/** Stores the outputs of a success, records the outcome, tidies the job folder. */
export async function recordOutcome(
  claimed: ClaimedAttempt,
  seen: Outcome,
  cost: Cost,
  context: AttemptContext,
  isTriedAgain: (outcome: Outcome) => boolean = () => false,
): Promise<AttemptResult> {
  const {store, emit, cleanup} = context;
  const outcome = withSavedStep(checkCode(seen, claimed), claimed.folder);
  const {node, attempt, ownership, folder} = claimed;
  const files = jobFiles(folder);
  const concluded = await store.withoutGc(async (): Promise<AttemptResult> => {
    const ingested = isSuccess(outcome) ? await ingestOutputs(claimed, store) : {};
    const actual: Outcome = isFailure(ingested) ? ingested : reword(outcome, claimed, store);
    const outputs = isFailure(ingested) ? {} : ingested;
    const record = () =>
      store.finishAttemptSoon({
        attempt,
        ownership,
        outcome: {ok: isSuccess(actual), reason: actual.reason, detail: outcomeJson(actual), cost},
        ...(isSuccess(actual) ? {outputs} : {}),
      });
    let finished: Awaited<ReturnType<typeof record>>;
    try {
      finished = await record();
    } catch (error) {
      const worthless = !isSuccess(actual) && actual.reason !== 'store-failed';
      if (!worthless || !(error instanceof UserError && error.reason === 'disk-full')) throw error;
      // What the stage wrote may be what filled the disk. Nobody will use it, and its failure is worth telling.
      for (const path of [files.scratch, files.outputs]) await store.removeTree(path);
      // It may be written already, and only the way to the disk have failed.
      if (store.attempt(attempt)?.outcome === undefined) finished = await record();
      else {
        await store.flush();
        finished = 'recorded';
      }
    }
    if (finished === 'superseded') return {outcome: {reason: 'superseded'}, outputs: {}};
    return {
      outcome: actual,
      outputs: Object.fromEntries(Object.entries(outputs).map(([port, {digest}]) => [port, digest])),
    };
  });
  const {reason} = concluded.outcome;
  const used = [
    ...(isSuccess(concluded.outcome) ? [files.outputs] : []),
    // What was finished early can still be brought to its end from where it was, by another run.
    ...(reason === 'succeeded' ? [files.checkpoints] : []),
  ];
  await cleanup.remove([files.inputs, files.scratch, files.code, ...used]);
  // What was overtaken is replaced at once; the node itself has not finished.
  if (reason !== 'superseded' && !isTriedAgain(concluded.outcome)) {
    const names = Object.keys(node.stage.params);
    const params = names.length === 0 ? {} : {params: names};
    emit({type: 'node-finished', node: node.id, ...params, attempt, cost, log: files.log, ...concluded});
  }
  return concluded;
}

/** What the stage said of itself, in the reader's terms. */
function reword(outcome: Outcome, {attempt}: ClaimedAttempt, store: Store): Outcome {
  if (outcome.reason !== 'stage-failed' && outcome.reason !== 'stage-threw') return outcome;
  return {...outcome, message: inReadersTerms(outcome.message, {attempt, store})};
}

async function ingestOutputs(
  {node, folder}: ClaimedAttempt,
  store: Store,
): Promise<Record<string, Artifact> | Failure> {
  const outputs: Record<string, Artifact> = {};
  for (const [port, kind] of Object.entries(node.stage.outputs)) {
    try {
      outputs[port] = await store.ingest(outputPath(folder, port), kind, {own: true});
    } catch (error) {
      if (!(error instanceof UserError) || isInterrupted(error)) throw error;
      if (error.reason === 'not-found') return {reason: 'output-missing', port};
      if (error.reason === 'refused-file') return {reason: 'output-refused', port, message: error.message};
      return storeFailed(error);
    }
  }
  return outputs;
}

/** From the job's being ready to its result, whoever watched; or until now, where there is no result. */
export function wallOf(folder: string): number {
  const {job, result} = jobFiles(folder);
  const end = statSync(result, {throwIfNoEntry: false})?.mtimeMs ?? Date.now();
  return Math.max(0, end - (statSync(job, {throwIfNoEntry: false})?.mtimeMs ?? end));
}

const isFailure = (value: Record<string, Artifact> | Failure): value is Failure => typeof value.reason === 'string';

export const hasOutputs = ({node, folder}: ClaimedAttempt): boolean =>
  Object.keys(node.stage.outputs).every((port) => existsSync(outputPath(folder, port)));

export const outputPath = (folder: string, port: string): string => join(jobFiles(folder).outputs, port);

/** Whether a job still runs cannot be told, so its attempt stays open. */
export class UnreachableJob extends Error {
  override readonly name = 'UnreachableJob';

  /** @param why a sentence of the executor's */
  constructor(attempt: AttemptId, why: string) {
    super(`attempt ${attempt} may still run: ${why}`);
  }
}

/** Errors of the store and its disk that may be over another time; what a process left is whole then, and can be stored. */
const PASSING: ReadonlySet<UserErrorReason> = new Set([
  'disk-full',
  'io-error',
  'no-permission',
  'no-store',
  'read-only',
  'store-busy',
  'store-damaged',
  'too-many-files',
]);

/**
 * Closes an attempt after an error that would come again: left open, every later run would take it over and meet the same.
 * @throws what was thrown, when it may be over another time
 */
export async function closeAttempt(
  claimed: ClaimedAttempt,
  thrown: unknown,
  context: AttemptContext,
): Promise<AttemptResult> {
  const error = plainError(thrown, 'conclude the attempt');
  if (isInterrupted(error)) return closeInterrupted(claimed, context);
  if (error instanceof UserError && PASSING.has(error.reason)) throw error;
  return recordOutcome(claimed, failureAround(error), {wallMs: wallOf(claimed.folder)}, context);
}

/**
 * The run is to end while bytes are being read or copied. What a process left is whole, only not recorded: it stays as it is,
 * and the next run that wants it stores it. Where there is nothing yet, nothing is lost.
 */
async function closeInterrupted(claimed: ClaimedAttempt, context: AttemptContext): Promise<AttemptResult> {
  const {emit} = context;
  const {node, attempt, folder} = claimed;
  const [result, cost] = [readResult(folder), {wallMs: wallOf(folder)}];
  const outcome: Outcome = {reason: 'stopped', by: 'person'};
  if (!result.ok || result.value === undefined) return recordOutcome(claimed, outcome, cost, context);
  emit({
    type: 'node-note',
    node: node.id,
    text: 'it had ended, but is not stored yet: the next run continues from there',
  });
  const ended = {outcome: withSavedStep(outcome, folder), outputs: {}};
  emit({type: 'node-finished', node: node.id, attempt, cost, log: jobFiles(folder).log, ...ended});
  return ended;
}

/** What went wrong around a stage rather than in it. */
export function failureAround(
  error: unknown,
): Extract<Failure, {reason: 'store-failed' | 'unexpected-error' | 'unreachable'}> {
  if (error instanceof UnreachableJob) return {reason: 'unreachable', message: error.message};
  if (error instanceof UserError) {
    return storeFailed(error);
  }
  const {message, stack} = error instanceof Error ? error : new Error(String(error));
  return {
    reason: 'unexpected-error',
    message: shortened(message, MOST_MESSAGE),
    ...(stack === undefined ? {} : {stack: shortened(stack, MOST_STACK)}),
  };
}
