/**
 * The third face of a store: questions about the lineage, that is runs, nodes, attempts. Nothing here writes. Whether
 * something can be used again is in `reuse.ts`, walks over many attempts are in `ancestry.ts`.
 */
import type {ArtifactRows} from './artifact-rows.js';
import type {Blobs} from '../blobs/blobs.js';
import type {RunnerLocks} from '../database/runner-lock.js';
import {jobFolder} from '../layout.js';
import type {Layout} from '../layout.js';
import {openMetricsLineage} from './metrics.js';
import type {MetricsLineage} from './metrics.js';
import type {Ownerships, Unowned} from './ownership.js';
import type {Database} from '../database/database.js';
import {parseDigest, parseJson} from '../database/parse-columns.js';
import type {Digest, Json} from '../digest.js';
import type {
  Action,
  Artifact,
  Attempt,
  AttemptId,
  Cost,
  InputEdge,
  Outcome,
  OutputEdge,
  Reproduction,
  Run,
  RunId,
  RunNode,
} from '../records.js';
import type {Reuse} from './reuse.js';

/** An output that a run uses, whichever run made it. */
export interface MadeInRun {
  readonly node: string;
  readonly attempt: AttemptId;
  readonly artifact: Digest;
  /** How many inputs the attempt had. */
  readonly inputs: number;
}

/** What an earlier success cost; times in milliseconds, sizes in bytes. */
export interface PastAttempt extends Cost {
  readonly attempt: AttemptId;
  /** When its outcome was recorded, milliseconds since 1970. */
  readonly at: number;
  readonly outputBytes: number;
}

/** An attempt without an outcome whose runner is dead; `run` is the one whose process died. */
export interface Orphan extends Unowned {
  readonly jobFolder: string;
}

/** What a store can be asked. Nothing here writes. */
export interface Lineage extends Reuse, MetricsLineage {
  /** @throws UserError 'store-damaged' */
  artifact(digest: Digest): Artifact | undefined;
  /** Whether all of its bytes are in the store, by size, and none is in quarantine. */
  isPresent(artifact: Digest): boolean;
  /** Newest first; all of them without a limit. */
  runs(limit?: number): readonly Run[];
  run(id: RunId): Run | undefined;
  /** The run that was begun last, of this recipe or of any. */
  latestRun(recipe?: string): Run | undefined;
  /** The newest decision per node, in the order of the first decisions. */
  nodesOf(run: RunId): readonly RunNode[];
  /** What succeeded attempts that the run uses made of one kind, in the order of the nodes. */
  outputsOfKind(run: RunId, kind: string): readonly MadeInRun[];
  attempt(id: AttemptId): Attempt | undefined;
  /** Every attempt that this run began for the node, oldest first. */
  attemptsOf(run: RunId, node: string): readonly Attempt[];
  /** Every attempt with this fingerprint, whatever became of it, newest first. */
  attemptsByFingerprint(fingerprint: Digest): readonly Attempt[];
  /** The run whose process, alive, is at an attempt with this fingerprint that has no outcome yet. */
  runAtWork(fingerprint: Digest): RunId | undefined;
  /** What the code digest of an attempt was computed from. */
  codeParts(attempt: AttemptId): Json | undefined;
  /**
   * The newest succeeded attempt that a run of the recipe used for this node; to say what changed since. One of a run with
   * `seed` comes first: runs with several seeds take turns, and another seed's attempt differs in all that is trained.
   */
  latestSuccess(recipe: string, node: string, seed?: number): Attempt | undefined;
  /** The same, whatever became of it. */
  latestAttempt(recipe: string, node: string, seed?: number): Attempt | undefined;
  /** Newest first. */
  reproductions(attempt: AttemptId): readonly Reproduction[];
  /** What earlier successes of this stage at this node cost, newest first. */
  history(node: string, stage: string, limit?: number): readonly PastAttempt[];
  /** Whether the process that runs the run lives. */
  isAlive(run: RunId): boolean;
  /** Attempts without an outcome whose runner is dead. */
  orphans(): readonly Orphan[];
  /** One view of the store for many reads, which then cost less; nothing may be written inside. */
  reading<T>(work: () => T): T;
}

