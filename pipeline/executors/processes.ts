/**
 * What the system tells of processes, by `/proc`. Where there is none (macOS), a process is only known by its pid and
 * group, and descendants that left the group cannot be found.
 */
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {hostname} from 'node:os';
import type {ProcessRecord} from '../jobfolder.js';
import type {Used} from './executor.js';

export const TAG_VARIABLE = 'R1_ATTEMPT';

export const hasProc = existsSync('/proc/self/stat');

/** Clock ticks a second in `/proc/*\/stat`; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** Identifies `pid` beyond the reuse of its number. */
export function processRecord(pid: number): ProcessRecord {
  const started = statOf(pid)?.started;
  return {pid, boot: bootId(), ...(started === undefined ? {} : {started})};
}

/** Whether the very process of the record runs (a zombie does not). */
export function isRunning({pid, started, boot}: ProcessRecord): boolean {
  if (boot !== bootId()) return false;
  if (!hasProc) return signal(pid, 0);
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.started === started;
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
}

/**
 * Living processes that carry `tag` in their environment, or belong to the session `session`, whoever their parent is by
 * now. Zombies are dead. Empty without `/proc`.
 */
export function tagged(tag: string, session?: number): Descendant[] {
  if (!hasProc) return [];
  const found: Descendant[] = [];
  const wanted = `${TAG_VARIABLE}=${tag}\0`;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const environment = readProc(`${name}/environ`);
    const inTag = environment !== undefined && `${environment}\0`.includes(wanted);
    if (!inTag && session === undefined) continue;
    const stat = statOf(pid);
    if (stat === undefined || stat.state === 'Z' || (!inTag && stat.session !== session)) continue;
    found.push({pid, command: (readProc(`${name}/cmdline`) ?? '').replaceAll('\0', ' ').trim().slice(0, 200)});
  }
  return found;
}

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

interface Stat {
  readonly state: string;
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
    state: field(3),
    session: Number(field(6)),
    user: Number(field(14)),
    system: Number(field(15)),
    started: field(22),
  };
}

/** A file of /proc, or `undefined` when the process is gone or not ours to look into. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}
