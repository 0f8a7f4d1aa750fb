/**
 * Whether it was the kernel that killed a process, for lack of memory. Nothing tells of a single process; but the kernel counts
 * those that it has ended for it, in each control group and on the machine. So a number from before is compared with the one after.
 */
import {readFileSync} from 'node:fs';
import {totalmem} from 'node:os';
import {dirname} from 'node:path';
import type {LackOfMemory} from '../outcome.js';

/** Processes that the kernel had ended for lack of memory at some time. */
export interface KillCount {
  /** In the control group that a process belongs to, known by the file that says so. */
  readonly group?: {readonly file: string; readonly kills: number};
  readonly machine?: number;
}

/** @param root where the system's files are; elsewhere in tests */
export const killCount = (pid: number | 'self', root = ''): KillCount => counted(groupOf(pid, root), root);

function counted(group: KillCount['group'], root: string): KillCount {
  const machine = numberIn(`${root}/proc/vmstat`, KILLS);
  return {...(group === undefined ? {} : {group}), ...(machine === undefined ? {} : {machine})};
}

/** What a record says, as far as `now` can be compared with it: a record may name any file, which then is not opened. */
function comparable(record: KillCount, now: KillCount): KillCount {
  const {group, machine} = record;
  return {
    ...(group === undefined || group.file !== now.group?.file ? {} : {group}),
    ...(machine === undefined ? {} : {machine}),
  };
}

/** What has happened since; undefined where the system does not tell. */
export function lackSince(before: KillCount, root = ''): LackOfMemory | undefined {
  const now = counted(before.group === undefined ? undefined : groupIn(before.group.file), root);
  const [own, some] = [grown(before.group?.kills, now.group?.kills), grown(before.machine, now.machine)];
  if (own === true) return {ended: 'own', ...memoryOf(now.group?.file, root)};
  // Also where its own group counts none: a program may have handed its work on, as to a container.
  if (some === true) return {ended: 'some', ...memoryOf(now.group?.file, root)};
  return (own ?? some) === undefined ? undefined : {ended: 'none'};
}

/**
 * The same of a process that is gone, by what whoever started it wrote down: it may have gone on for long before it ended, so
 * nothing is certain of what was killed since.
 */
export function lackSinceRecord(record: KillCount, root = ''): LackOfMemory | undefined {
  const lack = lackSince(comparable(record, killCount('self', root)), root);
  return lack?.ended === 'own' ? {...lack, ended: 'some'} : lack;
}

const grown = (before: number | undefined, now: number | undefined): boolean | undefined =>
  before === undefined || now === undefined ? undefined : now > before;

/** Between two looks, ms. */
const SELDOM = 30_000;

/**
 * The numbers from the time in which a process began, moved up as it goes on: what was killed beside it on its first day says
 * nothing about how it ended on its third.
 */
export class MemoryWatch {
  /** Counted last but one. Not last: the kernel counts first, and what has many gigabytes is there for a while afterwards. */
  #before: KillCount;
  #last: KillCount;
  #at: number;
  readonly #pid: number;
  readonly #options: {readonly root: string; readonly clock: () => number};

  /** @param earlier what was counted before, by whoever started the process */
  constructor(
    pid: number,
    {
      earlier,
      root = '',
      clock = () => performance.now(),
    }: {earlier?: KillCount | undefined; root?: string; clock?: () => number} = {},
  ) {
    this.#pid = pid;
    this.#options = {root, clock};
    this.#last = killCount(pid, root);
    this.#before = earlier === undefined ? this.#last : comparable(earlier, this.#last);
    this.#at = clock();
  }

  get count(): KillCount {
    return this.#last;
  }

  /** Called often as long as the process is there; reads seldom. */
  look(): void {
    const {root, clock} = this.#options;
    if (clock() - this.#at < SELDOM) return;
    this.#before = this.#last;
    this.#last = killCount(this.#pid, root);
    this.#at = clock();
  }

  /** What was lacking when it ended. */
  lack(): LackOfMemory | undefined {
    return lackSince(this.#before, this.#options.root);
  }
}

/** A line of `memory.events`, `memory.oom_control` and `vmstat` alike. */
const KILLS = /^oom_kill (\d+)$/m;

/** Where control groups are mounted does not change while a process runs, and to read it takes as long as all else. */
const mounts = new Map<string, string>();

function mountsOf(root: string): string {
  const known = mounts.get(root) ?? read(`${root}/proc/self/mountinfo`) ?? '';
  mounts.set(root, known);
  return known;
}

function groupIn(file: string): KillCount['group'] {
  const kills = numberIn(file, KILLS);
  return kills === undefined ? undefined : {file, kills};
}

/**
 * What counts for the control group of a process: `memory.events` of version 2, `memory.oom_control` of version 1. The group of
 * all, which is none, has no such file in version 2.
 */
function groupOf(pid: number | 'self', root: string): KillCount['group'] {
  for (const line of (read(`${root}/proc/${pid}/cgroup`) ?? '').split('\n')) {
    // `0::/user.slice` in version 2, `4:memory:/user.slice` in version 1, where memory may be counted by either.
    const [, number, controllers = '', path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const isSecond = number === '0' && controllers === '';
    if (path === undefined || !(isSecond || controllers.split(',').includes('memory'))) continue;
    const place = placeOf(mountsOf(root), path, isSecond);
    const found = groupIn(`${root}${place}/${isSecond ? 'memory.events' : 'memory.oom_control'}`);
    if (place !== undefined && found !== undefined) return found;
  }
  return undefined;
}

/** Where a control group is to be seen: a container sees only those below its own. */
function placeOf(mountinfo: string, path: string, isSecond: boolean): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , top = '', point = ''] = left.split(' ');
    const [type, , options = ''] = right.split(' ');
    if (isSecond ? type !== 'cgroup2' : type !== 'cgroup' || !options.split(',').includes('memory')) continue;
    const below = top === '/' ? path : path === top || path.startsWith(`${top}/`) ? path.slice(top.length) : path;
    return `${point}${below === '/' ? '' : below}`;
  }
  return undefined;
}

/** What there is of memory: in the narrowest group around that of a file, or else in the machine. */
function memoryOf(file: string | undefined, root: string): Pick<LackOfMemory, 'bytes' | 'of'> {
  const all = (numberIn(`${root}/proc/meminfo`, /^MemTotal: +(\d+) kB$/m) ?? totalmem() / 1024) * 1024;
  let limit = Infinity;
  for (let folder = dirname(file ?? '/'); folder !== dirname(folder); folder = dirname(folder)) {
    const own = numberIn(`${folder}/memory.max`, /^(\d+)$/m) ?? numberIn(`${folder}/memory.limit_in_bytes`, /^(\d+)$/m);
    limit = Math.min(limit, own ?? Infinity);
  }
  return limit < all ? {bytes: limit, of: 'group'} : {bytes: all, of: 'machine'};
}

function numberIn(file: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(read(file) ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Whatever a system does not have, or does not show, is not known. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
