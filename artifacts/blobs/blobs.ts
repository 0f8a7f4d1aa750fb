/**
 * Bytes by their SHA-256. A blob appears whole or not at all: a temporary file is filled, brought to the disk, renamed,
 * and the folder brought to the disk; only then may a row point at it. Knows files and digests, not artifacts.
 */
import {createHash, randomUUID} from 'node:crypto';
import {join} from 'node:path';
import {setImmediate as breathe} from 'node:timers/promises';
import {asDigest, sha256 as hashBytes} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError, codeOf} from '../error.js';
import {setAside} from '../folder/discard.js';
import type {FileStat, Files} from '../files.js';
import {SMALL, hashAll, hashFile} from './hash.js';
import {lookAt} from './in-place.js';
import type {InPlace} from './in-place.js';
import {throwIfInterrupted} from './interruption.js';
import {blobPath, shardOf} from '../layout.js';
import type {Layout} from '../layout.js';
import {inParallel} from './in-parallel.js';
import type {Quarantine} from './quarantine.js';
import {untilPastTick} from './stat-cache.js';
import type {Known, StatCache} from './stat-cache.js';
import type {Found} from './list-files.js';

/** What a file system answers where a hard link cannot be made; the bytes are copied then. */
const NO_LINK = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** Files that are brought to the disk or copied at the same time; libuv has four threads for it. */
const AT_ONCE = 8;

export interface BlobContext {
  readonly layout: Layout;
  readonly files: Files;
  readonly cache: StatCache;
  readonly quarantine: Quarantine;
  /** Nothing is changed, not even what is found damaged. */
  readonly readonly: boolean;
}

/** What a file cannot be read for, whoever tries: it counts as damaged, and is made again from elsewhere. */
const UNREADABLE = new Set(['EACCES', 'EPERM', 'EIO']);

/** Size, stamps and inode are as they were: nobody has written to the file in between. */
export function isUnchanged(before: FileStat, now: FileStat | undefined): boolean {
  return (
    now?.ino === before.ino &&
    now.dev === before.dev &&
    now.bytes === before.bytes &&
    now.mtimeNs === before.mtimeNs &&
    now.ctimeNs === before.ctimeNs
  );
}

/** By size only. */
export const isWhole = (
  {files, layout}: Pick<BlobContext, 'files' | 'layout'>,
  sha256: Digest,
  bytes: number,
): boolean => files.sizeOf(blobPath(layout, sha256)) === bytes;

/** Blobs that were put in their places, and what their files were like when they were hashed, where they are the same. */
type Placings = Map<Digest, FileStat | undefined>;

export class Blobs {
  readonly #context: BlobContext;
  /** Set once the file system has said that it has no reflinks, so that it is not asked for every file. */
  #hasClones = true;
  /** Shards whose own names have been brought to the disk, by this process. */
  readonly #shards = new Set<string>();
  /** Large files that became blobs here, and their sizes. */
  readonly #large = new Map<Digest, number>();
  /** Shards that were seen to be folders. */
  readonly #folders = new Set<string>();

  constructor(context: BlobContext) {
    this.#context = context;
  }

