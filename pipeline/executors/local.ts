/**
 * Runs jobs as processes of this machine. Each is detached in a session of its own with its output in a file, so that it
 * outlives a runner that is killed; nothing is piped, and the job folder says the rest.
 */
import {closeSync, existsSync, openSync} from 'node:fs';
import type * as Execa from 'execa';
import {setTimeout as sleep} from 'node:timers/promises';
import {jobFiles, readProcess, writeRecord} from '../jobfolder.js';
import type {ProcessRecord} from '../jobfolder.js';
import type {Executor, Exit, Running} from './executor.js';
import {TAG_VARIABLE, hasProc, isRunning, kinOf, processRecord, signal, usageOf} from './processes.js';
import type {Kin} from './processes.js';

/** Time that left-over processes get between SIGTERM and SIGKILL, ms. */
const LEFTOVER_GRACE = 1000;
const POLL = 50;

/** Loaded with the first process; kept, since an `import()` costs a round through the module hooks each time. */
let door: Promise<typeof Execa> | undefined;

/** execa as one file, which set-up makes in a clone: the package has a hundred modules, and each takes Node a millisecond. */
const ONE_FILE = new URL('../../../node_modules/.r1/execa.mjs', import.meta.url);

const openDoor = (): Promise<typeof Execa> =>
  existsSync(ONE_FILE) ? (import(ONE_FILE.href) as Promise<typeof Execa>) : import('execa');

/** Read once: every look into `process.env` is a call into the system, and a copy of it takes one for each variable. */
const inherited = {...process.env};

const SHELL = '/bin/sh';

/** The job folder, for a program that wants to append to `events.jsonl` or to keep checkpoints. */
const JOB_VARIABLE = 'R1_JOB';

/**
 * Runs a program that knows nothing of job folders: hands a request to stop on to it, and leaves its exit code as the
 * result, so that it is there even when the runner is not. The trap is set once the program has been forked, because a
 * shell's child forgets a signal that arrives while it drops its parent's traps; a request that comes before ends the shell,
 * and with it what it had begun. The wait is repeated because a signal ends it early. The result is written by the shell
 * itself, in one piece, since a rename would take a process more; an empty one is none.
 */
const WRAPPER = `
"$@" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
printf '{"end":"exited","code":%d}' "$code" > "$R1_JOB/result.json"
exit "$code"
`;

/** @param entry path of the module that runs a job folder, `stages/main.js` */
export function localExecutor(entry: string): Executor {
  return {
    async start({folder, tag, command}) {
      const {execa} = await (door ??= openDoor());
      const files = jobFiles(folder);
      const log = openSync(files.log, 'a');
      const [program, ...words] =
        command === undefined
          ? [process.execPath, '--enable-source-maps', entry, folder]
          : [SHELL, '-c', WRAPPER, SHELL, ...command];
      const child = execa(program, words, {
        cwd: command === undefined ? folder : files.scratch,
        detached: true,
        // The runner's end is not the stage's: an orphan is adopted or ended by the next runner.
        cleanup: false,
        stdin: 'ignore',
        stdout: log as 3, // any descriptor does; the types name only the first ten
        stderr: log as 3,
        buffer: false,
        reject: false,
        env: {...inherited, [TAG_VARIABLE]: tag, ...(command === undefined ? {} : {[JOB_VARIABLE]: folder})},
        extendEnv: false,
      });
      closeSync(log);
      const {pid} = child;
      if (pid === undefined) {
        const {message}: Ended = await child;
        throw new Error(message ?? 'the process could not be started');
      }
      const record = processRecord(pid);
      try {
        writeRecord(files.process, record);
      } catch (error) {
        // Nobody would find it again, so it must not be there.
        signal(-pid, 'SIGKILL');
        await child;
        await endLeftovers({tag, leader: record});
        throw error;
      }
      const exit = child.then(async (result): Promise<Exit> => ({
        how: howOf(result),
        leftovers: await endLeftovers({tag, leader: record}),
      }));
      return running(pid, exit);
    },

    async adopt({folder, tag}) {
      const record = readProcess(folder);
      if (record !== undefined && isRunning(record)) return running(record.pid, unseenExit(record, tag));
      const kin = kinOf({tag});
      // Its runner was killed between the start of the process and the note of its pid.
      const leader = record === undefined ? kin.find(({leads}) => leads) : undefined;
      if (leader !== undefined) return running(leader.pid, unseenExit(processRecord(leader.pid), tag));
      if (kin.length > 0) await endLeftovers({tag});
      return undefined;
    },
  };
}

/** The process `pid`, whoever started it, with what is known of its end. */
export function running(pid: number, exit: Promise<Exit>): Running {
  return {
    pid,
    exit,
    stop: () => signal(pid, 'SIGTERM'),
    kill: () => {
      if (!signal(-pid, 'SIGKILL')) signal(pid, 'SIGKILL');
    },
    usage: () => usageOf(pid),
  };
}

/** What of execa's result tells how a process ended. */
interface Ended {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly message?: string | undefined;
}

function howOf(result: Ended): Exit['how'] {
  if (result.exitCode !== undefined) return {type: 'exited', code: result.exitCode};
  if (result.signal !== undefined) return {type: 'signalled', signal: result.signal};
  return {type: 'unstarted', message: result.message ?? 'the process could not be started'};
}

/** The end of a process that another process waits for, or nobody. */
export async function unseenExit(leader: ProcessRecord, tag: string): Promise<Exit> {
  while (isRunning(leader)) await sleep(POLL);
  return {how: {type: 'unseen'}, leftovers: await endLeftovers({tag, leader})};
}

/** Ends what the main process left running, in its session or elsewhere under its tag, and waits until it is gone. */
async function endLeftovers(kin: Kin): Promise<Exit['leftovers']> {
  const left = kinOf(kin);
  if (left.length === 0) {
    if (!hasProc && kin.leader !== undefined) signal(-kin.leader.pid, 'SIGKILL'); // all that can be reached
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
