/**
 * Runs programs that nobody has read: by bubblewrap, in namespaces of their own, as a user who is nobody, with a system that can be
 * read but not written, no network, nothing of this process's environment, and limits on all that a program can use up. A program is
 * told nothing about the machine but what `/usr` holds.
 */
import {spawn, type ChildProcess} from 'node:child_process';
import {accessSync, constants, lstatSync, readlinkSync, rmSync} from 'node:fs';
import path from 'node:path';
import type {Duplex, Readable, Writable} from 'node:stream';
import {StageFailure} from '../../pipeline/stage.js';
import {temporaryFolder} from '../temporary-folder.js';
import {prlimitWords, type Limits} from './limits.js';
import type {SandboxKind} from './names.js';
import {seccompFilter} from './seccomp.js';
import {usageOf} from './usage.js';

/** How a program ended. */
export type End =
  | {readonly how: 'exited'; readonly code: number}
  | {readonly how: 'killed'; readonly signal: string}
  /** It was ended here, for this reason. */
  | {readonly how: 'cpu-time' | 'waited' | 'memory' | 'output' | 'stopped'};

/** A program that runs. Its end closes its streams. */
export interface Running {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Its file descriptor 3, where it was asked for. */
  readonly report: Readable | undefined;
  /** When it has ended, and all of its children have. */
  readonly ended: Promise<End>;
  /** Whether one of its processes computed when last looked at. */
  isComputing(): boolean;
  /** Ends it and all of its children. Who is first says why. */
  end(how: Extract<End['how'], 'output' | 'stopped'>): void;
}

export interface StartOptions {
  readonly limits: Limits;
  readonly report?: boolean;
  readonly isHeld?: () => boolean;
}

export interface Sandbox {
  readonly kind: SandboxKind;
  /**
   * Starts a program.
   *
   * @param argv the program by its path and its arguments
   * @param options.report whether it gets a file descriptor 3 to write to
   * @param options.isHeld whether it waits for somebody who is at work, so that its waiting does not count
   */
  start(argv: readonly string[], options: StartOptions): Running;
}

/** All that a program finds in its environment. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/bin:/bin',
  HOME: '/tmp',
  LANG: 'C.UTF-8',
  // Equal programs do equal things: sets of texts have one order.
  PYTHONHASHSEED: '0',
  PYTHONDONTWRITEBYTECODE: '1',
  // Each thread would otherwise reserve address space for an arena of its own.
  MALLOC_ARENA_MAX: '2',
};

/** Who a program is to itself. */
const INNER_ID = '1000';

/**
 * Root starts programs as one of the ids that systemd lends to services without an account (61184 to 65519,
 * https://systemd.io/UIDS-GIDS/): no limit on processes binds uid 0. Two sandboxes at once get two ids.
 */
const FIRST_ID = 61_184;
const IDS = 65_520 - FIRST_ID;
let started = process.pid * 64;

/** How often it is looked at what all of a program's processes use, and whether one of them computes; ms. */
const LOOK_MS = 100;

const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/**
 * @param readable folders that a program may read beside the system's, such as the one that its interpreter lies in
 * @throws {StageFailure} where bubblewrap or prlimit is not installed
 */
export function sandboxOf(kind: SandboxKind, readable: readonly string[] = []): Sandbox {
  const prlimit = programPath('prlimit');
  if (prlimit === undefined)
    throw new StageFailure('programs run under limits that prlimit sets, which is not installed: install util-linux');
  if (kind === 'none-i-trust-every-program') {
    // Bubblewrap ends with the process that started it; here setpriv asks the kernel for it, where it is installed.
    const setpriv = programPath('setpriv');
    const inner = (argv: readonly string[], limits: Limits): string[] => [
      ...(setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--']),
      prlimit,
      ...prlimitWords(limits).filter((word) => !word.startsWith('--nproc')), // It would count all of the user's processes.
      '--',
      ...argv,
    ];
    return {kind, start: (argv, options) => run(inner(argv, options.limits), {...options, isContained: false})};
  }
  const bubblewrap = programPath('bwrap');
  if (bubblewrap === undefined)
    throw new StageFailure(
      'programs that a model wrote run in bubblewrap, which is not installed: install it (Debian, Ubuntu: apt-get install ' +
        'bubblewrap; Fedora: dnf install bubblewrap), 0.8 or newer; where every program can be trusted that the model may write, ' +
        'sandbox: none-i-trust-every-program does without',
    );
  return {
    kind,
    start(argv, options) {
      const words = [
        ...namespaceWords(options.limits, readable),
        '--',
        '/usr/bin/prlimit',
        ...prlimitWords(options.limits),
      ];
      return run([bubblewrap, ...words, '--', ...argv], {...options, isContained: true, filter: seccompFilter()});
    },
  };
}

/** Words of bubblewrap, https://manpages.debian.org/bookworm/bubblewrap/bwrap.1.en.html. */
function namespaceWords({temporaryBytes}: Limits, readable: readonly string[]): string[] {
  return [
    // A user namespace of its own, in which no other can be made, and all other namespaces.
    ...['--unshare-all', '--unshare-user', '--disable-userns', '--uid', INNER_ID, '--gid', INNER_ID],
    ...['--hostname', 'sandbox', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    '--clearenv',
    ...Object.entries(ENVIRONMENT).flatMap(([name, value]) => ['--setenv', name, value]),
    ...systemWords(),
    ...readable.filter((folder) => !isBelow(folder, '/usr')).flatMap((folder) => ['--ro-bind', folder, folder]),
    ...['--proc', '/proc', '--dev', '/dev', '--size', '1048576', '--tmpfs', '/dev/shm', '--remount-ro', '/dev'],
    ...['--size', String(temporaryBytes), '--tmpfs', '/tmp', '--chdir', '/tmp', '--remount-ro', '/'],
    ...(seccompFilter() === undefined ? [] : ['--seccomp', '4']),
  ];
}

/** /usr, and the folders at the top that are a part of it on most systems and folders of their own on others. */
function systemWords(): string[] {
  const top = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].flatMap((folder) => {
    const entry = lstatSync(folder, {throwIfNoEntry: false});
    if (entry === undefined) return [];
    return entry.isSymbolicLink() ? ['--symlink', readlinkSync(folder), folder] : ['--ro-bind', folder, folder];
  });
  const some = ['/etc/ld.so.cache', '/etc/alternatives'].flatMap((file) => ['--ro-bind-try', file, file]);
  return ['--ro-bind', '/usr', '/usr', ...top, ...some];
}

const isBelow = (file: string, folder: string): boolean => file === folder || file.startsWith(`${folder}/`);

/** Where a program lies that is found by its name. */
export function programPath(name: string): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(':').filter((folder) => path.isAbsolute(folder)),
    '/usr/bin',
    '/bin',
  ];
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // Not there, or not for us: the next folder may have it.
  }
}

