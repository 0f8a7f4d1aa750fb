/**
 * Runs jobs as processes of this machine, each started by a shell (`launcher-shell.ts`) with its output in a file, so that it
 * outlives a runner that is killed; nothing is piped, and the job folder says the rest.
 */
import {closeSync, openSync, realpathSync, statSync} from 'node:fs';
import {availableParallelism, constants, totalmem} from 'node:os';
import {setTimeout as sleep} from 'node:timers/promises';
import {jobFiles, writeStop} from '../job/folder.js';
import {endedUnseen} from './executor.js';
import type {AdoptRequest, Adoption, Executor, Exit, JobPlace, Running, StartRequest} from './executor.js';
import type {GpuPool} from './gpu-pool.js';
import {readGpus} from './gpu-record.js';
import {startLauncher} from './launcher-shell.js';
import type {Ended, Launcher} from './launcher-shell.js';
import {MemoryWatch, lackSinceRecord} from './memory-kills.js';
import {readProcess, writeProcess} from './process-record.js';
import type {ProcessRecord} from './process-record.js';
import {
  ageOf,
  bootId,
  hasProc,
  isLauncherOf,
  isRunning,
  isWorkingIn,
  descendantsOf,
  launcherIn,
  processRecord,
  signal,
  startedOf,
  usageOf,
} from './process-table.js';
import type {DescendantQuery} from './process-table.js';
import {startedIn} from '../job/tag.js';

/** Time that left-over processes get between SIGTERM and SIGKILL, ms. */
const LEFTOVER_GRACE = 1000;
const POLL = 50;

/** A job that lives longer has what is known of its process written into its folder, ms. */
const NOTE_AFTER = 50;

/** In which a process that is being started becomes what it is to be, ms. */
const MOMENT = 300;

/** A shell is waited for as long as it is there; if it takes longer than this to write down how its job ended, it is said, ms. */
const SLOW = 1000;

/** Without /proc a shell cannot be told from what got its number, so it is not waited for without an end, ms. */
const WITHOUT_PROC = 10_000;

export interface LocalOptions {
  /**
   * How many GPUs the stages that compute with tensors can use, which is what their set-up has found. Other devices are looked
   * for here, when somebody asks for one. Default none.
   */
  readonly gpus?: () => number;
  /** Where GPUs are locked. Default: a folder of the user, the same for all stores. */
  readonly gpuLocks?: string;
}

