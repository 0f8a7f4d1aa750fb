/**
 * Garbage collection. The roots are what the facts say is wanted; every blob that no root holds is condemned. The
 * condemned blobs are recorded first and renamed away then, both while nobody else relies on blobs (`gc-lock.ts`), so a
 * crash in between leaves bytes that the next collection finds again, never a record without its reason.
 */
import {join} from 'node:path';
import type {Digest} from '../digest.js';
import {UserError, mayBeFull, plainError} from '../error.js';
import {jobFolder} from '../layout.js';
import {findGcRoots} from './gc-roots.js';
import type {KeepPolicy, KeepReason} from './gc-roots.js';
import type {AttemptId, RunId} from '../records.js';
import type {HasParts} from '../parts.js';
import type {Lineage} from '../facts/read.js';

/** An artifact that stays, with all that holds it. */
export interface KeptArtifact {
  readonly artifact: Digest;
  readonly kind: string;
  readonly bytes: number;
  readonly reasons: readonly KeepReason[];
}

/** How a collected artifact can be had again. */
export interface RebuildCost {
  readonly attempt: AttemptId;
  readonly node: string;
  readonly stage: string;
  readonly run: RunId;
  /** Where it was taken from, when it came from outside: only as long as that is there can it be had again. */
  readonly from: string | undefined;
  /** What it took, and what it took to make those of its ancestors that are gone as well; milliseconds. */
  readonly ms: number;
  /** So many ancestors would have to be made again first. */
  readonly ancestors: number;
  /** There are even more, which were not counted. */
  readonly more?: true;
}

/** An artifact that nothing holds. */
export interface GoingArtifact {
  readonly artifact: Digest;
  readonly kind: string;
  readonly bytes: number;
  readonly again: RebuildCost;
}

/** What a collection removes, and what it keeps. */
export interface GcPlan {
  readonly kept: readonly KeptArtifact[];
  /** Largest first. */
  readonly going: readonly GoingArtifact[];
  /** Blobs to remove: those of `going` that no kept artifact shares, and what crashes left behind. */
  readonly blobs: readonly {readonly sha256: Digest; readonly bytes: number}[];
  /** Sizes of `blobs` added up. */
  readonly bytes: number;
  /** Blobs among them that no record mentions. */
  readonly leftovers: number;
  /** Job folders of attempts that no kept run decided for. */
  readonly jobs: readonly AttemptId[];
  /** What lies in the store and is not r1's, as paths below it. It is left alone. */
  readonly foreign: readonly string[];
}

/** A blob that no record mentions may be about to get one. */
const GRACE_MS = 3_600_000;