interface OutcomeRow {
  readonly ok: 0 | 1 | null;
  readonly reason: string;
  readonly detail: string;
  readonly ended_at: number;
  readonly wall_ms: number | null;
  readonly user_ms: number | null;
  readonly system_ms: number | null;
  readonly peak_bytes: number | null;
  readonly read_bytes: number | null;
  readonly written_bytes: number | null;
  readonly tokens: number | null;
}

const OUTCOME = `o.ok, o.reason, o.detail, o.at AS ended_at, o.wall_ms, o.user_ms, o.system_ms, o.peak_bytes, o.read_bytes, o.written_bytes, o.tokens`;

function toCost(row: OutcomeRow): Cost | undefined {
  if (row.wall_ms === null) return undefined;
  return {
    wallMs: row.wall_ms,
    ...(row.user_ms === null ? {} : {userMs: row.user_ms}),
    ...(row.system_ms === null ? {} : {systemMs: row.system_ms}),
    ...(row.peak_bytes === null ? {} : {peakBytes: row.peak_bytes}),
    ...(row.read_bytes === null ? {} : {readBytes: row.read_bytes}),
    ...(row.written_bytes === null ? {} : {writtenBytes: row.written_bytes}),
    ...(row.tokens === null ? {} : {tokens: row.tokens}),
  };
}

function toOutcome(row: OutcomeRow): (Outcome & {readonly at: number}) | undefined {
  if (row.ok === null) return undefined;
  const cost = toCost(row);
  return {
    ok: row.ok === 1,
    reason: row.reason,
    detail: parseJson(row.detail),
    at: row.ended_at,
    ...(cost === undefined ? {} : {cost}),
  };
}

interface RunRow {
  readonly id: number;
  readonly recipe: string;
  readonly seed: number;
  readonly plan: string;
  readonly command: string;
  readonly started_at: number;
  readonly sessions: number;
  readonly outcome: string | null;
  readonly ended_at: number | null;
}

const RUN = `
  SELECT r.id, r.recipe, r.seed, d.json AS plan, r.command, r.started_at,
         (SELECT count(*) FROM session s WHERE s.run = r.id) AS sessions, e.outcome, e.at AS ended_at
  FROM run r
  JOIN document d ON d.id = r.plan
  LEFT JOIN session_end e ON e.session = (SELECT max(s.id) FROM session s WHERE s.run = r.id)`;

function toRun(row: RunRow): Run {
  const end = row.outcome === null || row.ended_at === null ? undefined : {outcome: row.outcome, at: row.ended_at};
  const {id, recipe, seed, command, sessions} = row;
  return {
    id: id as RunId,
    recipe,
    seed,
    plan: parseJson(row.plan),
    command,
    startedAt: row.started_at,
    end,
    sessions,
  };
}

interface AttemptRow extends OutcomeRow {
  readonly id: number;
  readonly run: number;
  readonly node: string;
  readonly stage: string;
  readonly fingerprint: string;
  readonly ingredients: string;
  readonly params: string;
  readonly seed: number;
  readonly because: string;
  readonly continues: number | null;
  readonly continues_step: number | null;
  readonly accepted: string | null;
  readonly started_at: number;
}

const ATTEMPT = `
  SELECT a.id, a.run, a.node, a.stage, a.fingerprint, i.json AS ingredients, p.json AS params, a.seed, a.because,
         a.continues, a.continues_step, a.accepted, a.started_at, ${OUTCOME}
  FROM attempt a
  JOIN document i ON i.id = a.ingredients
  JOIN document p ON p.id = a.params
  LEFT JOIN outcome o ON o.attempt = a.id`;

export interface LineageContext {
  readonly db: Database;
  readonly layout: Layout;
  readonly rows: ArtifactRows;
  readonly blobs: Blobs;
  readonly locks: RunnerLocks;
  readonly ownerships: Ownerships;
  readonly reuse: Reuse;
}

