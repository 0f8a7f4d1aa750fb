/** Changes the facts of a store as whoever sends it could: without its triggers. */
import {join} from 'node:path';
import Sqlite from 'better-sqlite3';

type Value = string | number | null;

export function forge(folder: string, change: (db: Forged) => void): void {
  const db = new Sqlite(join(folder, 'store.db'));
  try {
    const triggers = db.prepare<[], {name: string}>("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all();
    for (const {name} of triggers) db.exec(`DROP TRIGGER ${name}`);
    db.pragma('foreign_keys = OFF');
    db.pragma('ignore_check_constraints = ON');
    change({
      run: (sql, ...values) => void db.prepare(sql).run(...values),
      all: (sql) => db.prepare(sql).all() as Record<string, Value>[],
    });
  } finally {
    db.close();
  }
}

export interface Forged {
  run(sql: string, ...values: Value[]): void;
  all(sql: string): Record<string, Value>[];
}

/** Rewrites the frozen plan of every run. */
export function forgePlans(folder: string, change: (plan: Plan) => unknown): void {
  forge(folder, (db) => {
    for (const {id, json} of db.all('SELECT id, json FROM document WHERE id IN (SELECT plan FROM run)'))
      db.run(
        'UPDATE document SET json = ? WHERE id = ?',
        JSON.stringify(change(JSON.parse(json as string) as Plan)),
        id!,
      );
  });
}

/** As far as tests change it. */
export interface Plan {
  version: number;
  file?: string;
  nodes: Record<string, {type: string; module: string; options: Record<string, unknown>; [field: string]: unknown}>;
}
