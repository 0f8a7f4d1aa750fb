/**
 * Remembers the SHA-256 of files that were read once. Without this everything is the same, slower by reading and hashing every
 * unchanged file again, each time that it is looked at.
 *
 * A row is keyed by (device, inode) and believed only while size, mtime and ctime are what they were, and only if the
 * file had been left alone for a clock tick when it was looked at: a file system stamps changes with a clock that moves
 * in steps, so a second change within the step of the first leaves the same stamps behind (the “racy git” problem,
 * https://git-scm.com/docs/racy-git). ctime decides, because nobody can set it.
 */
import {setTimeout as sleep} from 'node:timers/promises';
import type {Database} from '../database/database.js';
import {parseDigest} from '../database/parse-columns.js';
import type {Digest} from '../digest.js';
import type {FileStat} from '../files.js';

export interface Known {
  readonly stat: FileStat;
  readonly sha256: Digest;
  /** When the stat was taken, milliseconds since 1970. The bytes were read after it, or are known not to have changed. */
  readonly seenAt: number;
}

export interface StatCache {
  /** The digest of the file with this stat, or undefined when its bytes must be read. */
  lookup(stat: FileStat): Digest | undefined;
  remember(known: readonly Known[]): void;
  /** Drops rows of inodes that are no more. */
  forget(stats: readonly FileStat[]): void;
}

const NS_PER_MS = 1_000_000n;

/**
 * How far apart the stamps of two changes surely are, in nanoseconds. Linux stamps with the tick of its timer, at most
 * 10 ms; where stamps are whole seconds (FAT, HFS+, ext3), the step is up to two of them.
 */
function tick(stamp: bigint): bigint {
  return stamp % 1_000_000_000n === 0n ? 2_100n * NS_PER_MS : 20n * NS_PER_MS;
}

/**
 * Waits until the clock tick of the file's last change is over, so that a stat taken then can be believed later. Not
 * worth it where the clock is coarse: there it returns at once and the file is read again when it matters.
 */
export async function untilPastTick(stat: FileStat): Promise<void> {
  const over = Number((stat.ctimeNs + tick(stat.ctimeNs)) / NS_PER_MS) + 1;
  // Timers may fire a millisecond before the clock agrees.
  for (let wait = over - Date.now(); wait > 0 && wait < 100; wait = over - Date.now()) await sleep(wait);
}

interface Row {
  readonly bytes: bigint;
  readonly mtime_ns: bigint;
  readonly ctime_ns: bigint;
  readonly seen_ns: bigint;
  readonly sha256: string;
}

/** SQLite's integers are signed; inode numbers of some file systems use the top bit. */
const signed = (value: bigint): bigint => BigInt.asIntN(64, value);

/** `readonly` remembers nothing beyond what the database already knows. */
export function openStatCache(db: Database, readonly: boolean): StatCache {
  const select = () =>
    db
      .prepare<Row>('SELECT bytes, mtime_ns, ctime_ns, seen_ns, sha256 FROM stat_cache WHERE dev = ? AND ino = ?')
      .safeIntegers(true);
  return {
    lookup(stat) {
      const row = select().get(signed(stat.dev), signed(stat.ino));
      if (row === undefined) return undefined;
      const same = row.bytes === BigInt(stat.bytes) && row.mtime_ns === stat.mtimeNs && row.ctime_ns === stat.ctimeNs;
      if (!same || stat.ctimeNs + tick(stat.ctimeNs) > row.seen_ns) return undefined;
      return parseDigest(row.sha256);
    },
    remember(known) {
      if (readonly || known.length === 0) return;
      const insert = db.prepare(`
        INSERT OR REPLACE INTO stat_cache (dev, ino, bytes, mtime_ns, ctime_ns, seen_ns, sha256)
        VALUES (?, ?, ?, ?, ?, ?, ?)`);
      db.transactLoosely(() => {
        for (const {stat, sha256, seenAt} of known) {
          const seen = BigInt(seenAt) * NS_PER_MS;
          insert.run(signed(stat.dev), signed(stat.ino), stat.bytes, stat.mtimeNs, stat.ctimeNs, seen, sha256);
        }
      });
    },
    forget(stats) {
      if (readonly || stats.length === 0) return;
      const remove = db.prepare('DELETE FROM stat_cache WHERE dev = ? AND ino = ?');
      db.transactLoosely(() => {
        for (const stat of stats) remove.run(signed(stat.dev), signed(stat.ino));
      });
    },
  };
}