interface RunOptions extends StartOptions {
  readonly isContained: boolean;
  /** For bubblewrap's file descriptor 4. */
  readonly filter?: Buffer | undefined;
}

function run(
  [program, ...words]: readonly string[],
  {limits, report = false, isHeld, isContained, filter}: RunOptions,
): Running {
  // In the sandbox /tmp is the program's own and goes with it.
  const scratch = isContained ? undefined : temporaryFolder('program');
  const id = FIRST_ID + (started++ % IDS);
  const child = spawn(program!, words, {
    cwd: scratch ?? '/',
    // bubblewrap is process 1 inside, where /proc/1/environ shows what it was given.
    env: ENVIRONMENT,
    stdio: ['pipe', 'pipe', 'pipe', report ? 'pipe' : 'ignore', filter === undefined ? 'ignore' : 'pipe'],
    detached: !isContained, // A group of its own, to be ended as one; bubblewrap's children end with it.
    ...(isContained && process.getuid?.() === 0 ? {uid: id, gid: id} : {}),
  });
  living.add(child);
  let why: End | undefined;
  const end = (how: Exclude<End['how'], 'exited' | 'killed'>): void => {
    why ??= {how};
    kill(child, isContained);
  };
  let cpuSeconds = 0;
  let waitedMs = 0;
  let isComputing = true;
  let last = performance.now();
  const look = setInterval(() => {
    const usage = child.pid === undefined ? undefined : usageOf(child.pid);
    const now = performance.now();
    // Where this process was too busy to look, what it did not see does not count.
    isComputing = usage?.isRunning === true;
    if (usage?.isRunning === false && isHeld?.() !== true) waitedMs += Math.min(now - last, 2 * LOOK_MS);
    last = now;
    if (waitedMs > 1000 * limits.waitSeconds) end('waited');
    if (usage === undefined) return;
    cpuSeconds = Math.max(cpuSeconds, usage.cpuSeconds);
    // A single process meets the kernel's own limit first.
    if (usage.cpuSeconds > limits.cpuSeconds + 1) end('cpu-time');
    if (usage.memoryBytes > limits.memoryBytes) end('memory');
  }, LOOK_MS);
  const ended = new Promise<End>((resolve, reject) => {
    const settle = (): void => {
      living.delete(child);
      clearInterval(look);
      if (scratch !== undefined) rmSync(scratch, {recursive: true, force: true});
    };
    if (!isContained) child.once('exit', () => kill(child, isContained)); // Its children, which may hold its streams.
    child.once('error', (error) => {
      settle();
      reject(new StageFailure(`${program!} does not start: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      settle();
      resolve(why ?? endOf(code, signal, cpuSeconds > 0.8 * limits.cpuSeconds));
    });
  });
  ended.catch(() => undefined); // Whoever waits for it hears of it; that nobody waits yet is no crash.
  // A program may end, or close its end, before it has read all that is written to it. How it ended is told by `ended`.
  for (const pipe of [child.stdin, child.stdio[4]]) (pipe as Duplex | null)?.on('error', () => undefined);
  (child.stdio[4] as Writable | null)?.end(filter);
  return {
    stdin: child.stdin!,
    stdout: child.stdout!,
    stderr: child.stderr!,
    report: report ? (child.stdio[3] as Readable) : undefined,
    ended,
    isComputing: () => isComputing,
    end,
  };
}

function kill({pid}: ChildProcess, isContained: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(isContained ? pid : -pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // It has ended by itself.
  }
}

/** bubblewrap's exit status is its program's; 128 and the signal's number where that was killed. */
function endOf(code: number | null, signal: NodeJS.Signals | null, isNearLimit: boolean): End {
  const name = signal ?? (code !== null && code > 128 ? SIGNALS[code - 128] : undefined);
  if (name === undefined) return {how: 'exited', code: code ?? 0};
  if (name === 'SIGXCPU' || (name === 'SIGKILL' && isNearLimit)) return {how: 'cpu-time'};
  return {how: 'killed', signal: name};
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
};