/** @param entry path of the module that runs a job folder, `stages/main.js` */
export function localExecutor(entry: string, {gpus = () => 0, gpuLocks}: LocalOptions = {}): Executor {
  const idle: Launcher[] = [];
  const all = new Set<Launcher>();
  let pool: Promise<GpuPool> | undefined;
  const gpuPool = (): Promise<GpuPool> =>
    (pool ??= import('./gpu-pool.js').then(({GpuPool}) => new GpuPool({fallback: gpus, folder: gpuLocks})));

  const take = async (): Promise<Launcher> => {
    for (;;) {
      const launcher = idle.pop();
      if (launcher === undefined) {
        const fresh = await startLauncher();
        all.add(fresh);
        return fresh;
      }
      if (!launcher.isGone) return launcher;
      all.delete(launcher);
    }
  };

  const startBy = async (
    launcher: Launcher,
    request: StartRequest,
    putBack = (): unknown => idle.push(launcher),
  ): Promise<Running> => {
    const {folder, tag, command, env} = request;
    const files = jobFiles(folder);
    const before = performance.now();
    const {started, ended} = launcher.launch({
      folder,
      cwd: command === undefined ? folder : files.scratch,
      tag,
      plain: command !== undefined,
      env,
      words: command ?? [process.execPath, '--enable-source-maps', entry, folder],
    });
    const pid = await started.catch((error: unknown) => {
      putBack();
      // In the system's own words, unless it can be opened now.
      closeSync(openSync(files.log, 'a'));
      throw error;
    });
    if (pid === undefined) return goOnWithout(request);
    const record = processRecord(pid, {session: launcher.pid, before});
    let broken: string | undefined;
    let watch: MemoryWatch | undefined;
    const note = (): void => {
      try {
        const launched = startedOf(launcher.pid);
        watch = new MemoryWatch(pid);
        writeProcess(folder, {...record, ...(launched === undefined ? {} : {launcher: launched}), kills: watch.count});
      } catch (error) {
        // Whatever it comes to, it is not known for certain that it would be found again, so it must not be there.
        broken = `what is known of its process could not be written: ${(error as Error).message}`;
        signal(-launcher.pid, 'SIGKILL');
      }
    };
    // A job that is over in no time is not worth a file: until there is one it is found by its tag.
    let noting: NodeJS.Timeout | undefined;
    if (hasProc) noting = setTimeout(note, NOTE_AFTER);
    else note();
    const exit = ended.then(async (end): Promise<Exit> => {
      clearTimeout(noting);
      if (broken !== undefined) {
        return {
          how: {type: 'unstarted', message: broken},
          leftovers: await endLeftovers(descendantsIn(request, record)),
        };
      }
      if (end === undefined) return awaitUnseenExit(record, request, watch);
      const lack = end.code === 0 ? {} : lackIn(watch);
      const leftovers = await endLeftovers(descendantsIn(request, record));
      // Not before: what is found in its session is its job's. And without /proc it was ended with what it left.
      if (hasProc) putBack();
      return {how: howOf(end), leftovers, used: end, ...lack};
    });
    return running(record, exit, folder, () => watch?.look());
  };

  const startOnIdle = async (request: StartRequest): Promise<Running> => startBy(await take(), request);

  const startWithGpus = async (request: StartRequest): Promise<Running> => {
    const held = await (await gpuPool()).take(request);
    const {launcher} = held;
    try {
      const withGpus = {...request, env: {...request.env, ...held.variables}};
      if (launcher === undefined) return followedBy(held.release, await startOnIdle(withGpus));
      all.add(launcher);
      // The locks are its for as long as it is there.
      const release = async (): Promise<void> => {
        await held.release();
        all.delete(launcher);
      };
      const running = await startBy(launcher, withGpus, () => undefined);
      held.started((running as Partial<LocalProcess>).pid ?? launcher.pid);
      return followedBy(release, running);
    } catch (error) {
      await held.release();
      throw error;
    }
  };

  return {
    // What lies in the system's memory when the machine goes down may never reach the disk.
    epoch: () => Promise.resolve(bootId()),

    gpusOfTensors: () => Promise.resolve(Math.min(1, gpus())),

    async capacity({gpu} = {gpu: true}) {
      const count = gpu ? await (await gpuPool()).count() : 0;
      return {cpu: availableParallelism(), gpu: count, memory: Math.floor(totalmem() / 2 ** 20)};
    },

    start: (request) => ((request.gpu ?? 0) > 0 ? startWithGpus(request) : startOnIdle(withNoGpu(request))),

    async adopt(job): Promise<Adoption> {
      const adoption = await adopted(job);
      const held = adoption.state === 'running' ? readGpus(job.folder)?.gpus : undefined;
      if (adoption.state !== 'running' || held === undefined) return adoption;
      const ids = held.map(({id}) => id);
      const giveBack = (await gpuPool()).hold(ids, job.folder);
      return {state: 'running', running: followedBy(giveBack, adoption.running)};
    },

    async isRunning({folder}) {
      const record = readProcess(folder);
      return record !== undefined && isRunning(record);
    },

    async look(job) {
      const record = runningOf(job);
      if (record === undefined) return undefined;
      const forMs = ageOf(record);
      return {name: `process ${record.pid}`, ...(forMs === undefined ? {} : {forMs})};
    },

    close() {
      for (const launcher of all) launcher.close();
    },
  };
}

/** The living process of a job, noted or not; of a copy of its folder there is none. */
function runningOf({folder, tag}: JobPlace): ProcessRecord | undefined {
  if (startedIn(folder, tag) === 'elsewhere') return undefined;
  const record = readProcess(folder);
  if (record !== undefined) return isRunning(record) ? record : undefined;
  const main = descendantsOf({tag}).find(({isMain}) => isMain);
  return main === undefined ? undefined : processRecord(main.pid);
}

