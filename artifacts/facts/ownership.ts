/**
 * Who may record an outcome. An ownership ties an attempt to a session, that is to one process that runs or resumed a run;
 * of those of a fingerprint the newest counts, so a runner that wakes up after a takeover changes nothing (the number is a
 * fencing token). In the database they are the rows of `claim`.
 */
import type {Database} from '../database/database.js';
import type {Digest} from '../digest.js';
import type {AttemptId, OwnershipId, RunId} from '../records.js';
import type {RunnerLocks} from '../database/runner-lock.js';

export interface Ownership {
  readonly id: OwnershipId;
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

export interface Ownerships {
  /** Notes that this process now runs `run`. Inside a transaction. */
  beginSession(run: RunId, command: string): void;
  /** The session of a run that this process began or resumed. */
  sessionOf(run: RunId): number;
  newest(fingerprint: string): Ownership | undefined;
  /** The process that took the ownership still runs: it holds the run's lock, and nobody has resumed the run since. */
  isOwned(ownership: Ownership): boolean;
  add(fingerprint: string, attempt: AttemptId, run: RunId): OwnershipId;
  unowned(): readonly Unowned[];
}

export function openOwnerships(db: Database, locks: RunnerLocks): Ownerships {
  const sessions = new Map<RunId, number>();

  const sessionOf = (run: RunId): number => {
    const session = sessions.get(run);
    if (session === undefined) throw new Error(`Internal error: run ${run} was neither begun nor resumed here`);
    return session;
  };

  const newest = (fingerprint: string): Ownership | undefined =>
    db
      .prepare<Ownership>(
        `SELECT c.id, c.attempt, c.session, s.run,
                EXISTS (SELECT 1 FROM outcome o WHERE o.attempt = c.attempt) AS finished
         FROM claim c JOIN session s ON s.id = c.session
         WHERE c.fingerprint = ? ORDER BY c.id DESC LIMIT 1`,
      )
      .get(fingerprint);

  const isOwned = ({run, session}: Ownership): boolean => {
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
      return Number(insert.run(fingerprint, attempt, sessionOf(run), Date.now()).lastInsertRowid) as OwnershipId;
    },
    unowned: () =>
      db
        .prepare<Omit<Unowned, 'run'>>(
          'SELECT f.attempt, a.node, a.fingerprint FROM in_flight f JOIN attempt a ON a.id = f.attempt ORDER BY f.attempt',
        )
        .all()
        .flatMap(({attempt, node, fingerprint}) => {
          const ownership = newest(fingerprint);
          if (ownership?.attempt !== attempt || ownership.finished === 1 || isOwned(ownership)) return [];
          return [{attempt, run: ownership.run, node, fingerprint}];
        }),
  };
}