  path(sha256: Digest): string {
    return blobPath(this.#context.layout, sha256);
  }

  /** By size only, and not in quarantine. */
  isPresent(sha256: Digest, bytes: number): boolean {
    return this.isWhole(sha256, bytes) && !this.#context.quarantine.has(sha256);
  }

  /** By size only, for who knows of the quarantine already. */
  isWhole(sha256: Digest, bytes: number): boolean {
    return isWhole(this.#context, sha256, bytes);
  }

  look(sha256: Digest): InPlace {
    return lookAt(sha256, this.#context, this.#folders);
  }

  /** Puts what is no blob out of use: it is renamed away and kept. Says where it is now; undefined for a reader. */
  setAside(path: string): string | undefined {
    const {layout, files, readonly} = this.#context;
    return readonly ? undefined : setAside(layout, files, path);
  }

  /**
   * Looks closely: reads the blob unless its stat can be believed. A damaged one is quarantined, one that was repaired is freed, and
   * what is no file is put out of the way.
   */
  async check(sha256: Digest, bytes: number): Promise<'intact' | 'missing' | 'damaged'> {
    const {files, cache, quarantine} = this.#context;
    const path = this.path(sha256);
    const found = this.look(sha256);
    if (found.is === 'nothing') return 'missing';
    if (found.is === 'other') {
      this.setAside(found.path);
      return 'missing';
    }
    const {stat} = found;
    if (stat.bytes === bytes && cache.lookup(stat) === sha256 && !quarantine.has(sha256)) return 'intact';
    const seenAt = Date.now();
    let now: Digest | undefined;
    try {
      if (stat.bytes === bytes) now = await hashFile(files, {path, bytes});
    } catch (error) {
      if (!UNREADABLE.has(codeOf(error) ?? '')) throw error;
      quarantine.add(sha256, `it cannot be read: ${(error as Error).message}`);
      return 'damaged';
    }
    if (now === sha256) {
      if (isUnchanged(stat, files.stat(path))) cache.remember([{stat, sha256, seenAt}]);
      quarantine.lift(sha256);
      return 'intact';
    }
    quarantine.add(
      sha256,
      stat.bytes === bytes ? 'other bytes than its name says' : `${stat.bytes} bytes instead of ${bytes}`,
    );
    return 'damaged';
  }

  /**
   * Stores files durably and returns their digests, in the same order. With `own`, nobody else writes to the files: large
   * ones become blobs by a reflink or a hard link (and read-only) where the file system allows it. A blob that is there
   * already is kept if it is intact, and replaced if it is damaged.
   */
  async put(found: readonly Found[], own: boolean): Promise<readonly Digest[]> {
    const {files, layout} = this.#context;
    const placed: Placings = new Map();
    const digests = own ? await this.#putOwn(found, placed) : await this.#putForeign(found, placed);
    // Also where a blob was there before: its writer may not have got as far as this.
    const shards = new Set(digests.map((digest) => shardOf(layout, digest)));
    const unsure = [...shards].filter((shard) => !this.#shards.has(shard));
    await inParallel([...shards, ...(unsure.length === 0 ? [] : [layout.blobs])], AT_ONCE, (folder) =>
      files.sync(folder),
    );
    for (const shard of unsure) this.#shards.add(shard);
    await this.vouch(
      [...placed].map(([sha256, before]) => ({
        path: this.path(sha256),
        sha256,
        ...(before === undefined ? {} : {before}),
      })),
    );
    return digests;
  }

  async #putOwn(found: readonly Found[], placed: Placings): Promise<readonly Digest[]> {
    const digests = new Array<Digest>(found.length);
    const list = found.map((file, index) => ({...file, index}));
    await this.#putSmall(
      list.filter(({stat}) => stat.bytes <= SMALL),
      digests,
      placed,
    );
    await this.#putLarge(
      list.filter(({stat}) => stat.bytes > SMALL),
      digests,
      placed,
    );
    return digests;
  }

  /**
   * A copy, of the bytes that were hashed: a process that hid itself well enough to outlive its stage may still hold the
   * file open and write to it. It costs nothing, since the copy is brought to the disk in the place of the original.
   */
  async #putSmall(list: readonly (Found & {index: number})[], digests: Digest[], placed: Placings): Promise<void> {
    const {files} = this.#context;
    let sinceBreath = 0;
    await inParallel(list, AT_ONCE, async ({from, stat, index}) => {
      sinceBreath += stat.bytes + 4096;
      if (sinceBreath > 8 * SMALL) {
        sinceBreath = 0;
        await breathe();
      }
      throwIfInterrupted(files.interruption);
      const bytes = files.readSmall(from);
      this.refuseChange(from, stat);
      const sha256 = hashBytes(bytes);
      digests[index] = sha256;
      if (placed.has(sha256) || (await this.check(sha256, bytes.length)) === 'intact') return;
      await this.#withTemporary(async (temporary) => {
        files.writeSmall(temporary, bytes);
        await files.sync(temporary);
        this.#place(temporary, sha256, placed);
      });
    });
  }

  async #putLarge(list: readonly (Found & {index: number})[], digests: Digest[], placed: Placings): Promise<void> {
    const {files} = this.#context;
    const synced = inParallel(list, AT_ONCE, async ({from}) => {
      throwIfInterrupted(files.interruption);
      await files.sync(from);
    });
    synced.catch(() => undefined); // Waited for below, also when hashing fails first.
    const hashed = await hashAll(
      files,
      list.map(({from, stat}) => ({path: from, bytes: stat.bytes})),
    );
    await synced;
    for (const {from, stat} of list) this.refuseChange(from, stat);
    for (const [at, {from, stat, executable, index}] of list.entries()) {
      const sha256 = hashed[at]!;
      digests[index] = sha256;
      if (placed.has(sha256) || (await this.check(sha256, stat.bytes)) === 'intact') continue;
      this.#large.set(sha256, stat.bytes);
      await this.#withTemporary(async (temporary) => {
        if (!this.clone(from, temporary)) {
          // With other links to it, somebody out there could write to the blob. And a blob cannot be executed: whoever has to
          // store the same output again, since this process died on the way, would find that the output cannot either.
          if (stat.links === 1 && !executable && this.link(from, temporary)) {
            // Only what has not been written to since it was hashed is vouched for.
            this.#place(temporary, sha256, placed, stat);
            return;
          }
          await this.#copy(from, temporary, sha256);
        }
        await files.sync(temporary);
        this.#place(temporary, sha256, placed);
      });
    }
  }

  /**
   * Looks again at the large files that were stored here as they lay, and puts those out of use that somebody has written to
   * since. Reads only what a stat cannot vouch for.
   */
  async changedSince(): Promise<readonly Digest[]> {
    const changedError: Digest[] = [];
    for (const [sha256, bytes] of this.#large)
      if ((await this.check(sha256, bytes)) === 'damaged') changedError.push(sha256);
    this.#large.clear();
    return changedError;
  }

  async #putForeign(found: readonly Found[], placed: Placings): Promise<readonly Digest[]> {
    const {files, cache} = this.#context;
    const digests = new Array<Digest>(found.length);
    const known: Known[] = [];
    await inParallel([...found.entries()], AT_ONCE, async ([index, {from, stat}]) => {
      const cached = cache.lookup(stat);
      if (cached !== undefined && (await this.check(cached, stat.bytes)) === 'intact') {
        digests[index] = cached;
        return;
      }
      const seenAt = Date.now();
      await this.#withTemporary(async (temporary) => {
        const sha256 = await this.#fill(temporary, from, stat);
        this.refuseChange(from, stat);
        digests[index] = sha256;
        known.push({stat, sha256, seenAt});
        if (placed.has(sha256) || (await this.check(sha256, stat.bytes)) === 'intact') return;
        await files.sync(temporary);
        this.#place(temporary, sha256, placed);
      });
    });
    cache.remember(known);
    return digests;
  }

  /** Copies `from` into `temporary` and returns the digest of what arrived there. */
  async #fill(temporary: string, from: string, stat: FileStat): Promise<Digest> {
    const {files} = this.#context;
    if (stat.bytes <= SMALL) {
      const bytes = files.readSmall(from);
      files.writeSmall(temporary, bytes);
      return hashBytes(bytes);
    }
    if (this.clone(from, temporary)) return hashFile(files, {path: temporary, bytes: stat.bytes});
    const hash = createHash('sha256');
    await files.copy(from, temporary, (chunk) => hash.update(chunk));
    return asDigest(hash.digest('hex'));
  }

  async #copy(from: string, temporary: string, expected: Digest): Promise<void> {
    const hash = createHash('sha256');
    await this.#context.files.copy(from, temporary, (chunk) => hash.update(chunk));
    if (hash.digest('hex') !== expected) throw changedWhileRead(from);
  }

  /** A copy that shares its blocks; false where the file system cannot. */
  clone(from: string, to: string): boolean {
    this.#hasClones &&= this.#context.files.clone(from, to);
    return this.#hasClones;
  }

  /** A hard link; false where the file system cannot. */
  link(from: string, to: string): boolean {
    try {
      this.#context.files.link(from, to);
      return true;
    } catch (error) {
      if (NO_LINK.has(codeOf(error) ?? '')) return false;
      throw error;
    }
  }

  /**
   * Tells the stat cache about large files that we have just written or linked ourselves; without it they would be read
   * again as soon as they are used. Waits out the clock tick of the last change, or the cache could not believe it.
   * `before` is the stat of a blob whose link count has changed since: it must be the same file with the same bytes.
   */
  async vouch(
    list: readonly {readonly path: string; readonly sha256: Digest; readonly before?: FileStat}[],
  ): Promise<void> {
    const {files, cache} = this.#context;
    const large = list.filter(({path}) => (files.stat(path)?.bytes ?? 0) > SMALL);
    const stats = large.flatMap(({path}) => files.stat(path) ?? []);
    if (stats.length === 0) return;
    await untilPastTick(stats.reduce((newest, stat) => (stat.ctimeNs > newest.ctimeNs ? stat : newest)));
    const seenAt = Date.now();
    const known = large.flatMap(({path, sha256, before}): Known[] => {
      const stat = files.stat(path);
      if (stat === undefined) return [];
      return before === undefined || isUnchanged({...before, ctimeNs: stat.ctimeNs}, stat)
        ? [{stat, sha256, seenAt}]
        : [];
    });
    cache.remember(known);
  }

  /** Throws UserError 'changed-while-read'. */
  refuseChange(path: string, before: FileStat): void {
    // The walk may have followed a link, so this does too.
    if (!isUnchanged(before, this.#context.files.statFollowed(path))) throw changedWhileRead(path);
  }

  #place(temporary: string, sha256: Digest, placed: Placings, before?: FileStat): void {
    const {files, layout, quarantine} = this.#context;
    files.setMode(temporary, 0o444);
    const shard = shardOf(layout, sha256);
    if (!this.#shards.has(shard)) files.makeFolder(shard);
    files.rename(temporary, this.path(sha256));
    quarantine.lift(sha256);
    placed.set(sha256, before);
  }

  async #withTemporary(work: (path: string) => Promise<void>): Promise<void> {
    const {files, layout} = this.#context;
    const path = join(layout.tmp, randomUUID());
    try {
      await work(path);
    } finally {
      // Still there after an error, or when the blob turned out to exist already.
      files.remove(path);
    }
  }
}

function changedWhileRead(path: string): UserError {
  return new UserError('changed-while-read', `${path} changed while it was being read`, {
    hint: 'wait until nobody writes to it any more and run it again',
  });
}