async function adopted(job: AdoptRequest): Promise<Adoption> {
  const {folder, tag, epoch} = job;
  const started = startedIn(folder, tag);
  if (started === 'elsewhere') return {state: 'gone', trusted: false};
  const record = readProcess(folder);
  // This machine always knows what runs on it.
  const gone = () => ({state: 'gone', trusted: epoch === bootId(), ...lackAfter(record)}) as const;
  if (started === 'unsaid') {
    const untold = record === undefined ? undefined : adoptUntold(record, job);
    return untold === undefined ? gone() : {state: 'running', running: untold};
  }
  if (record !== undefined && isRunning(record)) return {state: 'running', running: adoptProcess(record, job)};
  // Not by its session, whose number may have been given to another one by now.
  const where = {tag, ...outputsOf(folder)};
  const left = descendantsOf(where);
  // Its runner was killed between the start of the process and the note of its pid.
  const main = record === undefined ? left.find(({isMain}) => isMain) : undefined;
  if (main !== undefined) return {state: 'running', running: adoptProcess(processRecord(main.pid), job)};
  if (left.length > 0) await endLeftovers(where);
  // It may have ended a moment ago, and whoever started it be about to write down how.
  const ended = record ?? recordOfLauncher(folder);
  if (ended !== undefined) await awaitResult(ended, job);
  return gone();
}

/** The same process, whose end has been seen when `after` is done as well. */
const followedBy = (after: () => unknown, running: Running): Running => ({
  ...running,
  exit: running.exit.finally(after),
});

/** The variable is never somebody else's, as it would be where r1 is run by a job of r1. */
const withNoGpu = (request: StartRequest): StartRequest => ({...request, env: {...request.env, R1_GPUS: '0'}});

/**
 * The process of a job whose tag does not say in which folder it was started: of this one if it works there. Nothing is
 * looked for by such a tag, which a copy of the store shares.
 */
function adoptUntold(record: ProcessRecord, {folder}: AdoptRequest): Running | undefined {
  const {scratch} = jobFiles(folder);
  if (!isRunning(record) || !isWorkingIn(record.pid, [folder, scratch])) return undefined;
  return adoptProcess(record, {folder});
}

/** As much of the record of a job as can be had from the shell that is at it. */
function recordOfLauncher(folder: string): ProcessRecord | undefined {
  const pid = launcherIn(folder);
  return pid === undefined ? undefined : processRecord(pid);
}

/**
 * A launcher that was killed between the order and its answer may have started the process, or be about to: one that is
 * forked already becomes the job a moment later. So it is given that moment, and what is not there then is not started
 * again, where it might still come, but reported as gone: it is tried again in a folder of its own.
 */
async function goOnWithout(job: StartRequest): Promise<Running> {
  await sleep(MOMENT);
  // The first of them is the oldest.
  const main = descendantsOf({tag: job.tag})[0];
  return main === undefined ? endedUnseen() : adoptProcess(processRecord(main.pid), job);
}

function adoptProcess(record: ProcessRecord, job: Adopted): Running {
  const watch = new MemoryWatch(record.pid, {earlier: record.kills});
  return running(record, awaitUnseenExit(record, job, watch), job.folder, () => watch.look());
}

const lackIn = (watch: MemoryWatch | undefined): Pick<Exit, 'memory'> => {
  const memory = watch?.lack();
  return memory === undefined ? {} : {memory};
};

/** A machine that has been started anew since counts from zero. */
function lackAfter(record: ProcessRecord | undefined): Pick<Exit, 'memory'> {
  if (record?.kills === undefined || record.boot !== bootId()) return {};
  const memory = lackSinceRecord(record.kills);
  return memory === undefined ? {} : {memory};
}

export interface LocalProcess extends Running {
  readonly pid: number;
}

