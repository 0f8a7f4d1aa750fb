/**
 * What the system knows of processes, by `/proc`. Where there is none (macOS), a process is only known by its pid and
 * group, and descendants that left the group cannot be found.
 */
import {closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, readlinkSync, statSync} from 'node:fs';
import type {BigIntStats} from 'node:fs';
import {availableParallelism, hostname} from 'node:os';
import type {ProcessRecord} from './process-record.js';
import type {Used} from './executor.js';
import {LAUNCHER} from './launcher-shell.js';

export const TAG_VARIABLE = 'R1_ATTEMPT';

export const hasProc = existsSync('/proc/self/stat');

/** Clock ticks a second in `/proc/*\/stat`; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** What is known of a process by whoever had it started. */
export interface Start {
  readonly session: number;
  /** Reading of `performance.now()` when it was not there yet. */
  readonly before: number;
}

/**
 * Identifies `pid` beyond the reuse of its number. Of one that is gone already by what is known of its start: its record
 * then is of no process any more, but descendants of it are looked for among those that are not older.
 */
export function processRecord(pid: number, start?: Start): ProcessRecord {
  const stat = statOf(pid);
  const started = stat?.started ?? (start === undefined ? undefined : ticksAt(start.before));
  const session = stat?.session ?? start?.session;
  return {
    pid,
    boot: bootId(),
    ...(started === undefined ? {} : {started}),
    ...(session === undefined ? {} : {session}),
  };
}

/** A tick that was over at that reading of `performance.now()`. */
function ticksAt(moment: number): string | undefined {
  const uptime = readProc('uptime');
  if (uptime === undefined) return undefined;
  const seconds = parseFloat(uptime) - (performance.now() - moment) / 1000;
  return String(Math.max(0, Math.floor(seconds * TICKS) - 2));
}

/** For how long a process has been there, ms, where the system tells when it began. */
export function ageOf({started}: ProcessRecord): number | undefined {
  const uptime = readProc('uptime');
  if (uptime === undefined || started === undefined) return undefined;
  return Math.max(0, Math.round((parseFloat(uptime) - Number(started) / TICKS) * 1000));
}

/** Whether the very process of the record runs (one that only waits to be taken note of by its parent does not). */
export function isRunning({pid, started, boot}: ProcessRecord): boolean {
  if (boot !== bootId()) return false;
  if (!hasProc) return signal(pid, 0);
  const stat = statOf(pid);
  return stat !== undefined && !stat.hasEnded && stat.started === started;
}

let boot: string | undefined;

/** Which boot of which machine this is. */
export function bootId(): string {
  boot ??= existsSync('/proc/sys/kernel/random/boot_id')
    ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    : hostname();
  return boot;
}

export interface Descendant {
  readonly pid: number;
  readonly command: string;
  /** It is the process that a launcher started, and the launcher is there. */
  readonly isMain: boolean;
}

/** Where to look for the descendants of a process. */
export interface DescendantQuery {
  /** They carry this in their environment. */
  readonly tag?: string;
  /** Or they belong to the session of this one, and are neither older than it nor the shell that started it. */
  readonly leader?: ProcessRecord;
  /** Or they are not older than it, and have a file under this folder open for writing. */
  readonly writingTo?: string;
}

/** Living processes of a job, whoever their parent is by now. Zombies are dead. Empty without `/proc`. */
export function descendantsOf({tag, leader, writingTo}: DescendantQuery): Descendant[] {
  if (!hasProc) return [];
  const found: Descendant[] = [];
  const oldest = Number(leader?.started ?? 0);
  const session = leader?.session ?? leader?.pid;
  const young = leader === undefined ? undefined : givenSince(leader);
  for (const name of young ?? readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    // Without a list of those that were given out since, most of what is there is older, and known to be.
    if (young === undefined && startOf(name) < oldest) continue;
    const stat = statOf(pid);
    if (stat === undefined || stat.hasEnded) continue;
    const inSession = leader !== undefined && stat.session === session && pid !== session;
    if (!inSession) {
      const tagged = tagIn(readProc(`${name}/environ`) ?? '');
      if (tag === undefined || tagged !== tag) {
        // What carries the tag of another job of this store belongs to that one.
        if (writingTo === undefined || pid === session || isOfSameStore(tagged, tag)) continue;
        if (!writesUnder(name, writingTo)) continue;
      }
    }
    // The folder of a thread is not listed, but it is there under its number.
    if (young !== undefined && tgidOf(name) !== pid) continue;
    found.push({pid, command: commandOf(name), isMain: stat.parent === stat.session && stat.session !== pid});
  }
  return found;
}