/** What `gc` would remove now. Looks at the size of every blob file, and changes nothing. */
export function planGc(store: Lineage & HasParts, policy: KeepPolicy): GcPlan {
  const {db, layout, files, blobs, own} = store.parts;
  return db.snapshot(() => {
    const roots = findGcRoots(store, policy);
    const kept: KeptArtifact[] = [];
    const condemned: {id: number; digest: Digest; bytes: number; kind: string}[] = [];
    const neededBlobs = new Set<string>();
    const onDisk = listBlobs(store);
    const blobsOf = db.prepare<{sha256: Digest; bytes: number}>(
      'SELECT b.sha256, b.bytes FROM artifact_file f JOIN blob b ON b.id = f.blob WHERE f.artifact = ?',
    );
    const artifacts = db
      .prepare<{id: number; digest: Digest; bytes: number; kind: string}>(
        `SELECT a.id, a.digest, a.bytes, (SELECT o.kind FROM output o WHERE o.artifact = a.id ORDER BY o.attempt DESC LIMIT 1) AS kind
         FROM artifact a ORDER BY a.id`,
      )
      .all();
    for (const artifact of artifacts) {
      const reasons = roots.artifacts.get(artifact.id);
      if (reasons === undefined) {
        condemned.push(artifact);
        continue;
      }
      const held = blobsOf.all(artifact.id);
      for (const {sha256} of held) neededBlobs.add(sha256);
      // What went before is wanted again, but it is not here to be kept.
      if (held.length > 0 && !held.some(({sha256}) => onDisk.has(sha256))) continue;
      kept.push({artifact: artifact.digest, kind: artifact.kind, bytes: artifact.bytes, reasons});
    }
    const known = db.prepare('SELECT 1 FROM blob WHERE sha256 = ?');
    const now = Date.now();
    let leftovers = 0;
    const going = [...onDisk].flatMap(([sha256, bytes]) => {
      if (neededBlobs.has(sha256)) return [];
      if (known.get(sha256) !== undefined) return [{sha256, bytes}];
      const changedAt = Number((files.stat(blobs.path(sha256))?.ctimeNs ?? 0n) / 1_000_000n);
      if (now - changedAt < GRACE_MS) return [];
      leftovers += 1;
      return [{sha256, bytes}];
    });
    // An artifact that went before is not going again.
    const goingBlobs = new Set(going.map(({sha256}) => sha256));
    const present = condemned.filter(({id}) => blobsOf.all(id).some(({sha256}) => goingBlobs.has(sha256)));
    const again = openRebuildCost(store, new Set(condemned.map(({id}) => id)));
    return {
      kept,
      going: present
        .map(({id, digest, bytes, kind}) => ({artifact: digest, kind, bytes, again: again(id)}))
        .sort((a, b) => b.bytes - a.bytes),
      blobs: going,
      bytes: going.reduce((sum, {bytes}) => sum + bytes, 0),
      leftovers,
      jobs: (own.jobs() as AttemptId[]).filter(
        (attempt) => !roots.attempts.has(attempt) && own.ownsJob(jobFolder(layout, attempt)),
      ),
      foreign: own.foreign(),
    };
  });
}

export interface GcResult extends GcPlan {
  /** The disk was full, and the room that the store keeps for this was used; `again` says whether it is there again. */
  readonly reserve?: {readonly again: boolean};
}

/** On a full disk this many blobs go first, the largest ones: what is to be written down then fits into the reserve. */
const FIRST = 64;

/**
 * Removes what `planGc` names. Waits for those who are storing results; runs that are going on keep what they rely on.
 *
 * @param command what was typed, recorded with what was removed
 * @throws UserError store-busy, where somebody stores results without a pause; disk-full, where what is to be removed
 * cannot be written down
 */
export async function gc(store: Lineage & HasParts, policy: KeepPolicy, command: string): Promise<GcResult> {
  const {reserve, usedReserve} = store.parts;
  if (!usedReserve) {
    try {
      return await gcOnce(store, policy, command);
    } catch (error) {
      const full = plainError(error, 'write to the store');
      if (!mayBeFull(full)) throw error;
      if (!reserve.use()) throw needsRoom(full);
    }
  }
  // What a collection that was interrupted has condemned is recorded already.
  await emptyTrash(store);
  const first = await condemn(store, policy, command, FIRST);
  await emptyTrash(store);
  const rest = await gcOnce(store, policy, command);
  const bytes = first.bytes + rest.bytes;
  const all = {going: [...first.going, ...rest.going], blobs: [...first.blobs, ...rest.blobs], bytes};
  const jobs = [...new Set([...first.jobs, ...rest.jobs])];
  const leftovers = first.leftovers + rest.leftovers;
  return {...rest, ...all, jobs, leftovers, reserve: {again: reserve.make()}};
}

/** A full disk on which there is nothing left to give up. */
export const needsRoom = (error: unknown): UserError =>
  new UserError('disk-full', (error as UserError).message, {
    hint: 'free 256 KiB on this disk by hand: a collection writes down what it removes, and this store has no room of its own for it',
    cause: error,
  });

async function gcOnce(store: Lineage & HasParts, policy: KeepPolicy, command: string): Promise<GcPlan> {
  const {db, locks} = store.parts;
  const plan = await condemn(store, policy, command);
  await emptyTrash(store);
  locks.sweep();
  db.transactLoosely(() => {
    // Files that nobody has looked at for a month are read again when somebody does.
    const month = BigInt(Date.now() - 30 * 24 * 3_600_000) * 1_000_000n;
    db.prepare('DELETE FROM stat_cache WHERE seen_ns < ?').run(month);
  });
  return plan;
}

