/**
 * Bytes by their SHA-256. A blob appears whole or not at all: a temporary file is filled, brought to the disk, renamed,
 * and the folder brought to the disk; only then may a row point at it. Knows files and digests, not artifacts.
 */
import {createHash, randomUUID} from 'node:crypto';
import {join} from 'node:path';
import {asDigest, sha256 as hashBytes} from './digest.js';
import type {Digest} from './digest.js';
import {UserError, codeOf} from './error.js';
import {setAside} from './discard.js';
import type {EntryKind, FileStat, Files} from './files.js';
import {SMALL, hashAll, hashFile} from './hash.js';
import {throwIfInterrupted} from './interruption.js';
import {blobPath, shardOf} from './layout.js';
import type {Layout} from './layout.js';
import {inParallel} from './parallel.js';
import type {Quarantine} from './quarantine.js';
import {untilSettled} from './stat-cache.js';
import type {Known, StatCache} from './stat-cache.js';
import type {Found} from './walk.js';

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

/** What lies in the place of a blob. */
export type InPlace =
  | {readonly is: 'file'; readonly stat: FileStat}
  | {readonly is: 'nothing'}
  /** Something that is no blob; `because` says what it is. It, or the folder above it, is at `path`. */
  | {readonly is: 'other'; readonly path: string; readonly because: string};

const NAMES_OF_KINDS: Readonly<Record<Exclude<EntryKind, 'file'>, string>> = {
  folder: 'a folder',
  link: 'a symbolic link',
  special: 'something that is neither a file nor a folder',
};

/** What a file cannot be read for, whoever tries: it is as good as damaged, and made again from elsewhere. */
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

export class Blobs {
  readonly #context: BlobContext;
  /** Set once the file system has said that it has no reflinks, so that it is not asked for every file. */
  #hasClones = true;
  /** Shards whose own names have been brought to the disk, by this process. */
  readonly #shards = new Set<string>();
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

  /** Opens nothing: to open a pipe would wait for whoever writes to it. */
  look(sha256: Digest): InPlace {
    const {files, layout} = this.#context;
    const path = this.path(sha256);
    const shard = shardOf(layout, sha256);
    if (!this.#folders.has(shard)) {
      const kind = files.stat(shard)?.kind;
      if (kind === undefined) return {is: 'nothing'};
      // What lies behind a link could change without anybody here having a hand in it.
      if (kind !== 'folder')
        return {
          is: 'other',
          path: shard,
          because: `${kind === 'file' ? 'a file' : NAMES_OF_KINDS[kind]} lies in the place of its folder`,
        };
      this.#folders.add(shard);
    }
    const stat = files.stat(path);
    if (stat === undefined) return {is: 'nothing'};
    if (stat.kind === 'file') return {is: 'file', stat};
    return {is: 'other', path, because: `${NAMES_OF_KINDS[stat.kind]} lies in its place`};
  }

  /** Puts what is no blob out of use: it is renamed away and kept. Says where it is now; undefined for a reader. */
  setAside(path: string): string | undefined {
    const {layout, files, readonly} = this.#context;
    return readonly ? undefined : setAside(layout, files, path);
  }

  /**
   * Looks closely: reads the blob unless its stat can be believed. A damaged one is quarantined, a mended one freed, and
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
   * Stores files durably and returns their digests, in the same order. With `own`, nobody else writes to the files: they
   * become blobs by a reflink or a hard link (and read-only) where the file system allows it. A blob that is there
   * already is kept if it is intact, and replaced if it is damaged.
   */
  async put(found: readonly Found[], own: boolean): Promise<readonly Digest[]> {
    const {files, layout} = this.#context;
    const placed = new Set<Digest>();
    const digests = own ? await this.#putOwn(found, placed) : await this.#putForeign(found, placed);
    // Also where a blob was there before: its writer may not have got as far as this.
    const shards = new Set(digests.map((digest) => shardOf(layout, digest)));
    const unsure = [...shards].filter((shard) => !this.#shards.has(shard));
    await inParallel([...shards, ...(unsure.length === 0 ? [] : [layout.blobs])], AT_ONCE, (folder) =>
      files.sync(folder),
    );
    for (const shard of unsure) this.#shards.add(shard);
    await this.vouch([...placed].map((sha256) => ({path: this.path(sha256), sha256})));
    return digests;
  }

  async #putOwn(found: readonly Found[], placed: Set<Digest>): Promise<readonly Digest[]> {
    const {files} = this.#context;
    const synced = inParallel(found, AT_ONCE, async ({from}) => {
      throwIfInterrupted(files.interruption);
      await files.sync(from);
    });
    synced.catch(() => undefined); // Waited for below, also when hashing fails first.
    const digests = await hashAll(
      files,
      found.map(({from, stat}) => ({path: from, bytes: stat.bytes})),
    );
    await synced;
    for (const {from, stat} of found) this.refuseChange(from, stat);
    for (const [index, file] of found.entries()) {
      const sha256 = digests[index]!;
      if (placed.has(sha256) || (await this.check(sha256, file.stat.bytes)) === 'intact') continue;
      await this.#withTemporary(async (temporary) => {
        if (!this.clone(file.from, temporary)) {
          // With other links to it, somebody out there could write to the blob.
          if (file.stat.links === 1 && this.link(file.from, temporary)) {
            this.#place(temporary, sha256, placed);
            return;
          }
          await this.#copy(file.from, temporary, sha256);
        }
        await files.sync(temporary);
        this.#place(temporary, sha256, placed);
      });
    }
    return digests;
  }

  async #putForeign(found: readonly Found[], placed: Set<Digest>): Promise<readonly Digest[]> {
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
    if (hash.digest('hex') !== expected) throw changed(from);
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
    await untilSettled(stats.reduce((newest, stat) => (stat.ctimeNs > newest.ctimeNs ? stat : newest)));
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
    if (!isUnchanged(before, this.#context.files.statFollowed(path))) throw changed(path);
  }

  #place(temporary: string, sha256: Digest, placed: Set<Digest>): void {
    const {files, layout, quarantine} = this.#context;
    files.setMode(temporary, 0o444);
    const shard = shardOf(layout, sha256);
    if (!this.#shards.has(shard)) files.makeFolder(shard);
    files.rename(temporary, this.path(sha256));
    quarantine.lift(sha256);
    placed.add(sha256);
  }

  async #withTemporary(work: (path: string) => Promise<void>): Promise<void> {
    const {files, layout} = this.#context;
    const path = join(layout.tmp, randomUUID());
    try {
      await work(path);
    } finally {
      // Still there after an error, or when the blob turned out to exist already.
      if (files.stat(path) !== undefined) files.remove(path);
    }
  }
}

function changed(path: string): UserError {
  return new UserError('changed-while-read', `${path} changed while it was being read`, {
    hint: 'wait until nobody writes to it any more and run it again',
  });
}
