/**
 * Whether what was made once can be used again: by fingerprint, and only while its bytes are there. A success under another
 * name than 'succeeded' is one of its own run alone: it was finished early, so its bytes are not what its fingerprint stands for. A plan asks this of
 * every node, so a node costs one statement and one look at each of its blobs; for plans of very many nodes, `reuse-prefetch.ts`
 * asks it of a whole run at once.
 */
import type {Blobs} from '../blobs/blobs.js';
import {parseDigest} from '../database/parse-columns.js';
import type {Database} from '../database/database.js';
import type {Digest} from '../digest.js';
import type {AttemptId, RunId} from '../records.js';

/** An attempt whose outputs may be used again. */
export interface Reusable {
  readonly attempt: AttemptId;
  /** Output port → artifact. */
  readonly outputs: Readonly<Record<string, Digest>>;
}

/** Why a fingerprint that was made once is a miss today: `because` is part of a sentence. */
export interface Gone {
  readonly attempt: AttemptId;
  readonly because: string;
}

export interface Reuse {
  /** The newest succeeded attempt whose bytes are present; never one made from a checkpoint of other code, or finished early. */
  findByFingerprint(fingerprint: Digest): Reusable | undefined;
  /** When `findByFingerprint` finds nothing: whether it was made once, and why that no longer counts. */
  whyGone(fingerprint: Digest): Gone | undefined;
}

/** With what only a recorder asks. */
export interface ReuseChecks extends Reuse {
  /** All bytes of what the attempt made are there (by size) and not in quarantine. */
  outputsPresent(attempt: AttemptId): boolean;
}

/** As lists and not as records, which take longer to make. */
const COLUMNS = 'p.port, a.digest, b.sha256, b.bytes, q.sha256 IS NOT NULL AS damaged';

/** All that lies behind an attempt: a row for each file that it made, or one that is empty where there is none. */
const MADE_BY = (attempt: string): string => `
  LEFT JOIN output p ON p.attempt = ${attempt}
  LEFT JOIN artifact a ON a.id = p.artifact
  LEFT JOIN artifact_file f ON f.artifact = a.id
  LEFT JOIN blob b ON b.id = f.blob
  LEFT JOIN quarantine q ON q.sha256 = b.sha256`;

/** The newest success before a given attempt. */
const CANDIDATE = `
  SELECT n.attempt, ${COLUMNS}
  FROM outcome n ${MADE_BY('n.attempt')}
  WHERE n.attempt = (
    SELECT t.id FROM attempt t JOIN outcome o ON o.attempt = t.id AND o.reason = 'succeeded'
    WHERE t.fingerprint = ? AND t.accepted IS NULL AND t.id < ? ORDER BY t.id DESC LIMIT 1)
  ORDER BY p.port`;

/** What a run used, as far as nothing newer was made with the same fingerprint since. */
const USED = `
  SELECT d.attempt, ${COLUMNS}, t.fingerprint
  FROM decision d
  JOIN attempt t ON t.id = d.attempt AND t.accepted IS NULL
  JOIN outcome o ON o.attempt = t.id AND o.reason = 'succeeded' ${MADE_BY('t.id')}
  WHERE d.run = ? AND NOT EXISTS (
    SELECT 1 FROM attempt n JOIN outcome m ON m.attempt = n.id AND m.reason = 'succeeded'
    WHERE n.fingerprint = t.fingerprint AND n.accepted IS NULL AND n.id > t.id)
  ORDER BY d.node, d.id, p.port`;

type CandidateRow = readonly [
  attempt: number,
  port: string | null,
  artifact: string | null,
  sha256: string | null,
  bytes: number | null,
  damaged: 0 | 1,
  /** Only of what a run used. */
  fingerprint?: string,
];

/** By size only, as `Blobs` tells it. */
export type IsWhole = (sha256: Digest, bytes: number) => boolean;

const isThere = ([, , , sha256, bytes, damaged]: CandidateRow, isWhole: IsWhole): boolean =>
  sha256 === null || bytes === null || (damaged === 0 && isWhole(sha256 as Digest, bytes));

