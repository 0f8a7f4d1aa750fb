/** Blobs whose bytes are not what their name says. They stay where they are, but nothing is made from them any more. */
import type {Database} from '../database/database.js';
import type {Digest} from '../digest.js';

export interface Quarantine {
  has(sha256: Digest): boolean;
  add(sha256: Digest, because: string): void;
  /** The bytes match again: they were repaired, or stored again. */
  lift(sha256: Digest): void;
}

export function openQuarantine(db: Database, readonly: boolean): Quarantine {
  const has = (sha256: Digest): boolean =>
    db.prepare('SELECT 1 FROM quarantine WHERE sha256 = ?').get(sha256) !== undefined;
  return {
    has,
    add(sha256, because) {
      if (readonly || has(sha256)) return;
      const insert = db.prepare('INSERT OR IGNORE INTO quarantine (sha256, found_at, because) VALUES (?, ?, ?)');
      db.transact(() => insert.run(sha256, Date.now(), because));
    },
    lift(sha256) {
      if (readonly || !has(sha256)) return;
      db.transact(() => db.prepare('DELETE FROM quarantine WHERE sha256 = ?').run(sha256));
    },
  };
}
