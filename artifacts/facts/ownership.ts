/**
 * Who may record an outcome. A claim ties an attempt to a session, that is to one process that runs or resumed a run; the
 * newest claim on a fingerprint is the one that counts, so a runner that wakes up after a takeover changes nothing.
 */
import type {Database} from '../database/database.js';
import type {Digest} from '../digest.js';
import type {AttemptId, ClaimId, RunId} from '../records.js';
import type {RunnerLocks} from '../database/runner-lock.js';

export interface Claim {
  readonly id: ClaimId;
  readonly attempt: AttemptId;
  readonly session: number;
  readonly run: RunId;
  /** 1 when the attempt has an outcome. */
  readonly finished: 0 | 1;
}

/** An attempt without an outcome whose runner is dead. */
export interface Unowned {
  readonly attempt: AttemptId;
  readonly run: RunId;
  readonly node: string;
  readonly fingerprint: Digest;
}

export interface Claims {
  /** Notes that this process now runs `run`. Inside a transaction. */
  beginSession(run: RunId, command: string): void;
  /** The session of a run that this process began or resumed. */
  sessionOf(run: RunId): number;
  newest(fingerprint: string): Claim | undefined;
  /** The process that made the claim still runs: it holds the run's lock, and nobody has resumed the run since. */
  isOwned(claim: Claim): boolean;
  add(fingerprint: string, attempt: AttemptId, run: RunId): ClaimId;
  unowned(): readonly Unowned[];
}

export function openClaims(db: Database, locks: RunnerLocks): Claims {
  const sessions = new Map<RunId, number>();

  const sessionOf = (run: RunId): number => {
    const session = sessions.get(run);
    if (session === undefined) throw new Error(`Internal error: run ${run} was neither begun nor resumed here`);
    return session;
  };

  const newest = (fingerprint: string): Claim | undefined =>
    db
      .prepare<Claim>(
        `SELECT c.id, c.attempt, c.session, s.run,
                EXISTS (SELECT 1 FROM outcome o WHERE o.attempt = c.attempt) AS finished
         FROM claim c JOIN session s ON s.id = c.session
         WHERE c.fingerprint = ? ORDER BY c.id DESC LIMIT 1`,
      )
      .get(fingerprint);

  const isOwned = ({run, session}: Claim): boolean => {
    if (sessions.get(run) === session) return locks.isMine(run);
    const last = db.prepare<{id: number}>('SELECT max(id) AS id FROM session WHERE run = ?').get(run)!.id;
    return last === session && locks.isAlive(run);
  };

  return {
    sessionOf,
    newest,
    isOwned,
    beginSession(run, command) {
      const insert = db.prepare('INSERT INTO session (run, command, started_at) VALUES (?, ?, ?)');
      sessions.set(run, Number(insert.run(run, command, Date.now()).lastInsertRowid));
    },
    add(fingerprint, attempt, run) {
      if (!locks.isMine(run)) throw new Error(`Internal error: run ${run} is not held by this process`);
      const insert = db.prepare('INSERT INTO claim (fingerprint, attempt, session, at) VALUES (?, ?, ?, ?)');
      return Number(insert.run(fingerprint, attempt, sessionOf(run), Date.now()).lastInsertRowid) as ClaimId;
    },
    unowned: () =>
      db
        .prepare<Omit<Unowned, 'run'>>(
          'SELECT f.attempt, a.node, a.fingerprint FROM in_flight f JOIN attempt a ON a.id = f.attempt ORDER BY f.attempt',
        )
        .all()
        .flatMap(({attempt, node, fingerprint}) => {
          const claim = newest(fingerprint);
          if (claim?.attempt !== attempt || claim.finished === 1 || isOwned(claim)) return [];
          return [{attempt, run: claim.run, node, fingerprint}];
        }),
  };
}
