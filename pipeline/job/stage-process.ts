/**
 * The stage's process: reads `job.json`, imports the stage, runs it, writes `result.json`. Knows nothing of the store.
 * SIGTERM, or whatever else is used to ask a process to go, asks for a stop: a stage that writes checkpoints ends with the next
 * one, one that never looked ends at once.
 */
import {closeSync, existsSync, mkdirSync, openSync, readFileSync, readlinkSync, writeSync} from 'node:fs';
import {resolve} from 'node:path';
import {openCheckpoints} from './checkpoints.js';
import {importModule, importServed} from '../modules/import.js';
import {absolutePaths, jobFiles, readFinish, readJob, readStop, snapshotOf, writeJson, writeStop} from './folder.js';
import type {EarlyEnd, Job, JobResult, Usage} from './folder.js';
import {NeverSettled, requireSettled} from '../modules/never-settles.js';
import {openReporting} from './reporting.js';
import type {AnyStage, Checkpoints, InputPorts, OutputPorts, Params, StageContext} from '../stage.js';
import {resultOf} from './thrown.js';

/** By the runner, a person, a terminal that closes, a cluster that wants its machine back. */
const STOPPING = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const;

/** Clock ticks a second in `/proc/self/stat`; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** Exit code of a process that could not write down how it ended; as `sysexits.h` has it. */
const UNWRITTEN = 74;

/** Runs the job in `folder` to its end and ends the process: with 0 when the stage succeeded, else with 1. */
export async function runJob(folder: string): Promise<never> {
  const root = placeOf(resolve(folder));
  const read = readJob(root());
  if (!read.ok) return finish(root, {end: 'unstartable', message: read.error});
  const job = read.value;
  const stop = new AbortController();
  let cooperative = false;
  for (const signal of STOPPING) {
    process.on(signal, () => {
      noteStop(root(), signal);
      stop.abort();
      if (!cooperative) finish(root, {end: 'stopped'});
    });
  }
  // What a stage throws outside of its `run`, in a timer or a forgotten promise, ends it as what it is too.
  process.on('uncaughtException', (error) => finish(root, resultOf(error)));
  const stage = await importStage(root(), job);
  if (typeof stage === 'string') return finish(root, {end: 'unstartable', message: stage});
  let early: EarlyEnd | undefined;
  const context = openContext(root, job, stop.signal, {
    cooperates: () => (cooperative = true),
    finishes: (at) => (early = at),
  });
  try {
    await requireSettled(Promise.resolve(stage.run(context as never)), 'a promise that its `run` awaits');
  } catch (error) {
    // It has no place of its own in the stage, and its sentence says all there is.
    if (error instanceof NeverSettled) return finish(root, {end: 'failed', message: error.message});
    return finish(root, resultOf(error));
  }
  return finish(root, {end: 'succeeded', ...(early === undefined ? {} : {early})});
}

/** The runner has written down that it asked; anybody else has not. */
function noteStop(folder: string, signal: string): void {
  if (readStop(folder) !== undefined) return;
  try {
    writeStop(folder, {version: 1, why: 'signal', signal, at: Date.now()});
  } catch (error) {
    // On a full disk above all it should be able to stop.
    console.error(`${signal} came, which could not be written down: ${(error as Error).message}`);
  }
}

/** Says where the job folder lies now. */
type Place = () => string;

/** A store can be moved while a stage runs that lost its runner; then the folder is the same, and only its path another. */
function placeOf(root: string): Place {
  if (!existsSync('/proc/self/fd')) return () => root;
  const link = `/proc/self/fd/${openSync(root, 'r')}`;
  const first = readlinkSync(link);
  return () => {
    const now = readlinkSync(link);
    return now === first ? root : now;
  };
}

