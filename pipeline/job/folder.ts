/**
 * The job folder as files: the only thing that the runner and a stage's process share, so that every executor is the
 * same. The runner writes `job.json` and `inputs/`; the stage's process (`stage-process.ts`) appends `events.jsonl`,
 * fills `outputs/` and `checkpoints/`, and at the very end puts `result.json` in place by rename. No sockets. Whoever asks the
 * process to stop writes `stop.json` first, so that what a program left that ended for it is never taken for its result.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {MOST_MESSAGE, MOST_STACK, isAmount, parseEvent, stepMistake} from './event-lines.js';
import {endOfFile} from './plain-file.js';
import {isOwn} from '../modules/own-package.js';
import {shortened, shown} from '../values/printable.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import type {SnapshotFiles, SnapshotPlace} from '../modules/snapshot/snapshot.js';
import type {KnownFile} from '../modules/source/sources.js';
import type {DefinitionRef} from '../definition.js';
import type {Params} from '../stage.js';

export const JOB_VERSION = 1;

/** `job.json`. Paths are relative to the job folder, so that the folder can be looked at, or run, somewhere else. */
export interface Job {
  readonly version: typeof JOB_VERSION;
  /** Within which what the job writes can be relied on; see `Executor.epoch`. Version 0.1 called it `boot`. */
  readonly epoch: string;
  /** In the environment of every descendant as `R1_ATTEMPT`; see `tag.ts`. */
  readonly tag: string;
  /** Where the job folder lay when it was made. */
  readonly folder?: string;
  readonly node: string;
  readonly stage: string;
  /** URL of the module that exports the stage, and the name it is exported under. */
  readonly module: string;
  readonly export: string;
  /** A program to start instead of the stage's module, its arguments behind it. Paths in it are absolute. */
  readonly command?: readonly string[];
  readonly params: Params;
  readonly seed: number;
  readonly threads: number;
  /** Cores that it may keep busy. */
  readonly cores: number;
  /** Port → path, or for a `many` port: name → path. */
  readonly inputs: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly outputs: Readonly<Record<string, string>>;
  /** Option → definitions, for every option that the stage declares; left out where it declares none. */
  readonly definitions?: Readonly<Record<string, readonly DefinitionRef[]>>;
  /** What of its code is somebody's own: URL → the bytes that are loaded under it, in `code/` by their SHA-256. */
  readonly code?: SnapshotFiles;
  readonly byPath?: FilesByPath;
  /** Steps between checkpoints; without it a checkpoint is due when it is cheap beside the work since the last one. */
  readonly checkpointEvery?: number;
  /** Set where the stage looks for `finish.json`. */
  readonly canFinishEarly?: boolean;
}

/**
 * Files of a stage's code that it names by URL, so that they may be read by path or run by a program: each with all that can
 * be reached from it, as they were just before the process started.
 */
export type FilesByPath = Readonly<Record<string, Readonly<Record<string, KnownFile>>>>;

/** Where things lie in a job folder. */
export const jobFiles = (folder: string) => ({
  job: join(folder, 'job.json'),
  inputs: join(folder, 'inputs'),
  outputs: join(folder, 'outputs'),
  checkpoints: join(folder, 'checkpoints'),
  scratch: join(folder, 'scratch'),
  code: join(folder, 'code'),
  log: join(folder, 'output.log'),
  events: join(folder, 'events.jsonl'),
  stop: join(folder, 'stop.json'),
  finish: join(folder, 'finish.json'),
  result: join(folder, 'result.json'),
});

/** The paths of a job as its stage sees them. */
export function absolutePaths(folder: string, {inputs, outputs}: Pick<Job, 'inputs' | 'outputs'>) {
  const absolute = (path: string) => join(folder, path);
  return {
    inputs: mapValues(inputs, (path) => (typeof path === 'string' ? absolute(path) : mapValues(path, absolute))),
    outputs: mapValues(outputs, absolute),
  };
}

const mapValues = <T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

/** `result.json`: what the stage's process says of its own end. */
export type JobResult =
  /** `early`: it was asked to end after so many of its steps, and did. */
  (
    | {readonly end: 'succeeded'; readonly early?: EarlyEnd}
    /** `file`: its code is to be corrected. */
    | {readonly end: 'failed'; readonly message: string; readonly file?: string}
    | {readonly end: 'threw'; readonly message: string; readonly stack?: string}
    | {readonly end: 'unstartable'; readonly message: string}
    | {readonly end: 'stopped'; readonly step?: number}
    /** Written for a program that knows nothing of results; `asked`: there was a `stop.json` when it ended. */
    | {readonly end: 'exited'; readonly code: number; readonly asked?: boolean}
  ) & {readonly usage?: Usage};