/**
 * Frees what can go without being written down: job folders that nobody wants, and what was condemned before. For a store
 * that can only be read because its disk is full, and that keeps no room. False when there was nothing of the kind.
 */
export async function freeUnrecorded(store: Lineage & HasParts, policy: KeepPolicy): Promise<boolean> {
  const {layout, own, discard} = store.parts;
  for (const attempt of planGc(store, policy).jobs) discard.moveAway(jobFolder(layout, attempt));
  const {blobs, trees} = own.trash();
  await emptyTrash(store);
  return blobs.length + trees.length > 0;
}

/** Records what goes, at most `atMost` blobs, and moves it into trash/. Returns what went. */
async function condemn(
  store: Lineage & HasParts,
  policy: KeepPolicy,
  command: string,
  atMost = Infinity,
): Promise<GcPlan> {
  const {db, gcLock, files, blobs, layout, quarantine, own, discard, scratch} = store.parts;
  return gcLock.runExclusive(() => {
    // Under the lock nobody stores anything, so every temporary file is what a crash left.
    const temporaries = own.temporaries();
    for (const name of temporaries.files) files.remove(join(layout.tmp, name));
    for (const name of temporaries.old) discard.moveAway(join(layout.tmp, name));
    for (const name of temporaries.scratch.filter((each) => !scratch.isOwned(each))) {
      discard.moveAway(join(layout.tmp, name));
      scratch.forget(name);
    }
    const decided = db.transact(() => {
      const going = largest(planGc(store, policy), atMost);
      const known = db.prepare<{id: number}>('SELECT id FROM blob WHERE sha256 = ?');
      if (going.blobs.length > 0) {
        const collection = Number(
          db.prepare('INSERT INTO collection (command, at) VALUES (?, ?)').run(command, Date.now()).lastInsertRowid,
        );
        const insert = db.prepare('INSERT INTO collected (collection, blob) VALUES (?, ?)');
        for (const {sha256} of going.blobs) {
          const row = known.get(sha256);
          if (row !== undefined) insert.run(collection, row.id);
          quarantine.lift(sha256);
        }
      }
      return going;
    });
    for (const {sha256} of decided.blobs) files.rename(blobs.path(sha256), join(layout.trash, sha256));
    for (const attempt of decided.jobs) discard.moveAway(jobFolder(layout, attempt));
    return decided;
  });
}

/** The part of a plan that frees the most; an artifact is named with the part that takes the last of its own blobs. */
function largest(plan: GcPlan, atMost: number): GcPlan {
  if (plan.blobs.length <= atMost) return plan;
  const blobs = [...plan.blobs].sort((a, b) => b.bytes - a.bytes).slice(0, atMost);
  return {...plan, going: [], blobs, bytes: blobs.reduce((sum, {bytes}) => sum + bytes, 0), leftovers: 0};
}

/** Removes what was condemned, now or by a collection that was interrupted. What cannot be removed keeps nothing else there. */
async function emptyTrash(store: HasParts): Promise<void> {
  const {files, layout, own, discard} = store.parts;
  const {blobs, trees} = own.trash();
  const failed: unknown[] = [];
  const each = async (names: readonly string[], remove: (path: string) => unknown): Promise<void> => {
    for (const name of names) {
      try {
        await remove(join(layout.trash, name));
      } catch (error) {
        failed.push(error);
      }
    }
  };
  await each(blobs, (path) => files.remove(path));
  await each(trees, (path) => discard.sweep(path));
  if (failed.length > 0) throw failed[0];
}

/** Every blob file and its size. */
function listBlobs(store: HasParts): ReadonlyMap<Digest, number> {
  const {files, own} = store.parts;
  const found = new Map<Digest, number>();
  for (const {sha256, path} of own.blobs()) {
    const bytes = files.sizeOf(path);
    if (bytes !== undefined) found.set(sha256 as Digest, bytes);
  }
  return found;
}

