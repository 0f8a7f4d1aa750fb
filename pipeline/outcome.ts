/**
 * How an attempt, and with it a node, can end. One union, a `reason` and a payload per case; the sentence for a person is
 * made in `bin/render/outcome.ts`, not here.
 */
import type {Remedy, UserError} from '../artifacts/index.js';
import type {Json} from './stage.js';

/** Everything that can end an attempt and is not a bug of ours. */
export type Outcome = Success | Failure;

/** What leaves outputs behind, which the run goes on with. */
export type Success = Succeeded | FinishedEarly;

/** Whether there are outputs. */
export const isSuccess = (outcome: Outcome): outcome is Success =>
  outcome.reason === 'succeeded' || outcome.reason === 'finished-early';

interface WithLeftovers {
  /** Processes that the stage left running; they were ended before the outputs were hashed. */
  readonly leftovers?: readonly Leftover[];
}

export interface Succeeded extends WithLeftovers {
  readonly reason: 'succeeded';
  /** Set where a program wrote lines to `events.jsonl` that are no events; they were left out. */
  readonly garbled?: GarbledLines;
}

/** Lines of `events.jsonl` that are no events. */
export interface GarbledLines {
  /** How many they are. */
  readonly lines: number;
  /** The number of the first one, counted from 1, and how it begins. */
  readonly line: number;
  readonly text: string;
  /** What is wrong with it, in half a sentence. */
  readonly message: string;
}

/**
 * A person asked the stage to end before it was through and to keep what it had. Its outputs are not what its params say, so
 * the run goes on with them, and no other reuses them.
 */
export interface FinishedEarly extends WithLeftovers {
  readonly reason: 'finished-early';
  /** The last step that was made, counted from 1, and how many there would have been. */
  readonly step: number;
  readonly total: number;
}

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

export type Failure =
  | StageFailed
  | StageThrew
  | StageExited
  | KilledBySignal
  | TimedOut
  | OutputMissing
  | OutputRefused
  | ResultGarbled
  | EventsGarbled
  | InputsChanged
  | CodeChanged
  | StartFailed
  | StoreFailed
  | StageStopped
  | Lost
  | Unreachable
  | Superseded
  | Unexpected;

/** The stage ended itself with a plain sentence (`StageFailure`). */
export interface StageFailed {
  readonly reason: 'stage-failed';
  readonly message: string;
  /** The file whose code has to be corrected, where no param helps. */
  readonly file?: string;
}

/** The stage's `run` threw something that it did not mean for people. */
export interface StageThrew {
  readonly reason: 'stage-threw';
  readonly message: string;
  /** With the place in the stage's own source, as V8 writes it. */
  readonly stack?: string;
}

/**
 * What the kernel did for lack of memory shortly before something ended in another way than it should have. The rest is not
 * said where it did nothing.
 */
export interface LackOfMemory {
  /** What it killed: a process of the control group that the job was in, one of this machine, or none. */
  readonly ended: 'own' | 'some' | 'none';
  /** What there is, bytes, of the machine or of the narrowest group around it. */
  readonly bytes?: number;
  readonly of?: 'group' | 'machine';
  /** What the main process of the job had at its peak, bytes, as far as that was seen. */
  readonly peak?: number;
}

interface WithMemory {
  /** Left out where nobody could tell. */
  readonly memory?: LackOfMemory;
}

/** The process ended by itself without leaving a result. */
export interface StageExited extends WithMemory {
  readonly reason: 'stage-exited';
  readonly exitCode: number;
  /** The line of its log that says why, as far as that can be told. */
  readonly said?: string;
}

/** How much of the work of an attempt that was cut short is safe. */
interface CutShort {
  /** The last step that its newest whole checkpoint holds, counted from 1; null without one. Records of version 0.1 do not say. */
  readonly step?: number | null;
  /** The last step that it reported to have made, where that is beyond `step`: what lies between will be made again. */
  readonly reached?: number;
}

/** A signal ended the process, and r1 had not asked it to end. */
export interface KilledBySignal extends CutShort, WithMemory {
  readonly reason: 'killed-by-signal';
  /** `SIGKILL` … */
  readonly signal: string;
}

/** Ran past the node's `timeout` and was stopped for it. */
export interface TimedOut extends CutShort {
  readonly reason: 'timed-out';
  /** The limit. */
  readonly seconds: number;
}

/** Reported success but never wrote what it declares. */
export interface OutputMissing {
  readonly reason: 'output-missing';
  readonly port: string;
}

/** Wrote something that cannot be an artifact: a symbolic link, a socket, a device. */
export interface OutputRefused {
  readonly reason: 'output-refused';
  readonly port: string;
  readonly message: string;
}

/** `result.json` is there but is not a result. */
export interface ResultGarbled {
  readonly reason: 'result-garbled';
  readonly message: string;
}

/** A line of `events.jsonl` is not an event, or the last one was never finished: a mistake of a stage that is a module. */
export interface EventsGarbled {
  readonly reason: 'events-garbled';
  readonly line: number;
  /** How the line begins. */
  readonly text: string;
  /** What is wrong with it, in half a sentence; records of version 0.1 do not say. */
  readonly message?: string;
}

/** A file of its code that it reads by path, or that a program runs, is not the one of which its code digest was taken. */
export interface CodeChanged {
  readonly reason: 'code-changed';
  /** Before it could be started, or while it ran. */
  readonly when: 'starting' | 'running';
  /** Paths. */
  readonly files: readonly string[];
  /** Set where they are r1's own modules. */
  readonly own?: boolean;
}

