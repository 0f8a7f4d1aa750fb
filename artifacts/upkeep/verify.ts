/**
 * Reads every byte again and says what is not as recorded: the database, the manifests, the blobs. A blob with other bytes
 * than its name says is put out of use, with what was made from it named; one that matches again is put back into use.
 *
 * The steps: the database checks itself, and what it cannot know, that documents give their digests and JSON is JSON, is
 * checked beside it; every artifact's rows must give its digest; every blob must be there and give its SHA-256. The last one is done in parallel and in batches; after an interruption it goes on where it was.
 */
import type {Digest} from '../digest.js';
import {sha256 as sha256Of} from '../digest.js';
import {descendantsOf} from '../queries/ancestry.js';
import {UserError, codeOf, plainError} from '../error.js';
import {hashFiles} from '../blobs/hash.js';
import type {Artifact, AttemptId, RunId} from '../records.js';
import type {Store} from '../store.js';
import type {HasParts} from '../parts.js';
import type {Lineage} from '../facts/read.js';

/** How far a verification is: `done` of `total` things of the step (artifacts, then blobs), and of their bytes. */
export interface VerifyProgress {
  readonly step: 'database' | 'manifests' | 'bytes';
  readonly done: number;
  readonly total: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** An attempt by name, for people. */
export interface AttemptName {
  readonly attempt: AttemptId;
  readonly node: string;
  readonly run: RunId;
}

/** A blob that is not as recorded, and what was made with it. */
export interface DamagedBlob {
  readonly sha256: Digest;
  readonly bytes: number;
  readonly state: 'damaged' | 'missing';
  readonly because: string;
  /** Where it lies, or should. */
  readonly path: string;
  /** Files of artifacts with these bytes. */
  readonly files: readonly {
    readonly artifact: Digest;
    readonly kind: string;
    readonly path: string;
    readonly makers: readonly AttemptName[];
  }[];
  /** Every attempt that used one of these artifacts, and everything made from what those made. */
  readonly descendants: readonly AttemptName[];
}

/** What a verification found. */
export interface VerifyReport {
  /** Numbers of what was looked at, and bytes that were read. */
  readonly artifacts: number;
  readonly blobs: number;
  readonly bytes: number;
  /** Blobs that an earlier, interrupted verification had read already. */
  readonly resumedAfter: number;
  /** Blobs that `r1 gc` has collected. */
  readonly collected: number;
  /** What SQLite found wrong with the database. */
  readonly database: readonly string[];
  /** Artifacts whose rows do not give their digest. */
  readonly manifests: readonly Digest[];
  readonly damaged: readonly DamagedBlob[];
  /** What lies in the store and is not r1's, as paths below it. */
  readonly foreign: readonly string[];
  /** False where the store could only be read: what is damaged was named, and not put out of use. */
  readonly putOutOfUse: boolean;
}

/** How to verify. */
export interface VerifyOptions {
  /** Begin from the first blob although an earlier verification was interrupted. */
  readonly restart?: boolean;
}

/** So many bytes or blobs are read between two marks. */
const BATCH_BYTES = 256 << 20;
const BATCH_BLOBS = 2000;

interface BlobRow {
  readonly sha256: Digest;
  readonly bytes: number;
}

const NOTHING: VerifyReport = {
  artifacts: 0,
  blobs: 0,
  bytes: 0,
  resumedAfter: 0,
  collected: 0,
  database: [],
  manifests: [],
  damaged: [],
  foreign: [],
  putOutOfUse: false,
};

/**
 * Reads every byte of the store again; yields how far it is and returns what it found. Damaged blobs are put out of
 * use, where the store can be written to. Where the database is too damaged to tell what there should be, the report
 * names that and nothing else.
 *
 * @throws UserError io-error, store-busy and the like, where the database cannot be used; a blob that cannot be read is
 * in the report
 */
export async function* verify(store: Store, options: VerifyOptions = {}): AsyncGenerator<VerifyProgress, VerifyReport> {
  yield {step: 'database', done: 0, total: 1, bytesDone: 0, bytesTotal: 0};
  const database = databaseProblems(store);
  try {
    return yield* verifyBytes(store, options, database);
  } catch (error) {
    const damaged = plainError(error, 'read the store');
    if (database.length === 0 || !(damaged instanceof UserError) || damaged.reason !== 'store-damaged') throw error;
    return {...NOTHING, database};
  }
}

async function* verifyBytes(
  store: Store,
  {restart = false}: VerifyOptions,
  database: readonly string[],
): AsyncGenerator<VerifyProgress, VerifyReport> {
  const {db, files, blobs, quarantine, own} = store.parts;
  const writes = store.mode === 'write';
  const all = db.prepare<BlobRow>('SELECT sha256, bytes FROM blob ORDER BY sha256').all();
  const bytesTotal = all.reduce((sum, {bytes}) => sum + bytes, 0);

  const artifacts = db.prepare<{digest: Digest}>('SELECT digest FROM artifact ORDER BY id').all();
  const manifests: Digest[] = [];
  for (const [index, {digest}] of artifacts.entries()) {
    if (index % 1000 === 0) yield {step: 'manifests', done: index, total: artifacts.length, bytesDone: 0, bytesTotal};
    if (recordOf(store, digest) === undefined) manifests.push(digest);
  }

  const mark = restart ? undefined : db.prepare<{sha256: string}>('SELECT sha256 FROM verify_mark').get()?.sha256;
  const pending = mark === undefined ? all : all.filter(({sha256}) => sha256 > mark);
  const startedAt = Date.now();
  let done = all.length - pending.length;
  let bytesDone = bytesTotal - pending.reduce((sum, {bytes}) => sum + bytes, 0);
  yield {step: 'bytes', done, total: all.length, bytesDone, bytesTotal};

  const found = new Map<Digest, string>();
  const putOutOfUse = (sha256: Digest, because: string): void => {
    quarantine.add(sha256, because);
    found.set(sha256, because);
  };
  for (let begin = 0; begin < pending.length;) {
    const batch: BlobRow[] = [];
    for (let bytes = 0; begin < pending.length && batch.length < BATCH_BLOBS && bytes < BATCH_BYTES; begin++) {
      batch.push(pending[begin]!);
      bytes += pending[begin]!.bytes;
    }
    const present: BlobRow[] = [];
    for (const row of batch) {
      const place = blobs.look(row.sha256);
      if (place.is === 'file' && place.stat.bytes === row.bytes) {
        present.push(row);
        if ((place.stat.writable || place.stat.executable) && writes) restoreMode(store, row);
      } else if (place.is === 'file') putOutOfUse(row.sha256, `${place.stat.bytes} bytes instead of ${row.bytes}`);
      else if (place.is === 'other') {
        const aside = blobs.setAside(place.path);
        found.set(row.sha256, aside === undefined ? place.because : `${place.because}; it was moved to ${aside}`);
      }
    }
    const list = present.map(({sha256, bytes}) => ({path: blobs.path(sha256), bytes}));
    await hashFiles(files, list, (index, result) => {
      const {sha256} = present[index]!;
      if (result === sha256) quarantine.lift(sha256);
      else {
        putOutOfUse(
          sha256,
          result instanceof Error ? `it cannot be read: ${result.message}` : 'other bytes than its name says',
        );
      }
    });
    done += batch.length;
    bytesDone += batch.reduce((sum, {bytes}) => sum + bytes, 0);
    if (writes) setMark(store, batch.at(-1)!.sha256, startedAt);
    yield {step: 'bytes', done, total: all.length, bytesDone, bytesTotal};
  }
  if (writes) setMark(store, undefined, startedAt);

  const now = new Set(found.keys());
  // Also what the part before an interruption had found.
  for (const row of db.prepare<{sha256: Digest; because: string}>('SELECT sha256, because FROM quarantine').all()) {
    if (!found.has(row.sha256)) found.set(row.sha256, row.because);
  }
  const damaged: DamagedBlob[] = [];
  let collected = 0;
  for (const {sha256, bytes} of all) {
    const there = files.stat(blobs.path(sha256)) !== undefined;
    const because = found.get(sha256);
    // What lay in the place of a blob may have been moved away just now.
    if (because !== undefined && (there || now.has(sha256)))
      damaged.push(nameDamage(store, {sha256, bytes, state: 'damaged', because}));
    else if (!there && wasCollected(store, sha256)) collected += 1;
    else if (!there)
      damaged.push(nameDamage(store, {sha256, bytes, state: 'missing', because: 'there is no such file'}));
  }
  return {
    artifacts: artifacts.length,
    blobs: all.length,
    bytes: bytesTotal,
    resumedAfter: all.length - pending.length,
    collected,
    database,
    manifests,
    damaged,
    foreign: own.foreign(),
    putOutOfUse: writes,
  };
}

/** Undefined where its rows cannot be read or do not give its digest, or an index that is damaged leads nowhere. */
function recordOf(store: Lineage, digest: Digest): Artifact | undefined {
  try {
    return store.artifact(digest);
  } catch (error) {
    if (error instanceof UserError && error.reason === 'store-damaged') return undefined;
    throw error;
  }
}

/** SQLite puts the name of the database on a line of its own. */
const inOneLine = (text: string): string => text.replace(/^\*\*\* in database \w+ \*\*\*\n/, '').replaceAll('\n', '; ');

/** The first thing that SQLite finds wrong with the pages of the database, or undefined. Reads all of it, but no blob. */
export function firstDamage(store: HasParts): string | undefined {
  const row = store.parts.db.prepare<{quick_check: string}>('PRAGMA quick_check(1)').get();
  return row === undefined || row.quick_check === 'ok' ? undefined : inOneLine(row.quick_check);
}

/** What SQLite and the digests of documents find wrong with the database. */
export function databaseProblems(store: HasParts): readonly string[] {
  const {db} = store.parts;
  const problems: string[] = [];
  try {
    for (const {integrity_check: text} of db
      .prepare<{integrity_check: string}>('PRAGMA integrity_check(20)')
      .iterate()) {
      if (text !== 'ok') problems.push(inOneLine(text));
    }
  } catch (error) {
    // The check itself may stumble over the damage, before or behind what it has named.
    if (codeOf(error)?.startsWith('SQLITE_CORRUPT') !== true) throw error;
    problems.push('the check of its pages could not be finished');
  }
  // Rows of a damaged database cannot be compared with each other.
  if (problems.length > 0) return problems;
  const foreign = db.prepare<{table: string; parent: string}>('PRAGMA foreign_key_check').all();
  return [
    ...foreign.map(({table, parent}) => `a row of ${table} points at nothing in ${parent}`),
    ...damagedTexts(store),
  ];
}

/** Bits of a text can flip where no index and no rule of SQLite would show it. */
function damagedTexts(store: HasParts): readonly string[] {
  const {db} = store.parts;
  const problems: string[] = [];
  for (const {id, digest, json} of db
    .prepare<{id: number; digest: string; json: string}>('SELECT id, digest, json FROM document')
    .iterate())
    if (sha256Of(json) !== digest) problems.push(`document ${id} has another text than its digest says`);
  for (const [table, key] of [
    ['outcome', 'attempt'],
    ['reproduction', 'id'],
  ] as const)
    for (const {at} of db
      .prepare<{at: number}>(`SELECT ${key} AS at FROM ${table} WHERE NOT json_valid(detail)`)
      .iterate())
      problems.push(`the detail of ${table} ${at} is no JSON`);
  return problems;
}

/** A stage may have changed the permissions of an input that was handed to it as a hard link. */
function restoreMode(store: HasParts, {sha256}: BlobRow): void {
  const {files, blobs} = store.parts;
  files.setMode(blobs.path(sha256), 0o444);
}

function setMark(store: HasParts, sha256: Digest | undefined, startedAt: number): void {
  const {db} = store.parts;
  db.transactLoosely(() => {
    if (sha256 === undefined) db.prepare('DELETE FROM verify_mark').run();
    else
      db.prepare('INSERT OR REPLACE INTO verify_mark (only_row, sha256, started_at) VALUES (1, ?, ?)').run(
        sha256,
        startedAt,
      );
  });
}

/** It was collected, and nobody made or used it again since. */
function wasCollected(store: HasParts, sha256: Digest): boolean {
  const row = store.parts.db
    .prepare<{collected: number | null; used: number | null}>(
      `SELECT (SELECT max(c.at) FROM collected x JOIN collection c ON c.id = x.collection WHERE x.blob = b.id) AS collected,
              (SELECT max(d.at) FROM artifact_file f JOIN output o ON o.artifact = f.artifact
               JOIN decision d ON d.attempt = o.attempt WHERE f.blob = b.id) AS used
       FROM blob b WHERE b.sha256 = ?`,
    )
    .get(sha256);
  if (row === undefined || row.collected === null) return false;
  return row.used === null || row.used <= row.collected;
}

function nameDamage(store: HasParts, blob: Pick<DamagedBlob, 'sha256' | 'bytes' | 'state' | 'because'>): DamagedBlob {
  const {db, blobs} = store.parts;
  const files = db
    .prepare<{id: number; artifact: Digest; path: string}>(
      `SELECT a.id, a.digest AS artifact, f.path FROM blob b JOIN artifact_file f ON f.blob = b.id
       JOIN artifact a ON a.id = f.artifact WHERE b.sha256 = ? ORDER BY a.id, f.path`,
    )
    .all(blob.sha256)
    .map(({id, artifact, path}) => {
      const makers = db
        .prepare<AttemptName & {kind: string}>(
          'SELECT o.attempt, a.node, a.run, o.kind FROM output o JOIN attempt a ON a.id = o.attempt WHERE o.artifact = ? ORDER BY o.attempt',
        )
        .all(id);
      return {
        artifact,
        path,
        kind: makers[0]?.kind ?? '',
        makers: makers.map(({attempt, node, run}) => ({attempt, node, run})),
      };
    });
  const users = db
    .prepare<{attempt: AttemptId}>(
      `SELECT DISTINCT i.attempt FROM blob b JOIN artifact_file f ON f.blob = b.id
       JOIN input i ON i.artifact = f.artifact WHERE b.sha256 = ?`,
    )
    .all(blob.sha256)
    .map(({attempt}) => attempt);
  const attempts = [...users, ...descendantsOf(store, users)].sort((a, b) => a - b);
  const name = db.prepare<AttemptName>('SELECT id AS attempt, node, run FROM attempt WHERE id = ?');
  return {...blob, path: blobs.path(blob.sha256), files, descendants: attempts.map((attempt) => name.get(attempt)!)};
}
