/** Curves. Points are taken in batches, together with how far the events file was read, so that none is lost or doubled. */
import type {Database} from '../database/database.js';
import type {AttemptId, MetricPoint} from '../records.js';

/** Which points of an attempt are wanted. */
export interface MetricsOptions {
  /** Only the curve of this name; all of them without it. */
  readonly name?: string;
  /** Adds what the attempts whose checkpoints it went on from left behind; where both have a step, the later one wins. */
  readonly throughCheckpoints?: boolean;
}

export interface MetricsRecorder {
  /** A batch with the byte offset of events.jsonl behind it, in one transaction. A repeated (name, step) replaces. */
  addMetrics(attempt: AttemptId, points: readonly MetricPoint[], eventsOffset: number): void;
}

export interface MetricsLineage {
  /** Where to go on reading events.jsonl; 0 at first. */
  eventsOffset(attempt: AttemptId): number;
  /** Sorted by name, then step. */
  metrics(attempt: AttemptId, options?: MetricsOptions): readonly MetricPoint[];
}

export function openMetricsRecorder(db: Database): MetricsRecorder {
  return {
    addMetrics(attempt, points, eventsOffset) {
      const insert = db.prepare('INSERT OR REPLACE INTO metric (attempt, name, step, value) VALUES (?, ?, ?, ?)');
      const mark = db.prepare('INSERT OR REPLACE INTO events_read (attempt, offset) VALUES (?, ?)');
      // A power cut may take a batch back, and its offset with it: the events are read again then.
      db.transactLoosely(() => {
        for (const {name, step, value} of points) insert.run(attempt, name, step, Number.isNaN(value) ? null : value);
        mark.run(attempt, eventsOffset);
      });
    },
  };
}

export function openMetricsLineage(db: Database): MetricsLineage {
  return {
    eventsOffset: (attempt) =>
      db.prepare<{offset: number}>('SELECT offset FROM events_read WHERE attempt = ?').get(attempt)?.offset ?? 0,
    metrics(attempt, {name, throughCheckpoints = false} = {}) {
      const rows = db
        .prepare<{name: string; step: number; value: number | null}>(
          `WITH RECURSIVE chain(attempt, before) AS (
             VALUES (CAST(? AS INTEGER), 9223372036854775807)
             UNION ALL
             SELECT a.continues, min(a.continues_step, chain.before)
             FROM chain JOIN attempt a ON a.id = chain.attempt
             WHERE ? AND a.continues IS NOT NULL
           )
           SELECT m.name, m.step, m.value, max(m.attempt)
           FROM chain JOIN metric m ON m.attempt = chain.attempt AND m.step <= chain.before
           WHERE ? IS NULL OR m.name = ?
           GROUP BY m.name, m.step ORDER BY m.name, m.step`,
        )
        .all(attempt, throughCheckpoints ? 1 : 0, name ?? null, name ?? null);
      return rows.map((row) => ({name: row.name, step: row.step, value: row.value ?? NaN}));
    },
  };
}