export function openLineage({db, layout, rows, blobs, locks, ownerships, reuse}: LineageContext): Lineage {
  const inputsOf = (attempt: number): readonly InputEdge[] =>
    db
      .prepare<{port: string; name: string; digest: string; made_by: number}>(
        `SELECT i.port, i.name, a.digest, i.made_by FROM input i JOIN artifact a ON a.id = i.artifact
         WHERE i.attempt = ? ORDER BY i.port, i.name`,
      )
      .all(attempt)
      .map(({port, name, digest, made_by}) => ({
        port,
        name,
        artifact: parseDigest(digest),
        madeBy: made_by as AttemptId,
      }));

  const outputsOf = (attempt: number): readonly OutputEdge[] =>
    db
      .prepare<{port: string; kind: string; digest: string; bytes: number}>(
        `SELECT o.port, o.kind, a.digest, a.bytes FROM output o JOIN artifact a ON a.id = o.artifact
         WHERE o.attempt = ? ORDER BY o.port`,
      )
      .all(attempt)
      .map(({port, kind, digest, bytes}) => ({port, kind, artifact: parseDigest(digest), bytes}));

  const toAttempt = (row: AttemptRow): Attempt => ({
    id: row.id as AttemptId,
    run: row.run as RunId,
    node: row.node,
    stage: row.stage,
    fingerprint: parseDigest(row.fingerprint),
    ingredients: parseJson(row.ingredients),
    params: parseJson(row.params),
    seed: row.seed,
    because: row.because,
    continues:
      row.continues === null
        ? undefined
        : {
            attempt: row.continues as AttemptId,
            step: row.continues_step ?? 0,
            ...(row.accepted === null ? {} : {accepted: row.accepted}),
          },
    startedAt: row.started_at,
    inputs: inputsOf(row.id),
    outputs: outputsOf(row.id),
    outcome: toOutcome(row),
  });

  const latest = (recipe: string, node: string, seed: number | undefined, condition: string): Attempt | undefined => {
    const find = (ofSeed: string, ...more: number[]): AttemptRow | undefined =>
      db
        .prepare<AttemptRow>(
          `${ATTEMPT} WHERE a.id = (
             SELECT d.attempt FROM decision d JOIN run r ON r.id = d.run AND r.recipe = ? ${ofSeed} ${condition}
             WHERE d.node = ? AND d.attempt IS NOT NULL ORDER BY d.run DESC, d.id DESC LIMIT 1)`,
        )
        .get(recipe, ...more, node);
    const row = (seed === undefined ? undefined : find('AND r.seed = ?', seed)) ?? find('');
    return row === undefined ? undefined : toAttempt(row);
  };

  return {
    ...openMetricsLineage(db),
    findByFingerprint: (fingerprint) => reuse.findByFingerprint(fingerprint),
    whyGone: (fingerprint) => reuse.whyGone(fingerprint),
    artifact: (digest) => rows.load(digest),
    isAlive: (run) => locks.isAlive(run),
    orphans: () => ownerships.unowned().map((orphan) => ({...orphan, jobFolder: jobFolder(layout, orphan.attempt)})),
    reading: (work) => db.snapshot(work, 'carry this out'),
    isPresent(artifact) {
      const id = rows.idOf(artifact);
      return id !== undefined && rows.filesOf(id).every(({sha256, bytes}) => blobs.isPresent(sha256, bytes));
    },
    runs: (limit = -1) => db.prepare<RunRow>(`${RUN} ORDER BY r.id DESC LIMIT ?`).all(limit).map(toRun),
    run(id) {
      const row = db.prepare<RunRow>(`${RUN} WHERE r.id = ?`).get(id);
      return row === undefined ? undefined : toRun(row);
    },
    latestRun(recipe) {
      const row =
        recipe === undefined
          ? db.prepare<RunRow>(`${RUN} ORDER BY r.id DESC LIMIT 1`).get()
          : db.prepare<RunRow>(`${RUN} WHERE r.recipe = ? ORDER BY r.id DESC LIMIT 1`).get(recipe);
      return row === undefined ? undefined : toRun(row);
    },
    nodesOf: (run) =>
      db
        .prepare<OutcomeRow & {node: string; action: Action; attempt: number | null; because: string; at: number}>(
          `SELECT d.node, d.action, d.attempt, d.because, d.at, ${OUTCOME}
           FROM (SELECT min(id) AS first, max(id) AS newest FROM decision WHERE run = ? GROUP BY node) n
           JOIN decision d ON d.id = n.newest
           LEFT JOIN outcome o ON o.attempt = d.attempt
           ORDER BY n.first`,
        )
        .all(run)
        .map((row) => ({
          run,
          node: row.node,
          action: row.action,
          ...(row.attempt === null ? {} : {attempt: row.attempt as AttemptId}),
          because: row.because,
          at: row.at,
          outcome: toOutcome(row),
        })),
    outputsOfKind: (run, kind) =>
      db
        .prepare<{node: string; attempt: number; digest: string; inputs: number}>(
          `SELECT d.node, d.attempt, a.digest, (SELECT count(*) FROM input i WHERE i.attempt = d.attempt) AS inputs
           FROM (SELECT min(id) AS first, max(id) AS newest FROM decision WHERE run = ? GROUP BY node) n
           JOIN decision d ON d.id = n.newest
           JOIN outcome x ON x.attempt = d.attempt AND x.ok = 1
           JOIN output o ON o.attempt = d.attempt AND o.kind = ?
           JOIN artifact a ON a.id = o.artifact
           ORDER BY n.first, o.port`,
        )
        .all(run, kind)
        .map(({node, attempt, digest, inputs}) => ({
          node,
          attempt: attempt as AttemptId,
          artifact: parseDigest(digest),
          inputs,
        })),
    attempt(id) {
      const row = db.prepare<AttemptRow>(`${ATTEMPT} WHERE a.id = ?`).get(id);
      return row === undefined ? undefined : toAttempt(row);
    },
    attemptsOf: (run, node) =>
      db.prepare<AttemptRow>(`${ATTEMPT} WHERE a.run = ? AND a.node = ? ORDER BY a.id`).all(run, node).map(toAttempt),
    attemptsByFingerprint: (fingerprint) =>
      db.prepare<AttemptRow>(`${ATTEMPT} WHERE a.fingerprint = ? ORDER BY a.id DESC`).all(fingerprint).map(toAttempt),
    runAtWork(fingerprint) {
      const newest = ownerships.newest(fingerprint);
      return newest?.finished === 0 && ownerships.isOwned(newest) ? newest.run : undefined;
    },
    codeParts(attempt) {
      const row = db
        .prepare<{json: string}>('SELECT d.json FROM attempt a JOIN document d ON d.id = a.code_parts WHERE a.id = ?')
        .get(attempt);
      return row === undefined ? undefined : parseJson(row.json);
    },
    latestSuccess: (recipe, node, seed) =>
      latest(recipe, node, seed, 'JOIN outcome k ON k.attempt = d.attempt AND k.ok = 1'),
    latestAttempt: (recipe, node, seed) => latest(recipe, node, seed, ''),
    reproductions: (attempt) =>
      db
        .prepare<{verdict: Reproduction['verdict']; detail: string; at: number}>(
          'SELECT verdict, detail, at FROM reproduction WHERE attempt = ? ORDER BY id DESC',
        )
        .all(attempt)
        .map(({verdict, detail, at}) => ({verdict, detail: parseJson(detail), at})),
    history: (node, stage, limit = 20) =>
      db
        .prepare<OutcomeRow & {id: number; output_bytes: number}>(
          `SELECT a.id, ${OUTCOME},
                  (SELECT coalesce(sum(x.bytes), 0) FROM output p JOIN artifact x ON x.id = p.artifact WHERE p.attempt = a.id) AS output_bytes
           FROM attempt a JOIN outcome o ON o.attempt = a.id AND o.reason = 'succeeded' AND o.wall_ms IS NOT NULL
           WHERE a.node = ? AND a.stage = ? ORDER BY a.id DESC LIMIT ?`,
        )
        .all(node, stage, limit)
        .map((row) => ({
          attempt: row.id as AttemptId,
          at: row.ended_at,
          outputBytes: row.output_bytes,
          ...toCost(row)!,
        })),
  };
}
