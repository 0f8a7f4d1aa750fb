/**
 * The second face of a store: the recorder. Writes the lineage: one transaction per fact, all of its rows or none. Nothing
 * here changes a row of the past, and nothing is recorded whose bytes are not in the store already.
 */
import type {ArtifactRows} from './artifact-rows.js';
import type {Blobs} from '../blobs/blobs.js';
import type {Ownerships} from './ownership.js';
import type {Database} from '../database/database.js';
import {digestOf} from '../digest.js';
import type {Digest, Json} from '../digest.js';
import {UserError} from '../error.js';
import type {GcLock} from '../blobs/gc-lock.js';
import type {Lock, RunnerLocks} from '../database/runner-lock.js';
import {jobFolder} from '../layout.js';
import type {Layout} from '../layout.js';
import {openMetricsRecorder} from './metrics.js';
import type {MetricsRecorder} from './metrics.js';
import type {Reusable, ReuseChecks} from './reuse.js';
import type {
  Artifact,
  AttemptId,
  OwnershipId,
  Continuation,
  Decision,
  InputEdge,
  Outcome,
  Reproduction,
  RunId,
} from '../records.js';

/** A run to begin. */
export interface NewRun {
  readonly recipe: string;
  readonly seed: number;
  /** The frozen plan: wiring, params, source digests. */
  readonly plan: Json;
  /** As it was typed. */
  readonly command: string;
}

/** An attempt to begin, with all that its fingerprint is made of. */
export interface NewAttempt {
  readonly run: RunId;
  readonly node: string;
  readonly stage: string;
  readonly fingerprint: Digest;
  /** Exactly what the fingerprint is the digest of. */
  readonly ingredients: Json;
  /** What the code digest among the ingredients was computed from, so that a diff can name the file. Stored once. */
  readonly codeParts?: Json;
  readonly params: Json;
  readonly seed: number;
  /** Why it is made, as a phrase. */
  readonly because: string;
  readonly inputs: readonly InputEdge[];
  /** The checkpoint that it starts from. */
  readonly continues?: Continuation;
  /** Begin although a finished attempt with this fingerprint exists (`--force`). In-flight ones still come first. */
  readonly force?: boolean;
}

/** The answer to “may I run this?”; decided and recorded in one transaction, so that no node runs twice. */
export type BeginResult =
  /** Go: the attempt, its ownership and the decision 'run' are recorded; its job folder is yours to make. */
  | {
      readonly state: 'claimed';
      readonly attempt: AttemptId;
      readonly ownership: OwnershipId;
      readonly jobFolder: string;
    }
  /** Somebody finished the same fingerprint meanwhile; reuse it. */
  | {readonly state: 'done'; readonly attempt: AttemptId}
  /** A live runner (maybe this one) is at it; wait for its outcome and ask again. */
  | {readonly state: 'busy'; readonly attempt: AttemptId; readonly run: RunId}
  /** Its runner is dead and it has no outcome: `adopt` it, then resume it or end it. */
  | {readonly state: 'orphan'; readonly attempt: AttemptId; readonly run: RunId; readonly jobFolder: string};

/** An attempt of a dead runner that another run takes over. */
export interface Adoption {
  readonly attempt: AttemptId;
  /** The run that takes over; its lock must be held. */
  readonly run: RunId;
  /** The node of that run which uses the attempt; left out when the orphan is only taken over to be ended. */
  readonly node?: string;
  readonly because: string;
}

/** How an attempt ended. */
export interface AttemptEnd {
  readonly attempt: AttemptId;
  /** What `beginAttempt` or `adopt` gave; an older one than somebody else holds records nothing. */
  readonly ownership: OwnershipId;
  readonly outcome: Outcome;
  /** What `ingest` returned, by output port. Empty unless the outcome is ok. */
  readonly outputs?: Readonly<Record<string, Artifact>>;
}