/** Where a stage was finished early: after `step` of `total` steps, counted from 1. */
export interface EarlyEnd {
  readonly step: number;
  readonly total: number;
}

/** What the stage's process used, as the system counts it; of processor time, also what its own processes used. */
export interface Usage {
  /** Seconds. */
  readonly user: number;
  readonly system: number;
  /** Peak resident memory, bytes. */
  readonly memory: number;
  /** Bytes that went through read and write calls, where the system tells. */
  readonly read?: number;
  readonly written?: number;
}

/**
 * `stop.json`: that the process was asked to end early, and why: a person stopped the run, another node failed, its time was
 * up, nobody wanted it any more, or somebody sent it, or the shell that started it, a signal.
 */
export interface StopRecord {
  readonly version: 1;
  readonly why: 'person' | 'failure' | 'timeout' | 'unwanted' | 'signal';
  readonly signal?: string;
  /** In milliseconds since 1970; a shell does not say. */
  readonly at?: number;
}

/** `finish.json`: that the stage is to end early and keep what it has, as soon as it has made `step` steps. */
export interface FinishRecord {
  readonly version: 1;
  /** At least 1: before its first step a stage has nothing to keep. */
  readonly step: number;
}

/** Writes a small JSON file so that readers see all of it or none, even after a power cut if it is `durable`. */
export function writeJson(file: string, value: unknown, {durable = true} = {}): void {
  const temporary = `${file}.tmp`;
  const fd = openSync(temporary, 'w');
  try {
    writeFileSync(fd, JSON.stringify(value)); // all of it, which one write on a full disk need not take
    if (durable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, file);
}

/** In place: a runner that is killed while it writes leaves a file that is incomplete, and whoever reads it does without. */
export const writeJob = (folder: string, job: Job): void => writeFileSync(jobFiles(folder).job, JSON.stringify(job));

/** Reads `job.json`, checking what the child relies on. The error is a sentence. */
export function readJob(folder: string): Result<Job, string> {
  const file = jobFiles(folder).job;
  const read = readJson(file);
  if (!read.ok) return read;
  const written = read.value as (Partial<Job> & {readonly boot?: unknown}) | null;
  if (written?.version !== JOB_VERSION) return err(`${file} is not a job of version ${JOB_VERSION}`);
  const job = {...written, epoch: written.epoch ?? written.boot};
  for (const key of ['epoch', 'tag', 'node', 'stage', 'module', 'export'] as const) {
    if (typeof job[key] !== 'string') return err(`${file}: “${key}” is not a string`);
  }
  for (const key of ['seed', 'threads', 'cores'] as const) {
    if (typeof job[key] !== 'number') return err(`${file}: “${key}” is not a number`);
  }
  for (const key of ['params', 'inputs', 'outputs'] as const) {
    if (typeof job[key] !== 'object') return err(`${file}: “${key}” is not a record`);
  }
  return ok(job as Job);
}

/** Where the code of a job lies that is somebody's own, if it has any. */
export function snapshotOf(folder: string, {module, code = {}}: Job): SnapshotPlace | undefined {
  if (Object.keys(code).length === 0) return undefined;
  const preload = new URL('snapshot-preload.js', import.meta.url);
  preload.searchParams.set('job', folder);
  return {preload: preload.href, folder: jobFiles(folder).code, files: code, isForOurs: isOwn(module)};
}

/** Bytes of small records like `result.json`; what is written there stays far below. */
export const MOST_RECORD = 1 << 20;

/** Reads `result.json`, which a stage could have written itself: `undefined` when there is none. */
export function readResult(folder: string): Result<JobResult | undefined, string> {
  const read = readJson(jobFiles(folder).result, MOST_RECORD);
  if (!read.ok) return read.error === ABSENT ? ok(undefined) : read;
  const {end, message, file, stack, code, asked, step, early, usage} = (read.value ?? {}) as Readonly<
    Record<string, unknown>
  >;
  const used = isUsage(usage) ? {usage} : {};
  switch (end) {
    case 'failed':
    case 'threw':
    case 'unstartable': {
      if (typeof message !== 'string') return err(`“message” is not a string`);
      const said = {message: shortened(message, MOST_MESSAGE, 'the log'), ...used};
      if (end === 'failed' && typeof file === 'string')
        return ok({end, ...said, file: shortened(file, MOST_MESSAGE, 'the log')});
      if (end !== 'threw' || typeof stack !== 'string') return ok({end, ...said});
      return ok({end, ...said, stack: shortened(stack, MOST_STACK, 'the log')});
    }
    case 'exited':
      if (!Number.isSafeInteger(code)) return err(`“code” is not a whole number`);
      return ok({end, code: code as number, ...(typeof asked === 'boolean' ? {asked} : {}), ...used});
    case 'stopped':
      if (step !== undefined && stepMistake(step) !== undefined) return err(stepMistake(step)!);
      return ok({end, ...(step === undefined ? {} : {step: step as number}), ...used});
    case 'succeeded':
      if (early !== undefined && !isEarlyEnd(early)) return err(`“early” does not say after which step of how many`);
      return ok({end, ...(early === undefined ? {} : {early}), ...used});
    default:
      return err(`it says that the end was ${shown(end)}`);
  }
}

function isEarlyEnd(value: unknown): value is EarlyEnd {
  const {step, total} = (value ?? {}) as Readonly<Record<string, unknown>>;
  return stepMistake(step) === undefined && stepMistake(total) === undefined && (step as number) >= 1;
}

function isUsage(value: unknown): value is Usage {
  if (typeof value !== 'object' || value === null) return false;
  const {user, system, memory, read = 0, written = 0} = value as Readonly<Record<string, unknown>>;
  return [user, system, memory, read, written].every(isAmount);
}

/** Before the signal is sent. @throws Error when it cannot be written */
export const writeStop = (folder: string, stop: StopRecord): void => writeJson(jobFiles(folder).stop, stop);

/** What its process was asked, by whoever was the last to ask; `undefined` when it was not. */
export function readStop(folder: string): StopRecord | undefined {
  const file = jobFiles(folder).stop;
  if (!existsSync(file)) return undefined;
  const read = readJson(file, MOST_RECORD);
  const stop = read.ok ? (read.value as Partial<StopRecord> | null) : undefined;
  // A shell does not write it in one step; that it is there says enough.
  return stop?.version === 1 ? (stop as StopRecord) : {version: 1, why: 'signal'};
}

/** Asks the stage's process to finish early, once it has made `step` steps. @throws Error when it cannot be written */
export const writeFinish = (folder: string, step: number): void =>
  writeJson(jobFiles(folder).finish, {version: 1, step} satisfies FinishRecord);

/** The step after which the stage's process is to finish early; `undefined` when nobody has asked. */
export function readFinish(folder: string): number | undefined {
  const file = jobFiles(folder).finish;
  if (!existsSync(file)) return undefined;
  const read = readJson(file, MOST_RECORD);
  const {version, step} = ((read.ok ? read.value : undefined) ?? {}) as Readonly<Record<string, unknown>>;
  return version === 1 && stepMistake(step) === undefined ? (step as number) : undefined;
}

/** Whether the last line of `events.jsonl` says that the program is done. */
export function declaresCompletion(folder: string): boolean {
  const lines = endOfFile(jobFiles(folder).events, LONGEST_COMPLETE).split('\n');
  // What stands behind the last line break was not finished.
  return lines.pop() === '' && parseEvent(lines.pop() ?? '')?.type === 'complete';
}

/** Bytes. */
const LONGEST_COMPLETE = 4096;

const ABSENT = 'it is not there';

/** What says nothing about the file: it may be as good as ever once the disk, or this process, is well again. */
const UNREADABLE = new Set(['EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE']);

/**
 * Reads a small JSON file that a job may have written, or put something else in the place of. The error is half a sentence.
 *
 * @param most bytes that are read; a longer file is not one of ours
 * @throws Error of the file system, where it says nothing about the file
 */
export function readJson(file: string, most = Infinity): Result<unknown, string> {
  let text: string;
  try {
    // A pipe in its place would be waited for without end.
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      // Behind a link there may be a device, which has no end.
      if (!stat.isFile()) return err('it is not a file');
      const {size} = stat;
      if (size > most)
        return err(`it has ${size.toLocaleString('en')} bytes, ${most.toLocaleString('en')} are allowed`);
      text = readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const {code = ''} = error as NodeJS.ErrnoException;
    if (UNREADABLE.has(code)) throw error;
    if (code === 'ENOENT') return err(ABSENT);
    return err((error as Error).message);
  }
  // Made, but killed before the first byte was written.
  if (text === '') return err(ABSENT);
  return parseJson(text);
}

function parseJson(text: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch (error) {
    return err((error as Error).message);
  }
}