/**
 * How each of the artifacts that are `gone` can be had again: the newest success that made it, and what that and its missing
 * ancestors took. Each attempt is asked for once; where an attempt has one missing ancestor, what was found for that counts on.
 */
function openRebuildCost(store: Lineage & HasParts, gone: ReadonlySet<number>): (artifact: number) => RebuildCost {
  const {db} = store.parts;
  const newest = db.prepare<{attempt: AttemptId}>(
    'SELECT attempt FROM output WHERE artifact = ? ORDER BY attempt DESC LIMIT 1',
  );
  const inputs = db.prepare<{artifact: number; made_by: AttemptId}>(
    'SELECT artifact, made_by FROM input WHERE attempt = ?',
  );
  const wall = db.prepare<{wall_ms: number | null}>('SELECT wall_ms FROM outcome WHERE attempt = ?');

  const made = new Map<AttemptId, Made>();
  const look = (attempt: AttemptId): Made => {
    const known = made.get(attempt);
    if (known !== undefined) return known;
    const parents = new Set(
      inputs.all(attempt).flatMap(({artifact, made_by}) => (gone.has(artifact) ? [made_by] : [])),
    );
    const found = {ms: wall.get(attempt)?.wall_ms ?? 0, parents: [...parents]};
    made.set(attempt, found);
    return found;
  };

  const totals = new Map<AttemptId, Total>();
  const totalOf = (attempt: AttemptId): Total => {
    // Up a chain as far as nothing is known yet, and down again; a chain may be too long to go up by recursion.
    const chain: AttemptId[] = [];
    let at: AttemptId | undefined = attempt;
    while (at !== undefined && !totals.has(at)) {
      chain.push(at);
      const {parents}: Made = look(at);
      at = parents.length === 1 ? parents[0] : undefined;
    }
    for (const each of chain.reverse()) {
      const {ms, parents} = look(each);
      if (parents.length > 1) totals.set(each, sumOf(each));
      else {
        const above = parents[0] === undefined ? {ms: 0, attempts: 0, more: false} : totals.get(parents[0])!;
        totals.set(each, {ms: above.ms + ms, attempts: above.attempts + 1, more: above.more});
      }
    }
    return totals.get(attempt)!;
  };

  /** Ancestors that several ways lead to count once, so these have to be gone through. */
  const sumOf = (attempt: AttemptId): Total => {
    const seen = new Set<AttemptId>([attempt]);
    let ms = 0;
    for (const each of seen) {
      const found = look(each);
      ms += found.ms;
      // A set may grow while it is walked; what is added is walked too.
      for (const parent of found.parents)
        if (seen.size < MOST_WALKED || seen.has(parent)) seen.add(parent);
        else return {ms, attempts: seen.size, more: true};
    }
    return {ms, attempts: seen.size, more: false};
  };

  return (artifact) => {
    const maker = newest.get(artifact);
    if (maker === undefined) throw new Error(`Internal error: artifact row ${artifact} has no maker`);
    const {node, stage, run, params} = store.attempt(maker.attempt)!;
    const path = params !== null && typeof params === 'object' && 'path' in params ? params.path : undefined;
    const from = stage === 'source' && typeof path === 'string' ? path : undefined;
    const {ms, attempts, more} = totalOf(maker.attempt);
    return {
      attempt: maker.attempt,
      node,
      stage,
      run,
      from,
      ms,
      ancestors: attempts - 1,
      ...(more ? {more: true as const} : {}),
    };
  };
}

interface Made {
  readonly ms: number;
  /** Whose outputs it took that are gone. */
  readonly parents: readonly AttemptId[];
}

interface Total {
  readonly ms: number;
  /** With the attempt itself. */
  readonly attempts: number;
  /** There are more, which were not counted. */
  readonly more: boolean;
}

/** Nobody makes a thousand ancestors again for the sake of one artifact. */
const MOST_WALKED = 1000;