/** Something from outside that a node stands for. */
export interface Source {
  readonly run: RunId;
  readonly node: string;
  readonly artifact: Artifact;
  /** Where it came from, for people to read. */
  readonly path: string;
  readonly because: string;
  /** The output that it stands in for. Default 'output'. */
  readonly port?: string;
}

/** What writes the facts of a store: each call is one transaction. */
export interface Recorder extends MetricsRecorder {
  /** Undefined when another process runs this run. */
  holdRunnerLock(run: RunId): Lock | undefined;
  beginRun(run: NewRun): RunId;
  /** Another session of a run; hold its lock first. */
  resumeRun(run: RunId, command: string): void;
  /** Ends the session that this process began. `outcome` is the runner's word: 'succeeded', 'failed', 'stopped' … */
  endRun(run: RunId, outcome: string): void;
  /**
   * A power cut may take the beginning back, until an outcome is recorded or `settle` resolves: so a job folder may be
   * there of an attempt that nobody knows of.
   */
  beginAttempt(attempt: NewAttempt): BeginResult;
  /**
   * Takes over an orphan: a new ownership, and a decision 'run' where a node is named. Undefined when its owner turned out
   * to live, or it got an outcome meanwhile.
   */
  adopt(adoption: Adoption): OwnershipId | undefined;
  /** 'superseded': somebody else holds a newer ownership, or recorded an outcome already; nothing was written. */
  finishAttempt(finished: AttemptEnd): 'recorded' | 'superseded';
  /**
   * The same without keeping everybody waiting for the disk: durable when it resolves, and those that end at the same
   * time share the way there. Where the disk fails then, the fact is written, but a power cut may still take it back.
   */
  finishAttemptSoon(finished: AttemptEnd): Promise<'recorded' | 'superseded'>;
  /** A file or folder from outside as a node: an attempt of stage 'source' and the decision 'source'. Ingest it first. */
  recordSource(source: Source): AttemptId;
  /**
   * All or none. Returns the nodes whose reused bytes are gone since the plan was made; then nothing was written, and it
   * is time to plan again.
   */
  recordDecisions(decisions: readonly Decision[]): readonly string[];
  /** What came of making an attempt again. */
  recordReproduction(attempt: AttemptId, reproduction: Omit<Reproduction, 'at'>): void;
  /** Resolves when all that was written so far would survive a power cut. */
  flush(): Promise<void>;
}

export interface RecorderContext {
  readonly db: Database;
  readonly layout: Layout;
  readonly rows: ArtifactRows;
  readonly blobs: Blobs;
  readonly gcLock: GcLock;
  readonly locks: RunnerLocks;
  readonly ownerships: Ownerships;
  readonly reuse: ReuseChecks;
  /** Resolves when what was written so far would survive a power cut. */
  readonly flush: () => Promise<void>;
}

