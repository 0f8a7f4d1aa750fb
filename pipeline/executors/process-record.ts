/** `process.json` in a job folder: what this machine notes of a job's process, to know it again after its runner is gone. */
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {MOST_RECORD, readJson} from '../job/folder.js';
import type {KillCount} from './memory-kills.js';

export interface ProcessRecord {
  readonly pid: number;
  /** Start of the process in clock ticks since boot, where the system tells: a pid alone may have been given anew. */
  readonly started?: string;
  /** Which boot of which machine it runs in. */
  readonly boot: string;
  /** Of the shell that started it, which is also the number of their process group. */
  readonly session?: number;
  /** Start of that shell, as above. */
  readonly launcher?: string;
  /** What the kernel had killed for lack of memory when it was written. */
  readonly kills?: KillCount;
}

export const processFile = (folder: string): string => join(folder, 'process.json');

/**
 * In place: a runner that is killed while it writes leaves a file that holds no record, and whoever reads it knows what to do without.
 *
 * @throws Error of the file system
 */
export const writeProcess = (folder: string, record: ProcessRecord): void =>
  writeFileSync(processFile(folder), JSON.stringify(record));

/** Reads it; `undefined` when the runner was killed before it wrote one. */
export function readProcess(folder: string): ProcessRecord | undefined {
  const read = readJson(processFile(folder), MOST_RECORD);
  if (!read.ok) return undefined;
  const record = read.value as Partial<ProcessRecord> | null;
  if (typeof record?.pid !== 'number' || typeof record.boot !== 'string') return undefined;
  const {kills, ...rest} = record;
  return {...(rest as ProcessRecord), ...(isKillCount(kills) ? {kills} : {})};
}

function isKillCount(value: unknown): value is KillCount {
  const {group, machine = 0} = Object(value) as Readonly<Record<string, unknown>>;
  const {file, kills} = Object(group ?? {file: '', kills: 0}) as Readonly<Record<string, unknown>>;
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof machine === 'number' &&
    typeof file === 'string' &&
    typeof kills === 'number'
  );
}
