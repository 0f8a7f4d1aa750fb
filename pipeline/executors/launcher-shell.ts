/**
 * A shell that starts jobs for the runner, one after another, and sees each of them end. To start a process means to copy the
 * page tables of whoever starts it: 5 ms for a runner of 100 MiB, in which it can do nothing else, and a tenth of that for a
 * shell. It outlives the runner until its job is over, so that how a program ended is written down even then.
 *
 * Each shell has a session of its own: Ctrl-C is the runner's alone, and what a job leaves behind is found by its session.
 *
 * Without this everything would be the same, slower by 4.5 ms a job, in which the runner does nothing else; only the exit code of
 * a program would be lost with a runner that is killed.
 */
import type * as Execa from 'execa';
import type {Readable, Writable} from 'node:stream';
import {platformEnvironment} from '../wiring/environment.js';

const SHELL = '/bin/sh';

/** Says in a list of processes what the shell is for. */
export const LAUNCHER = 'r1-launcher';

/**
 * What a shell is sent first. `run` starts a job, says so, waits for it and says how it ended, after the processor time of all
 * jobs so far. Its words are the job folder, the folder to run in, the tag, whether the program knows nothing of results
 * (then its exit code is written down as one, in one piece, since a rename would take a process more; an empty one does not count),
 * the job's own variables as `NAME=value` and an empty word behind them, and the program with its arguments. The shell reads
 * all this from its input, so that no list of processes shows what a variable holds.
 *
 * A shell whose runner died before it came to read an order does not carry it out any more. Once a job runs, that nobody
 * listens is no reason to end. One that cannot open the log refuses; the runner finds out why.
 *
 * As long as its job runs the shell is in the job folder, so it is found there, and what it writes gets there even if the
 * store is moved meanwhile. A signal that asks it to end, whoever sent it, is for its job: it writes down that the job was
 * asked and hands it on. SIGINT becomes SIGTERM, since POSIX has it ignored by what a shell starts in the background. A wait
 * that a signal cut short is begun again; a job that was over by then is not waited for twice. It listens before the job is there, as a
 * program may end its own group, shell and all, with the first thing that it does. A pipe in the place of the
 * result is removed: to write to it would be to wait for a reader that never comes.
 */
const SCRIPT = `
exec 2>/dev/null
ask() {
  asked=$1
  test -n "$job" || { early="$1 $2"; return; }
  kill -0 "$job" || return
  test -e stop.json || printf '{"version":1,"why":"signal","signal":"SIG%s"}' "$1" >stop.json
  kill -s "$2" "$job"
}
run() {
  kill -0 "$PPID" || exit
  cd "$1" && command exec 2>>output.log || { cd /; echo refused; return; }
  job=
  asked=
  early=
  trap : PIPE
  trap 'ask TERM TERM' TERM
  trap 'ask INT TERM' INT
  trap 'ask HUP HUP' HUP
  trap 'ask USR1 USR1' USR1
  (
    cd "$2" || exit
    export R1_ATTEMPT="$3"
    test -z "$4" || export R1_JOB="$1"
    shift 4
    until test -z "$1"; do
      export "$1" || exit
      shift
    done
    shift
    exec "$@"
  ) </dev/null >&2 &
  job=$!
  test -z "$early" || ask $early
  exec 2>/dev/null
  echo "started $job"
  wait "$job"
  code=$?
  while test -n "$asked" && test "$code" -gt 128; do
    asked=
    wait "$job"
    again=$?
    test "$again" -eq 127 || code=$again
  done
  if test -n "$4"; then
    asked=false
    test -e stop.json && asked=true
    test -p result.json && rm -f result.json
    printf '{"end":"exited","code":%d,"asked":%s}' "$code" "$asked" >result.json
  fi
  times
  echo "ended $code"
  trap - PIPE TERM INT HUP USR1
  cd /
}
`;

/** One word of the shell's language; it may have several lines. */
const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

export interface Order {
  readonly folder: string;
  readonly cwd: string;
  readonly tag: string;
  /** Whether the program knows nothing of job folders, so that its exit code is its result. */
  readonly plain: boolean;
  /** Environment variables of this job. */
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly words: readonly string[];
}

/** How a job ended, and the seconds of processor time that it took with all that it waited for. */
export interface Ended {
  /** 128 and the number of the signal for one that was killed by it. */
  readonly code: number;
  readonly user: number;
  readonly system: number;
}

/** Both are undefined when the launcher went before it could say so. */
export interface Launched {
  /** Rejects when the log could not be opened; nothing was started then. */
  readonly started: Promise<number | undefined>;
  readonly ended: Promise<Ended | undefined>;
}

/** Loaded with the first launcher; kept, since an `import()` costs a round through the module hooks each time. */
let door: Promise<typeof Execa> | undefined;

/** Read once: every look into `process.env` is a call into the system, and a copy of it takes one for each variable. */
const inherited = platformEnvironment(process.env);

/**
 * @param before words of programs that each become the next one, and the last one the shell
 * @throws Error when there is no shell, or no process can be started
 */
