/**
 * Runs jobs as processes of this machine, and lets a small process start them where they are many and short. Starting one
 * means to copy the page tables of whoever starts it: 5 ms for a runner of 100 MiB, in which it can do nothing else, and a
 * quarter of that for a process that has just begun. For a few long jobs the launcher would only take memory, so it is
 * started when the pace calls for it; until it is ready the runner starts its processes itself, as it does when the
 * launcher was killed.
 */
import {fork} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {readProcess} from '../jobfolder.js';
import {GONE} from './executor.js';
import type {Executor, Exit, Running, StartRequest} from './executor.js';
import type {FromLauncher, ToLauncher} from './launcher.js';
import {localExecutor, running, unseenExit} from './local.js';

export interface Pace {
  /** So many processes … */
  readonly starts: number;
  /** … within so many ms. */
  readonly within: number;
}

/** At this pace the time that a launcher needs to come up is won back before long. */
export const QUICK: Pace = {starts: 16, within: 2000};
/** From the first job on, as soon as it is ready. */
export const ALWAYS: Pace = {starts: 1, within: Infinity};
export const NEVER: Pace = {starts: 1, within: -1};

/** In which a process that is being started becomes what it is to be, ms. */
const MOMENT = 300;

const MODULE = fileURLToPath(new URL('./launcher.js', import.meta.url));

/**
 * @param entry path of the module that runs a job folder, `stages/main.js`
 * @param pace from which a launcher is used
 */
export function launchedExecutor(entry: string, pace: Pace = QUICK): Executor {
  const local = localExecutor(entry);
  const starts: number[] = [];
  let launcher: Launcher | undefined;

  /** Whether this start is the last of so many in so short a time. */
  const isQuick = (): boolean => {
    const now = performance.now();
    starts.push(now);
    if (starts.length > pace.starts) starts.shift();
    return starts.length >= pace.starts && now - starts[0]! <= pace.within;
  };

  return {
    async start(request) {
      if (launcher === undefined || launcher.state === 'gone') launcher = isQuick() ? new Launcher(entry) : undefined;
      return launcher?.state === 'ready' ? launcher.start(request, local) : local.start(request);
    },
    adopt: (job) => local.adopt(job),
    close: () => launcher?.close(),
  };
}

/** A job that the launcher was asked for. */
interface Pending {
  started(pid: number): void;
  unstarted(error: Error): void;
  ended(exit: Exit): void;
  /** The launcher went, and with it what it would have said. */
  lost(): void;
}

/** The small process, from its start to its end. */
class Launcher {
  state: 'coming' | 'ready' | 'gone' = 'coming';
  readonly #entry: string;
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #jobs = 0;

  constructor(entry: string) {
    this.#entry = entry;
    // A session of its own, so that Ctrl-C is the runner's alone; when the runner goes, its channel closes, and it ends.
    this.#process = fork(MODULE, [], {detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: []});
    this.#process.on('message', (message: FromLauncher) => this.#hear(message));
    for (const event of ['exit', 'error', 'disconnect']) this.#process.once(event, () => this.#lose());
    this.#process.unref();
    this.#process.channel?.unref();
  }

  async start(request: StartRequest, local: Executor): Promise<Running> {
    const job = this.#jobs++;
    const {folder, tag} = request;
    let sawEnd!: (exit: Exit | undefined) => void;
    const end = new Promise<Exit | undefined>((resolve) => (sawEnd = resolve));
    const pid = await new Promise<number | undefined>((resolve, reject) => {
      this.#pending.set(job, {
        started: resolve,
        unstarted: reject,
        ended: sawEnd,
        lost: () => {
          resolve(undefined);
          sawEnd(undefined);
        },
      });
      // As long as something is expected of it, the runner stays for it.
      this.#process.channel?.ref();
      const message: ToLauncher = {job, entry: this.#entry, request};
      this.#process.send(message, (error) => {
        if (error !== null) this.#lose();
      });
    });
    if (pid === undefined) return goOnWithout(request, local);
    const exit = end.then((seen) => {
      if (seen !== undefined) return seen;
      const record = readProcess(folder);
      return record === undefined ? {how: {type: 'unseen'} as const, leftovers: []} : unseenExit(record, tag);
    });
    return running(pid, exit);
  }

  close(): void {
    if (this.#process.connected) this.#process.disconnect();
    this.#lose();
  }

  #hear(message: FromLauncher): void {
    if (message.type === 'ready') {
      if (this.state === 'coming') this.state = 'ready';
      return;
    }
    const pending = this.#pending.get(message.job);
    switch (message.type) {
      case 'started':
        pending?.started(message.pid);
        return;
      case 'unstarted':
        pending?.unstarted(new Error(message.message));
        break;
      case 'ended':
        pending?.ended(message.exit);
    }
    this.#forget(message.job);
  }

  #forget(job: number): void {
    this.#pending.delete(job);
    if (this.#pending.size === 0) this.#process.channel?.unref();
  }

  #lose(): void {
    this.state = 'gone';
    for (const [job, pending] of [...this.#pending]) {
      this.#forget(job);
      pending.lost();
    }
  }
}

/**
 * A launcher that was killed between the request and its answer may have started the process, or be about to: one that is
 * forked already becomes the job a moment later. So it is given that moment, and what is not there then is not started
 * here, where it might still come, but reported as gone: it is tried again in a folder of its own.
 */
async function goOnWithout({folder, tag}: StartRequest, local: Executor): Promise<Running> {
  await sleep(MOMENT);
  return (await local.adopt({folder, tag})) ?? GONE;
}
