/** `gpus.json` in a job folder: the devices that the job holds. Whoever adopts the job knows by it that they are taken. */
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {MOST_RECORD, readJson} from '../job/folder.js';

export interface GpuRecord {
  readonly version: 1;
  readonly gpus: readonly {
    /** What the job calls it: its word in `CUDA_VISIBLE_DEVICES`. */
    readonly visible: string;
    /** Its UUID, or its number where no more is known. */
    readonly id: string;
    /** The file of its lock; left out where nothing but the runner's own count holds it. */
    readonly lock?: string;
  }[];
}

export const gpuFile = (folder: string): string => join(folder, 'gpus.json');

export const writeGpus = (folder: string, record: GpuRecord): void =>
  writeFileSync(gpuFile(folder), JSON.stringify(record));

/** `undefined` for a job that holds none. */
export function readGpus(folder: string): GpuRecord | undefined {
  const read = readJson(gpuFile(folder), MOST_RECORD);
  if (!read.ok) return undefined;
  const record = read.value as Partial<GpuRecord> | null;
  const gpus: unknown = record?.gpus;
  const isWhole =
    Array.isArray(gpus) && gpus.every((gpu: Partial<GpuRecord['gpus'][number]> | null) => typeof gpu?.id === 'string');
  return isWhole ? (record as GpuRecord) : undefined;
}