const reusableOf = (rows: readonly CandidateRow[]): Reusable => ({
  attempt: rows[0]![0] as AttemptId,
  outputs: outputsIn(rows),
});

/** All that a run used, by fingerprint, as far as `findByFingerprint` would find the same at its first look. */
export function* reusableOfRun(
  db: Database,
  isWhole: IsWhole,
  run: RunId,
): Generator<readonly [fingerprint: Digest, reusable: Reusable]> {
  let rows: CandidateRow[] = [];
  const found = function* (): Generator<readonly [Digest, Reusable]> {
    if (rows.length > 0 && rows.every((row) => isThere(row, isWhole)))
      yield [parseDigest(rows[0]![6]!), reusableOf(rows)];
  };
  for (const row of db.prepare<CandidateRow>(USED).raw().iterate(run)) {
    if (rows[0]?.[0] !== row[0]) {
      yield* found();
      rows = [];
    }
    rows.push(row);
  }
  yield* found();
}

export function openReuse(db: Database, blobs: Blobs): ReuseChecks {
  const blobsOf = (attempt: number) =>
    db
      .prepare<{sha256: string; bytes: number}>(
        `SELECT b.sha256, b.bytes FROM output o
         JOIN artifact_file f ON f.artifact = o.artifact
         JOIN blob b ON b.id = f.blob
         WHERE o.attempt = ?`,
      )
      .all(attempt);
  const outputsPresent = (attempt: AttemptId): boolean =>
    blobsOf(attempt).every(({sha256, bytes}) => blobs.isPresent(sha256 as Digest, bytes));

  const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

  const whyOutputGone = (attempt: number): string => {
    for (const {sha256, bytes} of blobsOf(attempt)) {
      if (blobs.isPresent(sha256 as Digest, bytes)) continue;
      const damaged = db.prepare<{found_at: number}>('SELECT found_at FROM quarantine WHERE sha256 = ?').get(sha256);
      if (damaged !== undefined) return `its bytes were found damaged on ${day(damaged.found_at)}`;
      const collected = db
        .prepare<{at: number}>(
          `SELECT c.at FROM collected x JOIN blob b ON b.id = x.blob JOIN collection c ON c.id = x.collection
           WHERE b.sha256 = ? ORDER BY c.id DESC LIMIT 1`,
        )
        .get(sha256);
      if (collected !== undefined) return `its bytes were collected by gc on ${day(collected.at)}`;
      return 'its bytes are missing from the store';
    }
    throw new Error(`Internal error: the outputs of attempt ${attempt} are all there`);
  };

  const isWhole: IsWhole = (sha256, bytes) => blobs.isWhole(sha256, bytes);

  return {
    outputsPresent,
    findByFingerprint(fingerprint) {
      const candidate = db.prepare<CandidateRow>(CANDIDATE).raw();
      for (let before = Number.MAX_SAFE_INTEGER; ;) {
        const rows = candidate.all(fingerprint, before);
        const attempt = rows[0]?.[0];
        if (attempt === undefined) return undefined;
        if (rows.every((row) => isThere(row, isWhole))) return reusableOf(rows);
        before = attempt;
      }
    },
    whyGone(fingerprint) {
      const newest = db
        .prepare<{id: number; accepted: string | null}>(
          `SELECT a.id, a.accepted FROM attempt a JOIN outcome o ON o.attempt = a.id AND o.reason = 'succeeded'
           WHERE a.fingerprint = ? ORDER BY a.id DESC LIMIT 1`,
        )
        .get(fingerprint);
      if (newest === undefined) return undefined;
      const attempt = newest.id as AttemptId;
      if (newest.accepted !== null)
        return {attempt, because: `it went on from a checkpoint of other code (${newest.accepted})`};
      return outputsPresent(attempt) ? undefined : {attempt, because: whyOutputGone(attempt)};
    },
  };
}

function outputsIn(rows: readonly CandidateRow[]): Record<string, Digest> {
  const outputs: Record<string, Digest> = {};
  let last: string | null = null;
  for (const [, port, artifact] of rows) {
    if (port !== last && port !== null && artifact !== null) outputs[port] = parseDigest(artifact);
    last = port;
  }
  return outputs;
}
