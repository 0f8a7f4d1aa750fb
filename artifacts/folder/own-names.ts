/**
 * What lies in a store, and whose it is. Nobody but r1 should put anything there, but people do, and stores of 0.1 could be
 * made in a folder that was in use: so only what bears a name, or a record, that r1 itself has given is ever removed.
 */
import {join, sep} from 'node:path';
import {isDiscarded} from './discard.js';
import type {Files} from '../files.js';
import {LOST_AND_FOUND, STORE_NAMES} from '../layout.js';
import type {Layout} from '../layout.js';
import {isScratch} from './scratch.js';

/** Written by whoever lays a job; it holds the name of the store. */
const JOB_RECORD = 'job.json';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const SHARD = /^[0-9a-f]{2}$/;
const JOB = /^[1-9]\d{0,14}$/;
const LOCK = /^(?:run-\d+|collector|scratch-[0-9a-f-]{36})\.lock(?:-journal)?$/;
/** What `reproduce` of 0.1 made. */
const OLD_SCRATCH = /^reproduce-\d+-[A-Za-z0-9]{6}$/;
/** A scratch folder of 0.1 says nothing of its owner; one that has rested for so long has none. */
const OLD_SCRATCH_RESTS_MS = 24 * 3_600_000;

export interface OwnNames {
  /** Names in tmp/ that a crash may have left: half-written files, and scratch folders. */
  temporaries(): {
    readonly files: readonly string[];
    readonly scratch: readonly string[];
    readonly old: readonly string[];
  };
  /** Names in trash/: condemned blobs, and trees. */
  trash(): {readonly blobs: readonly string[]; readonly trees: readonly string[]};
  /** Numbers that folders in jobs/ have, in order; whether they belong to this store is another question. */
  jobs(): readonly number[];
  /** Whether a job folder belongs to this store: it is empty, or its `job.json` names the store. */
  ownsJob(folder: string): boolean;
  /** Marks a job folder, which is empty, as one of this store; whoever lays the job writes the record anew. */
  claimJob(folder: string): void;
  /** False for what lies in a folder below jobs/ that is not r1's. */
  mayRemove(path: string): boolean;
  /** Every file in the place of a blob, of whatever kind. */
  blobs(): Generator<{readonly sha256: string; readonly path: string}>;
  /** What is not r1’s, as paths below the store. */
  foreign(): readonly string[];
}

export function openOwnNames(layout: Layout, files: Files, storeId: string): OwnNames {
  const namesIn = (folder: string): readonly string[] =>
    files.statFollowed(folder)?.kind === 'folder' ? files.list(folder) : [];
  const kindOf = (...path: readonly string[]) => files.stat(join(...path))?.kind;

  const ownsJob = (folder: string): boolean => {
    if (files.stat(folder)?.kind !== 'folder') return false;
    const record = files.sizeOf(join(folder, JOB_RECORD));
    if (record === undefined) return files.list(folder).length === 0;
    const text = Buffer.from(files.readRange(join(folder, JOB_RECORD), 0, 1 << 16)).toString();
    // A power cut may have left it without its bytes.
    return text.includes(storeId) || /^\0*$/.test(text);
  };

  /** Those that this process has made or looked at. */
  const known = new Set<string>();
  const jobs = layout.jobs + sep;

  const isOldScratch = (name: string): boolean => {
    const folder = join(layout.tmp, name);
    if (!OLD_SCRATCH.test(name) || !ownsJob(folder)) return false;
    const changed = Number((files.stat(folder)?.mtimeNs ?? 0n) / 1_000_000n);
    return Date.now() - changed > OLD_SCRATCH_RESTS_MS;
  };

  return {
    temporaries() {
      const names = namesIn(layout.tmp);
      return {
        files: names.filter((name) => UUID.test(name) && kindOf(layout.tmp, name) === 'file'),
        scratch: names.filter((name) => isScratch(name) && kindOf(layout.tmp, name) === 'folder'),
        old: names.filter(isOldScratch),
      };
    },
    trash() {
      const names = namesIn(layout.trash);
      return {
        blobs: names.filter((name) => SHA256.test(name) && kindOf(layout.trash, name) === 'file'),
        trees: names.filter((name) => isDiscarded(name)),
      };
    },
    jobs: () =>
      namesIn(layout.jobs)
        .filter((name) => JOB.test(name))
        .map(Number)
        .sort((a, b) => a - b),
    ownsJob,
    claimJob(folder) {
      files.writeSmall(join(folder, JOB_RECORD), new Uint8Array());
      known.add(folder);
    },
    mayRemove(path) {
      if (!path.startsWith(jobs)) return true;
      const folder = jobs + path.slice(jobs.length).split(sep, 1)[0]!;
      if (known.has(folder) || files.stat(folder) === undefined) return true;
      if (!ownsJob(folder)) return false;
      known.add(folder);
      return true;
    },
    *blobs() {
      for (const shard of namesIn(layout.blobs)) {
        if (!SHARD.test(shard) || kindOf(layout.blobs, shard) !== 'folder') continue;
        for (const name of namesIn(join(layout.blobs, shard)))
          if (SHA256.test(name) && name.startsWith(shard)) yield {sha256: name, path: join(layout.blobs, shard, name)};
      }
    },
    foreign() {
      const found: string[] = [];
      const look = (folder: string, isOurs: (name: string) => boolean): void => {
        for (const name of namesIn(join(layout.folder, folder)))
          if (!isOurs(name)) found.push(folder === '' ? name : `${folder}/${name}`);
      };
      look('', (name) => STORE_NAMES.has(name) || name === LOST_AND_FOUND);
      look('tmp', (name) =>
        kindOf(layout.tmp, name) === 'folder' ? isScratch(name) || OLD_SCRATCH.test(name) : UUID.test(name),
      );
      look('trash', (name) => SHA256.test(name) || isDiscarded(name));
      look('locks', (name) => LOCK.test(name));
      look('jobs', (name) => JOB.test(name) && ownsJob(join(layout.jobs, name)));
      look('set-aside', () => false);
      look('reserve', (name) => /^\d$/.test(name));
      look('blobs', (name) => name === 'sha256');
      look('blobs/sha256', (name) => SHARD.test(name));
      for (const shard of namesIn(layout.blobs).filter((name) => SHARD.test(name)))
        look(`blobs/sha256/${shard}`, (name) => SHA256.test(name) && name.startsWith(shard));
      return found;
    },
  };
}
