/** Processes that a process has started, and those that they have started, as `/proc` has them. */
import {readFileSync, readdirSync} from 'node:fs';

export interface Descendant {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Those that are there now, children before their children. Zombies are dead. */
export function descendantsOf(pid: number): Descendant[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processOf(Number(name)) ?? []);
  const below = (parent: number): Descendant[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  return below(pid);
}

export const isAlive = (pid: number): boolean => processOf(pid) !== undefined;

function processOf(pid: number): Descendant | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    return {pid, parent: Number(parent), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')};
  } catch {
    return undefined; // It has ended meanwhile.
  }
}