export function openRecorder({
  db,
  layout,
  rows,
  blobs,
  gcLock,
  locks,
  ownerships,
  reuse,
  flush,
}: RecorderContext): Recorder {
  const addDecision = ({run, node, action, attempt, because}: Decision): void => {
    db.prepare('INSERT INTO decision (run, node, action, attempt, because, at) VALUES (?, ?, ?, ?, ?, ?)').run(
      run,
      node,
      action,
      attempt ?? null,
      because,
      Date.now(),
    );
  };

  const artifactId = (digest: Digest): number => {
    const id = rows.idOf(digest);
    if (id === undefined) throw new Error(`Internal error: artifact ${digest} is used before it was recorded`);
    return id;
  };

  const addAttempt = (attempt: NewAttempt): AttemptId => {
    const {run, node, stage, fingerprint, seed, because, continues} = attempt;
    const inserted = db
      .prepare(
        `INSERT INTO attempt (run, node, stage, fingerprint, ingredients, code_parts, params, seed, because,
                              continues, continues_step, accepted, started_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        run,
        node,
        stage,
        fingerprint,
        rows.saveDocument(attempt.ingredients),
        attempt.codeParts === undefined ? null : rows.saveShared(attempt.codeParts),
        rows.saveDocument(attempt.params),
        seed,
        because,
        continues?.attempt ?? null,
        continues?.step ?? null,
        continues?.accepted ?? null,
        Date.now(),
      );
    const id = Number(inserted.lastInsertRowid) as AttemptId;
    const addInput = db.prepare('INSERT INTO input (attempt, port, name, artifact, made_by) VALUES (?, ?, ?, ?, ?)');
    for (const {port, name, artifact, madeBy} of attempt.inputs)
      addInput.run(id, port, name, artifactId(artifact), madeBy);
    return id;
  };

  const addOutcome = (attempt: AttemptId, {ok, reason, detail, cost}: Outcome): void => {
    db.prepare(
      `INSERT INTO outcome (attempt, ok, reason, detail, at, wall_ms, user_ms, system_ms, peak_bytes, read_bytes, written_bytes, tokens)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      attempt,
      ok ? 1 : 0,
      reason,
      JSON.stringify(detail),
      Date.now(),
      cost?.wallMs ?? null,
      cost?.userMs ?? null,
      cost?.systemMs ?? null,
      whole(cost?.peakBytes),
      whole(cost?.readBytes),
      whole(cost?.writtenBytes),
      whole(cost?.tokens),
    );
  };

  /** Bytes first, row last: whatever is recorded has its blobs in the store. */
  const requireBytes = (what: string, artifact: Artifact): void => {
    if (artifact.files.every(({sha256, bytes}) => blobs.isPresent(sha256, bytes))) return;
    throw new UserError('bytes-missing', `the bytes of ${what} went out of the store before they could be recorded`, {
      hint: 'run it again',
    });
  };

  const addOutput = (attempt: AttemptId, port: string, artifact: Artifact): void => {
    requireBytes(`output ${port}`, artifact);
    db.prepare('INSERT INTO output (attempt, port, kind, artifact) VALUES (?, ?, ?, ?)').run(
      attempt,
      port,
      artifact.kind,
      rows.save(artifact),
    );
  };

  /** Inside a transaction. */
  const finish = ({attempt, ownership, outcome, outputs = {}}: AttemptEnd): 'recorded' | 'superseded' => {
    const row = db.prepare<{fingerprint: string}>('SELECT fingerprint FROM attempt WHERE id = ?').get(attempt);
    if (row === undefined) throw new Error(`Internal error: attempt ${attempt} does not exist`);
    const newest = ownerships.newest(row.fingerprint);
    if (newest?.id !== ownership || newest.attempt !== attempt || newest.finished === 1) return 'superseded';
    if (!outcome.ok && Object.keys(outputs).length > 0)
      throw new Error('Internal error: a failed attempt has no outputs');
    for (const [port, artifact] of Object.entries(outputs)) addOutput(attempt, port, artifact);
    addOutcome(attempt, outcome);
    db.prepare('DELETE FROM in_flight WHERE attempt = ?').run(attempt);
    return 'recorded';
  };

  return {
    ...openMetricsRecorder(db),
    flush,
    holdRunnerLock: (run) => locks.hold(run),
    // Durable with the next fact that is, as the beginning of an attempt is.
    beginRun: ({recipe, seed, plan, command}) =>
      db.transactLoosely(() => {
        const insert = db.prepare('INSERT INTO run (recipe, seed, plan, command, started_at) VALUES (?, ?, ?, ?, ?)');
        const id = Number(
          insert.run(recipe, seed, rows.saveDocument(plan), command, Date.now()).lastInsertRowid,
        ) as RunId;
        ownerships.beginSession(id, command);
        return id;
      }),

    resumeRun: (run, command) => db.transact(() => ownerships.beginSession(run, command)),

    endRun: (run, outcome) =>
      db.transact(() => {
        db.prepare('INSERT INTO session_end (session, outcome, at) VALUES (?, ?, ?)').run(
          ownerships.sessionOf(run),
          outcome,
          Date.now(),
        );
      }),

    beginAttempt: (wanted) =>
      gcLock.runSharedNow(() =>
        db.transactLoosely((): BeginResult => {
          const newest = ownerships.newest(wanted.fingerprint);
          if (newest?.finished === 0) {
            const {attempt, run} = newest;
            if (ownerships.isOwned(newest)) return {state: 'busy', attempt, run};
            return {state: 'orphan', attempt, run, jobFolder: jobFolder(layout, attempt)};
          }
          const done: Reusable | undefined =
            wanted.force === true ? undefined : reuse.findByFingerprint(wanted.fingerprint);
          if (done !== undefined) return {state: 'done', attempt: done.attempt};
          const attempt = addAttempt(wanted);
          db.prepare('INSERT INTO in_flight (attempt) VALUES (?)').run(attempt);
          const ownership = ownerships.add(wanted.fingerprint, attempt, wanted.run);
          addDecision({run: wanted.run, node: wanted.node, action: 'run', attempt, because: wanted.because});
          return {state: 'claimed', attempt, ownership, jobFolder: jobFolder(layout, attempt)};
        }),
      ),

    adopt: ({attempt, run, node, because}) =>
      db.transact(() => {
        const row = db.prepare<{fingerprint: string}>('SELECT fingerprint FROM attempt WHERE id = ?').get(attempt);
        if (row === undefined) throw new Error(`Internal error: attempt ${attempt} does not exist`);
        const newest = ownerships.newest(row.fingerprint);
        if (newest?.attempt !== attempt || newest.finished === 1 || ownerships.isOwned(newest)) return undefined;
        const ownership = ownerships.add(row.fingerprint, attempt, run);
        if (node !== undefined) addDecision({run, node, action: 'run', attempt, because});
        return ownership;
      }),

    finishAttempt: (finished) => gcLock.runSharedNow(() => db.transact(() => finish(finished))),

    async finishAttemptSoon(finished) {
      const state = gcLock.runSharedNow(() => db.transactLoosely(() => finish(finished)));
      await flush();
      return state;
    },

    recordSource: ({run, node, artifact, path, because, port = 'output'}) =>
      gcLock.runSharedNow(() =>
        db.transact(() => {
          const ingredients = {source: {node, port, path, artifact: artifact.digest, kind: artifact.kind}};
          const fingerprint = digestOf('source', ingredients);
          requireBytes(node, artifact);
          const known = db
            .prepare<{id: AttemptId}>('SELECT id FROM attempt WHERE fingerprint = ? ORDER BY id DESC LIMIT 1')
            .get(fingerprint)?.id;
          const made = {
            run,
            node,
            stage: 'source',
            fingerprint,
            ingredients,
            params: {path},
            seed: 0,
            because,
            inputs: [],
          };
          const attempt = known ?? addAttempt(made);
          if (known === undefined) {
            addOutput(attempt, port, artifact);
            addOutcome(attempt, {ok: true, reason: 'succeeded', detail: null});
          }
          addDecision({run, node, action: 'source', attempt, because});
          return attempt;
        }),
      ),

    recordReproduction: (attempt, {verdict, detail}) =>
      db.transact(() => {
        const insert = db.prepare('INSERT INTO reproduction (attempt, verdict, detail, at) VALUES (?, ?, ?, ?)');
        insert.run(attempt, verdict, JSON.stringify(detail), Date.now());
      }),

    // Durable with the next fact that is: a decision that a power cut takes back is taken again.
    recordDecisions: (decisions) =>
      gcLock.runSharedNow(() =>
        db.transactLoosely(() => {
          const gone = decisions.filter(
            ({action, attempt}) =>
              (action === 'reuse' || action === 'source') && (attempt === undefined || !reuse.outputsPresent(attempt)),
          );
          if (gone.length === 0) for (const decision of decisions) addDecision(decision);
          return gone.map(({node}) => node);
        }),
      ),
  };
}

/** Columns of whole numbers; a measurement may have been averaged. */
const whole = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value));