/** The command line of a process, cut to what fits into a message; the name of the program where it has none (any more). */
function commandOf(pid: string): string {
  const words = (readProc(`${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
  return (words === '' ? (readProc(`${pid}/comm`) ?? '').trim() : words).slice(0, 200);
}

/** The tag in an environment as /proc shows it. */
function tagIn(environ: string): string | undefined {
  const start = `\0${environ}`.indexOf(`\0${TAG_VARIABLE}=`);
  if (start < 0) return undefined;
  const from = start + TAG_VARIABLE.length + 1;
  const end = environ.indexOf('\0', from);
  return environ.slice(from, end < 0 ? undefined : end);
}

function isOfSameStore(one: string | undefined, other: string | undefined): boolean {
  const storeOf = (tag: string | undefined): string | undefined => tag?.slice(0, tag.indexOf('/') + 1);
  return one !== undefined && one !== other && storeOf(one) !== '' && storeOf(one) === storeOf(other);
}

/** How /proc says of an open file that it may be written to: the last octal digit of `flags` is O_WRONLY or O_RDWR. */
const WRITABLE = /^flags:\s+\d*[1267]$/m;

/** Whether a process has a file under `folder` open for writing, or mapped so; false of one that is not ours to look into. */
function writesUnder(pid: string, folder: string): boolean {
  const prefix = `${folder}/`;
  for (const fd of listProc(`${pid}/fd`)) {
    if (linkIn(`${pid}/fd/${fd}`)?.startsWith(prefix) !== true) continue;
    if (WRITABLE.test(readProc(`${pid}/fdinfo/${fd}`) ?? '')) return true;
  }
  // `55d0…-55d1… rw-s 00000000 fe:01 131 /…`
  const maps = readProc(`${pid}/maps`) ?? '';
  const mapped = Buffer.from(` ${prefix}`).toString('latin1');
  return maps.includes(mapped) && maps.split('\n').some((line) => /^\S+ .w.s /.test(line) && line.includes(mapped));
}

/** More processes than these a second no core can make. */
const FASTEST = 20_000;
/** From here on it is quicker to go through what is there. */
const MOST_PIDS = 100;

let mostPids: number | undefined;

/**
 * The pid of `leader`, which may be there still, and those that were given out since it started. They are handed out in
 * turn, so all descendants of it are among them. Undefined when it has lived long enough for the numbers to have come round, or they are too many to look at each.
 */
function givenSince({pid, started}: ProcessRecord): string[] | undefined {
  const uptime = readProc('uptime');
  // The last field is the newest pid.
  const newest = Number(readProc('loadavg')?.trim().split(' ').at(-1));
  mostPids ??= Number(readProc('sys/kernel/pid_max'));
  if (uptime === undefined || started === undefined) return undefined;
  // Both are rounded to a hundredth.
  const seconds = parseFloat(uptime) - Number(started) / TICKS + 0.02;
  const inTurn = newest >= pid && newest - pid < MOST_PIDS && seconds * FASTEST * availableParallelism() < mostPids;
  return inTurn ? Array.from({length: newest - pid + 1}, (_, i) => String(pid + i)) : undefined;
}

/** By pid: the inode of its folder under /proc, which another process of the same number does not share, and its start. */
const starts = new Map<string, {readonly inode: number; readonly started: number}>();

/** When a process started, in ticks; Infinity when it is gone. Remembered, as most processes of a machine live long. */
function startOf(pid: string): number {
  const inode = statSync(`/proc/${pid}`, {throwIfNoEntry: false})?.ino;
  if (inode === undefined) return Infinity;
  const known = starts.get(pid);
  if (known?.inode === inode) return known.started;
  const started = Number(statOf(Number(pid))?.started ?? Infinity);
  starts.set(pid, {inode, started});
  return started;
}

/** The process that a thread belongs to, which for its first thread is itself. */
const tgidOf = (pid: string): number => Number(/^Tgid:\s+(\d+)$/m.exec(readProc(`${pid}/status`) ?? '')?.[1]);

/** Sends a signal; false when there is no such process (or group, for a negative pid). */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return false;
    if (code === 'EPERM') return true; // it is there, it only is not ours
    throw error;
  }
}

/** Processor time and peak memory of a process so far. */
export function usageOf(pid: number): Used | undefined {
  const stat = statOf(pid);
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(`${pid}/status`) ?? '')?.[1];
  if (stat === undefined || peak === undefined) return undefined;
  return {user: stat.user / TICKS, system: stat.system / TICKS, memory: Number(peak) * 1024};
}

/** Start of a process in clock ticks since boot, where the system tells. */
export const startedOf = (pid: number): string | undefined => statOf(pid)?.started;

/** Whether the shell that started a job is there still, and not another process under its number. */
export function isLauncherOf({session, launcher, boot}: ProcessRecord): boolean {
  if (session === undefined || boot !== bootId()) return false;
  if (!hasProc) return signal(session, 0);
  const stat = statOf(session);
  if (stat === undefined || stat.hasEnded || stat.session !== session) return false;
  return launcher === undefined ? isLauncher(String(session)) : stat.started === launcher;
}

/** The shell that is at the job of this folder: while it is, that is the folder it is in. */
export function launcherIn(folder: string): number | undefined {
  const here = statSync(folder, {bigint: true, throwIfNoEntry: false});
  if (!hasProc || here === undefined) return undefined;
  const found = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isLauncher(name) && isIn(name, here));
  return found === undefined ? undefined : Number(found);
}

const isLauncher = (pid: string): boolean => (readProc(`${pid}/cmdline`) ?? '').split('\0').includes(LAUNCHER);

/** Whether a process works in one of these folders. */
export function isWorkingIn(pid: number, folders: readonly string[]): boolean {
  return folders.some((folder) => {
    const stat = statSync(folder, {bigint: true, throwIfNoEntry: false});
    return stat !== undefined && isIn(String(pid), stat);
  });
}

function isIn(pid: string, {dev, ino}: BigIntStats): boolean {
  const cwd = unlessGone(() => statSync(`/proc/${pid}/cwd`, {bigint: true}));
  return cwd?.dev === dev && cwd.ino === ino;
}

interface Stat {
  /** It is a zombie, or on its way out of the table. */
  readonly hasEnded: boolean;
  readonly parent: number;
  readonly session: number;
  readonly user: number;
  readonly system: number;
  readonly started: string;
}

function statOf(pid: number): Stat | undefined {
  const text = readProc(`${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field is the command's name in brackets and may hold anything, brackets and blanks included.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => fields[number - 3]!;
  return {
    hasEnded: ['Z', 'X'].includes(field(3)),
    parent: Number(field(4)),
    session: Number(field(6)),
    user: Number(field(14)),
    system: Number(field(15)),
    started: field(22),
  };
}

const buffer = Buffer.allocUnsafe(1 << 16);

/**
 * A file of /proc, or `undefined` when the process is gone or not ours to look into. Hundreds of them are read after an
 * attempt, so they share one buffer; `readFileSync` would take a new one for each, as such files tell no size.
 */
function readProc(path: string): string | undefined {
  return unlessGone(() => {
    const fd = openSync(`/proc/${path}`, 'r');
    try {
      let text = '';
      for (;;) {
        const got = readSync(fd, buffer, 0, buffer.length, -1);
        if (got === 0) return text;
        text += buffer.toString('latin1', 0, got);
      }
    } finally {
      closeSync(fd);
    }
  });
}

const listProc = (path: string): readonly string[] => unlessGone(() => readdirSync(`/proc/${path}`)) ?? [];

const linkIn = (path: string): string | undefined => unlessGone(() => readlinkSync(`/proc/${path}`));

function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}