/** Bytes of a read-only input are no longer the ones that were handed in. */
export interface InputsChanged {
  readonly reason: 'inputs-changed';
  readonly digests: readonly string[];
  /** Those of them whose bytes in the store changed with them and were put out of use; records of version 0.1 do not say. */
  readonly outOfUse?: readonly string[];
}

/** The process could not be started, or could not find its stage. */
export interface StartFailed {
  readonly reason: 'start-failed';
  readonly message: string;
}

/** The outputs could not be stored (full disk, read-only folder …). */
export interface StoreFailed {
  readonly reason: 'store-failed';
  readonly message: string;
  /** What to do about it, as a sentence. */
  readonly hint?: string;
  /** The same as data, for whoever sees it happen. It is not recorded: later another thing may help. */
  readonly remedy?: Remedy;
}

/** The outcome of a node at which the store gave up. */
export const storeFailed = ({message, hint, remedy}: UserError): StoreFailed => ({
  reason: 'store-failed',
  message,
  ...(hint === undefined ? {} : {hint}),
  ...(remedy === undefined ? {} : {remedy}),
});

/** Ended because a stop was asked for, by itself or, when its time for that was up, by force. */
export interface StageStopped extends CutShort {
  readonly reason: 'stopped';
  /** Set where it had not ended by itself when its time was up, or was ended at once. */
  readonly isForced?: true;
  /**
   * Who asked: the person at the runner; `failure`, that of another node; `unwanted`, a later run that had no use for it; `signal`,
   * the one that somebody sent to the stage's own process. Records of older versions do not tell the first three apart.
   */
  readonly by?: 'person' | 'earlier-runner' | 'failure' | 'unwanted' | {readonly signal: string};
}

/** The process is gone without a result and nobody saw how: its runner had been killed. */
export interface Lost extends CutShort, WithMemory {
  readonly reason: 'lost';
  /** The job folder is a copy: the process, wherever it is, is that of the store which was copied. */
  readonly copied?: true;
}

/**
 * Whoever runs its process does not say whether it still runs. Nothing is recorded of the attempt and no other is begun, as
 * the next run may find out more.
 */
export interface Unreachable {
  readonly reason: 'unreachable';
  readonly message: string;
}

/** Another attempt of the same fingerprint took over, so nothing of this one counts. */
export interface Superseded {
  readonly reason: 'superseded';
}

/** A bug of ours, folded in so that the run can end in order. */
export interface Unexpected {
  readonly reason: 'unexpected-error';
  readonly message: string;
  readonly stack?: string;
}

/** A failure as the store keeps it. */
export const outcomeJson = (outcome: Outcome): Json =>
  JSON.parse(JSON.stringify({...outcome, remedy: undefined})) as Json;

/** Fields that a record of each outcome must have, with the type of each. */
const FIELDS: Readonly<Record<Outcome['reason'], Readonly<Record<string, 'string' | 'number' | 'list'>>>> = {
  succeeded: {},
  'finished-early': {step: 'number', total: 'number'},
  'stage-failed': {message: 'string'},
  'stage-threw': {message: 'string'},
  'stage-exited': {exitCode: 'number'},
  'killed-by-signal': {signal: 'string'},
  'timed-out': {seconds: 'number'},
  'output-missing': {port: 'string'},
  'output-refused': {port: 'string', message: 'string'},
  'result-garbled': {message: 'string'},
  'events-garbled': {line: 'number', text: 'string'},
  'inputs-changed': {digests: 'list'},
  'code-changed': {when: 'string', files: 'list'},
  'start-failed': {message: 'string'},
  'store-failed': {message: 'string'},
  stopped: {},
  lost: {},
  unreachable: {message: 'string'},
  superseded: {},
  'unexpected-error': {message: 'string'},
};

/** How an attempt ended, in few words: the next one gives it as its reason to run. */
const IN_A_WORD: Readonly<Record<Outcome['reason'], string>> = {
  succeeded: 'succeeded',
  'finished-early': 'finished early',
  'stage-failed': 'failed',
  'stage-threw': 'threw an error',
  'stage-exited': 'exited before it was done',
  'killed-by-signal': 'was killed by a signal',
  'timed-out': 'ran out of time',
  'output-missing': 'wrote no output',
  'output-refused': 'wrote an output that cannot be kept',
  'result-garbled': 'left a garbled result',
  'events-garbled': 'wrote garbled events',
  'inputs-changed': 'changed its inputs',
  'code-changed': 'its code changed meanwhile',
  'start-failed': 'could not be started',
  'store-failed': 'could not be stored',
  stopped: 'stopped',
  lost: 'was killed with its runner, or by a power cut',
  unreachable: 'the state of its process is unknown',
  superseded: 'was overtaken by another runner',
  'unexpected-error': 'met an error of r1 itself',
};

/** @param reason as a store holds it, which may be one that this version does not know */
export const inAWord = (reason: string): string =>
  Object.hasOwn(IN_A_WORD, reason) ? IN_A_WORD[reason as Outcome['reason']] : reason;

/** The outcome that a store holds; undefined where it holds something else, which this version cannot know or nobody wrote. */
export function outcomeIn(detail: Json): Outcome | undefined {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return undefined;
  const record = detail as Readonly<Record<string, Json>>;
  const {reason} = record;
  if (typeof reason !== 'string' || !Object.hasOwn(FIELDS, reason)) return undefined;
  const isTrue = Object.entries(FIELDS[reason as Outcome['reason']]).every(([name, type]) =>
    type === 'list'
      ? Array.isArray(record[name]) && record[name].every((item) => typeof item === 'string')
      : typeof record[name] === type,
  );
  if (!isTrue) return undefined;
  // A store may hold anything, and none that we write holds this.
  const {remedy: _, ...rest} = record;
  return rest as unknown as Outcome;
}