/** A process, whoever started it, with what is known of its end. @param look called as often as somebody asks what it uses */
function running(record: ProcessRecord, exit: Promise<Exit>, folder: string, look: () => void): LocalProcess {
  const {pid, session = pid} = record;
  return {
    pid,
    exit,
    async stop(why) {
      // What ended by itself is what it is, though nobody may have heard of it yet.
      if (!isRunning(record)) return;
      try {
        writeStop(folder, {version: 1, why, at: Date.now()});
      } finally {
        signal(pid, 'SIGTERM');
      }
    },
    async kill() {
      if (!signal(-session, 'SIGKILL')) signal(pid, 'SIGKILL');
    },
    usage: async () => {
      look();
      return usageOf(pid);
    },
  };
}

/** A shell says of a process that a signal ended what POSIX has it say; few programs end with such a code by themselves. */
function howOf({code}: Ended): Exit['how'] {
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return name === undefined ? {type: 'exited', code} : {type: 'signalled', signal: name};
}

/** Where a job's processes are to be found, those included that hide and go on writing to its outputs. */
const descendantsIn = ({folder, tag}: {folder: string; tag?: string}, leader: ProcessRecord): DescendantQuery => ({
  leader,
  ...(tag === undefined ? {} : {tag}),
  ...outputsOf(folder),
});

function outputsOf(folder: string): Pick<DescendantQuery, 'writingTo'> {
  const {outputs} = jobFiles(folder);
  const isThere = hasProc && statSync(outputs, {throwIfNoEntry: false}) !== undefined;
  return isThere ? {writingTo: realpathSync.native(outputs)} : {};
}

type Adopted = Pick<AdoptRequest, 'folder' | 'waiting'> & {readonly tag?: string};

/** The end of a process that another process waits for, or nobody. */
async function awaitUnseenExit(leader: ProcessRecord, job: Adopted, watch: MemoryWatch | undefined): Promise<Exit> {
  while (isRunning(leader)) await sleep(POLL);
  const lack = lackIn(watch);
  await awaitResult(leader, job);
  return {how: {type: 'unseen'}, leftovers: await endLeftovers(descendantsIn(job, leader)), ...lack};
}

/** Resolves when there is a result, or when there will be none, as the shell that would write it is gone. */
async function awaitResult(record: ProcessRecord, {folder, waiting}: Adopted): Promise<void> {
  const {result} = jobFiles(folder);
  const asked = performance.now();
  let isTold = false;
  const isThere = () => (statSync(result, {throwIfNoEntry: false})?.size ?? 0) > 0;
  // Looked for before the result: one that is gone may have written it just before.
  while (isLauncherOf(record) && !isThere()) {
    const waited = performance.now() - asked;
    if (!hasProc && waited > WITHOUT_PROC) return;
    if (!isTold && waited > SLOW) {
      isTold = true;
      waiting?.(`its process has ended; waiting until process ${record.session}, which started it, writes down how`);
    }
    await sleep(POLL / 5);
  }
}

/** Ends what the main process left running, in its session or elsewhere under its tag, and waits until it is gone. */
async function endLeftovers(where: DescendantQuery): Promise<Exit['leftovers']> {
  const left = descendantsOf(where);
  if (left.length === 0) {
    // All that can be reached, the launcher with it.
    if (!hasProc && where.leader !== undefined) signal(-(where.leader.session ?? where.leader.pid), 'SIGKILL');
    return [];
  }
  const all = new Map(left.map(({pid, command}) => [pid, {pid, command}]));
  for (const {pid} of left) signal(pid, 'SIGTERM');
  const started = performance.now();
  for (;;) {
    const alive = descendantsOf(where);
    if (alive.length === 0) return [...all.values()];
    // What was there before keeps its command line: one that is on its way out has none any more.
    for (const {pid, command} of alive) if (!all.has(pid)) all.set(pid, {pid, command});
    if (performance.now() - started > LEFTOVER_GRACE) for (const {pid} of alive) signal(pid, 'SIGKILL');
    await sleep(POLL);
  }
}