/** The result is the last thing written; timers and sockets that the stage forgot do not keep the process alive. */
function finish(root: Place, result: JobResult): never {
  if (result.end === 'threw') console.error(result.stack ?? result.message);
  else if ('message' in result) console.error(result.message);
  try {
    writeJson(jobFiles(root()).result, {...result, usage: usage()}, {durable: false});
  } catch (error) {
    // As when the disk is full. Thrown on, it would come back here by way of the handler, and Node end with a number that means nothing.
    console.error(`the result could not be written: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(UNWRITTEN);
  }
  process.exit(result.end === 'succeeded' ? 0 : 1);
}

/** The stage as exported by its module, or a sentence that says why there is none. */
async function importStage(folder: string, job: Job): Promise<AnyStage | string> {
  let module: Record<string, unknown>;
  try {
    const place = snapshotOf(folder, job);
    module = await (place === undefined ? importModule(job.module) : importServed(job.module, place));
  } catch (error) {
    return `${job.module} cannot be imported: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const stage = module[job.export] as AnyStage | undefined;
  if (typeof stage?.run !== 'function' || stage.name !== job.stage) {
    return `${job.module} exports no stage “${job.stage}” as “${job.export}”`;
  }
  return stage;
}

function openContext(
  root: Place,
  job: Job,
  signal: AbortSignal,
  {cooperates, finishes}: {readonly cooperates: () => void; readonly finishes: (at: EarlyEnd) => void},
): StageContext<InputPorts, OutputPorts, Params> {
  const files = jobFiles(root());
  mkdirSync(files.scratch, {recursive: true});
  mkdirSync(files.checkpoints, {recursive: true});
  mkdirSync(files.outputs, {recursive: true});
  const events = openSync(files.events, 'a');
  process.on('exit', () => closeSync(events));
  const {progress, metric, note, checkpoint} = openReporting(
    (line) => writeSync(events, line),
    (text) => console.log(text),
  );
  let checkpoints: Checkpoints | undefined;
  return {
    ...pathsOf(root, job),
    params: job.params,
    definitions: job.definitions ?? {},
    seed: job.seed,
    threads: job.threads,
    cores: job.cores,
    get scratch() {
      return jobFiles(root()).scratch;
    },
    get checkpoints() {
      cooperates();
      return (checkpoints ??= openCheckpoints({
        folder: () => jobFiles(root()).checkpoints,
        every: job.checkpointEvery,
        // The signal is only heard between two native calls; whoever asks writes the file first.
        stopping: () => signal.aborted || existsSync(jobFiles(root()).stop),
        onSaved: checkpoint,
      }));
    },
    get signal() {
      cooperates();
      return signal;
    },
    finishEarly({step, total}) {
      const from = readFinish(root());
      if (from === undefined || step < Math.max(1, from) || step >= total) return false;
      finishes({step, total});
      return true;
    },
    progress,
    metric,
    note,
  };
}

/** The paths of inputs and outputs, each as of when it is asked for. */
const pathsOf = (root: Place, job: Job): ReturnType<typeof absolutePaths> => ({
  inputs: whenAsked(job.inputs, () => absolutePaths(root(), job).inputs),
  outputs: whenAsked(job.outputs, () => absolutePaths(root(), job).outputs),
});

/** A record with the keys of one and, whenever one of them is asked for, the value of the other. */
const whenAsked = <T, U>(keys: Readonly<Record<string, U>>, record: () => Readonly<Record<string, T>>) =>
  Object.defineProperties(
    {},
    Object.fromEntries(Object.keys(keys).map((key) => [key, {enumerable: true, get: () => record()[key]!}])),
  ) as Readonly<Record<string, T>>;

function usage(): Usage {
  const {userCPUTime, systemCPUTime, maxRSS} = process.resourceUsage();
  const io = existsSync('/proc/self/io') ? readFileSync('/proc/self/io', 'utf8') : '';
  const count = (name: string) => new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1];
  const read = count('rchar');
  const written = count('wchar');
  const helpers = timesOfChildren();
  return {
    user: userCPUTime / 1e6 + helpers.user,
    system: systemCPUTime / 1e6 + helpers.system,
    memory: maxRSS * 1024,
    ...(read === undefined ? {} : {read: Number(read)}),
    ...(written === undefined ? {} : {written: Number(written)}),
  };
}

/** Processor time of the processes that the stage started and saw end, rollout workers above all; seconds. */
function timesOfChildren(): {user: number; system: number} {
  if (!existsSync('/proc/self/stat')) return {user: 0, system: 0};
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // The second field, the command's name in brackets, may hold blanks; those behind it are numbered from 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {user: Number(fields[16 - 3]) / TICKS, system: Number(fields[17 - 3]) / TICKS};
}
