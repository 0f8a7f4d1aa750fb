/** From the end of a process, and what it left in its job folder, to the outcome of the attempt. */
import {constants} from 'node:os';
import {newestCheckpoint} from '../job/checkpoints.js';
import {causeInLog} from '../job/cause-in-log.js';
import {declaresCompletion, jobFiles, readStop} from '../job/folder.js';
import type {JobResult, StopRecord, readResult} from '../job/folder.js';
import {lastProgress} from '../job/pace.js';
import {withoutResult} from '../job/without-result.js';
import type {Exit, StopWhy} from '../executors/executor.js';
import type {Failure, Outcome, StageExited} from '../outcome.js';

/**
 * What the end of a process, the result that it left and what it was asked come to; outputs, events and inputs are not
 * looked at. A stage's module says whether it is done. A program only has its exit code, and one that was asked to stop may
 * well end with 0 and half an output: it is done if it had ended before it was asked, or says so itself.
 */
export function outcomeOf(seen: {
  readonly folder: string;
  readonly exit: Exit;
  readonly result: ReturnType<typeof readResult>;
  /** What this runner asked of it first. */
  readonly asked: StopWhy | undefined;
  /** Which could not be written down, so nobody else knows of it. */
  readonly isUnwritten?: boolean;
  readonly timeout?: number | undefined;
  /** This runner ended it by force, and its launcher with it, so that nobody saw which signal it was. */
  readonly isForced?: boolean;
  /** An earlier runner had asked it to stop. */
  readonly askedBefore?: boolean;
  /** What its main process had of memory at its peak, bytes. */
  readonly peak?: number | undefined;
}): Outcome {
  const {folder, exit, result, asked, isUnwritten = false, timeout, askedBefore = false, peak} = seen;
  if (!result.ok) return {reason: 'result-garbled', message: result.error};
  const own = result.value;
  const record = readStop(folder);
  const wasAsked =
    own?.end === 'exited' && own.asked !== undefined ? own.asked || isUnwritten : (asked ?? record) !== undefined;
  const isDone =
    own?.end === 'succeeded' || (own?.end === 'exited' && own.code === 0 && (!wasAsked || declaresCompletion(folder)));
  if (isDone) {
    const left = exit.leftovers.length === 0 ? {} : {leftovers: exit.leftovers};
    const early = own.end === 'succeeded' ? own.early : undefined;
    return early === undefined ? {reason: 'succeeded', ...left} : {reason: 'finished-early', ...early, ...left};
  }
  if (asked === 'timeout' && wasAsked) return {reason: 'timed-out', seconds: timeout!};
  if (own?.end === 'stopped' || (wasAsked && (own === undefined || own.end === 'exited'))) {
    const by =
      asked === undefined
        ? askedBefore
          ? 'earlier-runner'
          : signalOf(record)
        : asked === 'timeout'
          ? undefined
          : asked;
    const isKilled = exit.how.type === 'signalled' && exit.how.signal === 'SIGKILL';
    const isForced = own === undefined && (isKilled || seen.isForced === true);
    return {reason: 'stopped', ...(isForced ? {isForced} : {}), ...(by === undefined ? {} : {by})};
  }
  const lack = {exit, peak};
  if (own !== undefined) return failureOf(own, folder, lack);
  switch (exit.how.type) {
    case 'exited':
      return exit.how.code === 0 ? withoutResult(folder) : stageExited(exit.how.code, folder, lack);
    case 'signalled': {
      const {signal} = exit.how;
      return {reason: 'killed-by-signal', signal, ...memoryIn(lack, signal === 'SIGKILL')};
    }
    case 'unseen':
      return {reason: 'lost', ...memoryIn(lack, false)};
    case 'unstarted':
      return {reason: 'start-failed', message: exit.how.message};
  }
}

/**
 * The same, with how far the work is safe where it was cut short, and how far it had come. Reads the newest checkpoint to see
 * that it is whole.
 */
export function withSavedStep(outcome: Outcome, folder: string): Outcome {
  switch (outcome.reason) {
    case 'stopped':
    case 'killed-by-signal':
    case 'timed-out':
    case 'lost':
      // What a process saves in the store that this one was copied from is not to be seen here.
      if (outcome.reason === 'lost' && outcome.copied === true) return outcome;
      return {...outcome, ...savedIn(folder)};
    default:
      return outcome;
  }
}

function savedIn(folder: string): {readonly step: number | null; readonly reached?: number} {
  const {checkpoints, events} = jobFiles(folder);
  const step = newestCheckpoint(checkpoints)?.step ?? null;
  const reached = lastProgress(events)?.step ?? 0;
  return {step, ...(Number.isSafeInteger(reached) && reached > (step ?? 0) ? {reached} : {})};
}

function signalOf(record: StopRecord | undefined): {readonly signal: string} | undefined {
  return record?.signal === undefined ? undefined : {signal: record.signal};
}

function failureOf(result: Exclude<JobResult, {end: 'succeeded' | 'stopped'}>, folder: string, lack: Lack): Failure {
  switch (result.end) {
    case 'failed':
      return {
        reason: 'stage-failed',
        message: result.message,
        ...(result.file === undefined ? {} : {file: result.file}),
      };
    case 'threw':
      return {
        reason: 'stage-threw',
        message: result.message,
        ...(result.stack === undefined ? {} : {stack: result.stack}),
      };
    case 'unstartable':
      return {reason: 'start-failed', message: result.message};
    case 'exited':
      return stageExited(result.code, folder, lack);
  }
}

/** Shells report a signal as this and its number. */
const SIGNALLED = 128;

function stageExited(exitCode: number, folder: string, lack: Lack): Failure {
  const said = causeInLog(jobFiles(folder).log, {isKilled: exitCode > SIGNALLED});
  const memory = memoryIn(lack, exitCode === SIGNALLED + constants.signals.SIGKILL);
  return {reason: 'stage-exited', exitCode, ...memory, ...(said === undefined ? {} : {said})};
}

/** What is known of memory at an end. */
interface Lack {
  readonly exit: Exit;
  readonly peak: number | undefined;
}

/** Whatever is known where it was killed, as the kernel does it; else only that one of its own was, which may be why it ended. */
function memoryIn({exit: {memory}, peak}: Lack, isKilled: boolean): Pick<StageExited, 'memory'> {
  if (memory === undefined || (!isKilled && memory.ended !== 'own')) return {};
  // Where it had little, it was another that had much, as the child of a shell.
  const isMain = isKilled && peak !== undefined && memory.bytes !== undefined && peak >= memory.bytes / 10;
  return {memory: isMain ? {...memory, peak} : memory};
}
