/**
 * Runs jobs as processes of this machine, each started by a shell (`launcher.ts`) with its output in a file, so that it
 * outlives a runner that is killed; nothing is piped, and the job folder says the rest.
 */
import {closeSync, openSync, statSync} from 'node:fs';
import {constants} from 'node:os';
import {setTimeout as sleep} from 'node:timers/promises';
import {jobFiles, readProcess, writeRecord} from '../jobfolder.js';
import type {ProcessRecord} from '../jobfolder.js';
import {GONE} from './executor.js';
import type {Executor, Exit, Running, StartRequest} from './executor.js';
import {startLauncher} from './launcher.js';
import type {Ended, Launcher} from './launcher.js';
import {hasProc, isRunning, kinOf, processRecord, signal, usageOf} from './processes.js';
import type {Kin} from './processes.js';

/** Time that left-over processes get between SIGTERM and SIGKILL, ms. */
const LEFTOVER_GRACE = 1000;
const POLL = 50;

/** A job that lives longer has what is known of its process written into its folder, ms. */
const NOTE_AFTER = 50;

/** In which a process that is being started becomes what it is to be, and a shell writes down how its job ended, ms. */
const MOMENT = 300;

/** @param entry path of the module that runs a job folder, `stages/main.js` */
export function localExecutor(entry: string): Executor {
  const idle: Launcher[] = [];
  const all = new Set<Launcher>();

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

  return {
    async start(request) {
      const {folder, tag, command, env} = request;
      const files = jobFiles(folder);
      const launcher = await take();
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
        idle.push(launcher);
        // In the system's own words, unless it can be opened now.
        closeSync(openSync(files.log, 'a'));
        throw error;
      });
      if (pid === undefined) return goOnWithout(request);
      const record = processRecord(pid, {session: launcher.pid, before});
      let broken: string | undefined;
      const note = (): void => {
        try {
          writeRecord(files.process, record);
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
          return {how: {type: 'unstarted', message: broken}, leftovers: await endLeftovers({tag, leader: record})};
        }
        if (end === undefined) return unseenExit(record, request);
        const leftovers = await endLeftovers({tag, leader: record});
        // Not before: what is found in its session is its job's. And without /proc it was ended with what it left.
        if (hasProc) idle.push(launcher);
        return {how: howOf(end), leftovers, used: end};
      });
      return running(record, exit);
    },

    async adopt(job) {
      const {folder, tag} = job;
      const record = readProcess(folder);
      if (record !== undefined && isRunning(record)) return running(record, unseenExit(record, job));
      const kin = kinOf({tag});
      // Its runner was killed between the start of the process and the note of its pid.
      const main = record === undefined ? kin.find(({isMain}) => isMain) : undefined;
      if (main !== undefined) return adopted(main.pid, job);
      if (kin.length > 0) await endLeftovers({tag});
      // It may have ended a moment ago, and whoever started it be about to write down how.
      if (record?.session !== undefined && signal(record.session, 0)) await resultWritten(folder);
      return undefined;
    },

    close() {
      for (const launcher of all) launcher.close();
    },
  };
}

/**
 * A launcher that was killed between the order and its answer may have started the process, or be about to: one that is
 * forked already becomes the job a moment later. So it is given that moment, and what is not there then is not started
 * again, where it might still come, but reported as gone: it is tried again in a folder of its own.
 */
async function goOnWithout(job: StartRequest): Promise<Running> {
  await sleep(MOMENT);
  // The first of them is the oldest.
  const main = kinOf({tag: job.tag})[0];
  return main === undefined ? GONE : adopted(main.pid, job);
}

function adopted(pid: number, job: StartRequest): Running {
  const record = processRecord(pid);
  return running(record, unseenExit(record, job));
}

/** A process, whoever started it, with what is known of its end. */
function running(record: ProcessRecord, exit: Promise<Exit>): Running {
  const {pid, session = pid} = record;
  return {
    pid,
    exit,
    stop: () => signal(pid, 'SIGTERM'),
    kill: () => {
      if (!signal(-session, 'SIGKILL')) signal(pid, 'SIGKILL');
    },
    usage: () => usageOf(pid),
  };
}

/** A shell says of a process that a signal ended what POSIX has it say; few programs end with such a code by themselves. */
function howOf({code}: Ended): Exit['how'] {
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return name === undefined ? {type: 'exited', code} : {type: 'signalled', signal: name};
}

/** The end of a process that another process waits for, or nobody. */
async function unseenExit(leader: ProcessRecord, {folder, tag}: {folder: string; tag: string}): Promise<Exit> {
  while (isRunning(leader)) await sleep(POLL);
  await resultWritten(folder);
  return {how: {type: 'unseen'}, leftovers: await endLeftovers({tag, leader})};
}

/** Resolves when there is a result, or when there is none after the moment that a shell needs to write one. */
async function resultWritten(folder: string): Promise<void> {
  const {result} = jobFiles(folder);
  const asked = performance.now();
  const isThere = () => (statSync(result, {throwIfNoEntry: false})?.size ?? 0) > 0;
  while (!isThere() && performance.now() - asked < MOMENT) await sleep(POLL / 5);
}

/** Ends what the main process left running, in its session or elsewhere under its tag, and waits until it is gone. */
async function endLeftovers(kin: Kin): Promise<Exit['leftovers']> {
  const left = kinOf(kin);
  if (left.length === 0) {
    // All that can be reached, the launcher with it.
    if (!hasProc && kin.leader !== undefined) signal(-(kin.leader.session ?? kin.leader.pid), 'SIGKILL');
    return [];
  }
  const all = new Map(left.map(({pid, command}) => [pid, {pid, command}]));
  for (const {pid} of left) signal(pid, 'SIGTERM');
  const started = performance.now();
  for (;;) {
    const alive = kinOf(kin);
    if (alive.length === 0) return [...all.values()];
    for (const {pid, command} of alive) all.set(pid, {pid, command});
    if (performance.now() - started > LEFTOVER_GRACE) for (const {pid} of alive) signal(pid, 'SIGKILL');
    await sleep(POLL);
  }
}
