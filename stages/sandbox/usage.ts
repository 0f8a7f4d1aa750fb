/** What a process and its descendants use, as /proc tells it, for limits that the kernel only knows for one process. */
import {readFileSync} from 'node:fs';

export interface Usage {
  /** Processor time of all, that of children which have ended and were waited for included. */
  readonly cpuSeconds: number;
  /** Resident memory of all; pages that two of them share count twice. */
  readonly memoryBytes: number;
  /** Whether one of them computes, or would if it were its turn. */
  readonly isRunning: boolean;
}

/** Ticks a second of the times in /proc: USER_HZ, which is 100 wherever Node runs on Linux. */
const TICKS = 100;
const PAGE = 4096;

/** `undefined` where the process is gone. */
export function usageOf(pid: number): Usage | undefined {
  const fields = statOf(pid);
  if (fields === undefined) return undefined;
  // Fields of proc_pid_stat(5), counted from the state, which is 0: 11–14 are utime, stime, cutime and cstime, 21 is rss.
  const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0);
  let cpuSeconds = ticks / TICKS;
  let memoryBytes = Number(fields[21]) * PAGE;
  let isRunning = fields[0] === 'R' || fields[0] === 'D';
  for (const child of childrenOf(pid)) {
    const its = usageOf(child);
    if (its === undefined) continue;
    cpuSeconds += its.cpuSeconds;
    memoryBytes += its.memoryBytes;
    isRunning ||= its.isRunning;
  }
  return {cpuSeconds, memoryBytes, isRunning};
}

function statOf(pid: number): readonly string[] | undefined {
  const text = readGone(`/proc/${pid}/stat`);
  // The name stands in parentheses and may hold anything.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

const childrenOf = (pid: number): number[] =>
  (readGone(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number);

/** A file of /proc; `undefined` where its process is gone or, for `children`, the kernel was built without it. */
function readGone(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