export async function startLauncher(before: readonly string[] = []): Promise<Launcher> {
  const {execa} = await (door ??= import('execa'));
  const [program, ...words] = [...before, SHELL, '-s', LAUNCHER];
  const shell = execa(program, words, {
    detached: true,
    // The runner's end is not the stage's: an orphan is adopted or ended by the next runner.
    cleanup: false,
    stdin: 'pipe',
    stdout: 'pipe',
    // What those before it say is known by their exit code.
    stderr: before.length === 0 ? 'inherit' : 'ignore',
    buffer: false,
    reject: false,
    env: inherited,
    extendEnv: false,
  });
  if (shell.pid === undefined) throw new Error((await shell).message ?? `${SHELL} could not be started`);
  return new Launcher({
    pid: shell.pid,
    input: shell.stdin as Shell['input'],
    output: shell.stdout as Shell['output'],
    exited: new Promise((resolve) => shell.once('exit', resolve)),
    itself: shell,
  });
}

/** What another process, and a pipe to it, has: whether it keeps this process from ending. */
interface Holding {
  ref(): void;
  unref(): void;
}

interface Shell {
  readonly pid: number;
  readonly input: Writable & Holding;
  readonly output: Readable & Holding;
  /** The exit code, `null` when a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly itself: Holding;
}

interface Job {
  started(pid: number | undefined): void;
  refused(error: Error): void;
  ended(ended: Ended | undefined): void;
}

/** A shell, from its start to its end. */
export class Launcher {
  /** Also the number of its session and of its process group. */
  readonly pid: number;
  isGone = false;
  readonly #shell: Shell;
  readonly #input: Shell['input'];
  readonly #output: Shell['output'];
  #job: Job | undefined;
  #ready: ((isReady: boolean) => void) | undefined;
  #unread = '';
  /** Processor time of all its jobs so far, seconds. */
  #times = {user: 0, system: 0};
  #timesBefore = this.#times;

  constructor(shell: Shell) {
    const {pid, input, output} = shell;
    this.pid = pid;
    this.#shell = shell;
    this.#input = input;
    this.#output = output;
    // It is there for the runner, and not the other way round.
    shell.itself.unref();
    input.unref();
    output.unref();
    output.setEncoding('utf8');
    output.on('data', (text: string) => this.#hear(text));
    // All that it said has been heard when its output closes. Whoever writes to one that went hears of it there as well.
    output.on('close', () => this.#lose());
    for (const end of [input, output]) end.on('error', () => this.#lose());
    input.write(SCRIPT);
  }

  /** Starts a job; only one at a time. */
  launch({folder, cwd, tag, plain, env = {}, words}: Order): Launched {
    if (this.#job !== undefined) throw new Error('a launcher runs one job at a time');
    let started!: Job['started'];
    let refused!: Job['refused'];
    let ended!: Job['ended'];
    const launched: Launched = {
      started: new Promise((resolve, reject) => ([started, refused] = [resolve, reject])),
      ended: new Promise((resolve) => (ended = resolve)),
    };
    this.#job = {started, refused, ended};
    if (this.isGone) this.#lose();
    else {
      // As long as something is expected of it, the runner stays for it.
      this.#output.ref();
      const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      const order = [folder, cwd, tag, plain ? 'plain' : '', ...variables, '', ...words];
      this.#input.write(`run ${order.map(quoted).join(' ')}\n`);
    }
    return launched;
  }

  /** Whether the shell has come to be, and reads what it is sent; what stood before it may have ended instead. */
  isReady(): Promise<boolean> {
    const ready = new Promise<boolean>((resolve) => (this.#ready = resolve));
    if (this.isGone) this.#lose();
    else {
      this.#output.ref();
      this.#input.write('echo ready\n');
    }
    return ready;
  }

  /** It ends with its job. */
  close(): void {
    this.#input.end();
  }

  /** Resolves when it is gone with all that it held: its exit code, `null` when a signal ended it. */
  end(): Promise<number | null> {
    this.#shell.itself.ref();
    this.close();
    return this.#shell.exited;
  }

  #hear(text: string): void {
    const lines = (this.#unread + text).split('\n');
    this.#unread = lines.pop()!;
    for (const line of lines) {
      const [, word, number] = /^(started|ended) (\d+)$/.exec(line) ?? [];
      if (word === 'started') this.#job?.started(Number(number));
      else if (word === 'ended') this.#end(Number(number));
      else if (line === 'ready') this.#answer(true);
      else if (line === 'refused') this.#forget()?.refused(new Error('its log could not be opened'));
      else this.#times = timesIn(line) ?? this.#times;
    }
  }

  #end(code: number): void {
    const {user, system} = this.#times;
    const before = this.#timesBefore;
    this.#timesBefore = this.#times;
    this.#forget()?.ended({code, user: user - before.user, system: system - before.system});
  }

  #answer(isReady: boolean): void {
    this.#ready?.(isReady);
    this.#ready = undefined;
    this.#output.unref();
  }

  #forget(): Job | undefined {
    const job = this.#job;
    this.#job = undefined;
    this.#output.unref();
    return job;
  }

  #lose(): void {
    this.isGone = true;
    this.#answer(false);
    const job = this.#forget();
    job?.started(undefined);
    job?.ended(undefined);
  }
}

/** `0m1.250000s 0m0.120000s`: user and system time. The last such line of `times` is of the shell's jobs. */
function timesIn(line: string): {user: number; system: number} | undefined {
  const [, userMinutes, user, systemMinutes, system] = /^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/.exec(line) ?? [];
  if (system === undefined) return undefined;
  return {user: Number(userMinutes) * 60 + Number(user), system: Number(systemMinutes) * 60 + Number(system)};
}
