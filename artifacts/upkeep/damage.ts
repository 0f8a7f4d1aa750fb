/**
 * What is wrong with a store in which something failed that cannot fail in a whole one. Whoever reads trusts that rows point at
 * rows and say what their writer says; looking at all of them each time would cost more than the reading. So it is looked at
 * afterwards, and where the store is at fault, that is said and not an error of r1.
 */
import {UserError, codeOf, plainError} from '../error.js';
import {MIGRATIONS} from '../database/schema.js';
import {openStore} from '../store.js';
import {databaseProblems} from './verify.js';
import type {HasParts} from '../parts.js';

/** Beyond this, JavaScript has no dates. */
const LAST = 8_640_000_000_000_000;

const TIMES = [
  ['run', 'started_at'],
  ['session', 'started_at'],
  ['session_end', 'at'],
  ['attempt', 'started_at'],
  ['claim', 'at'],
  ['outcome', 'at'],
  ['decision', 'at'],
  ['reproduction', 'at'],
  ['label', 'at'],
  ['collection', 'at'],
] as const;

/** Each gives a number for a sentence about the first row that no writer of ours wrote. */
const ROWS: readonly (readonly [sentence: string, sql: string])[] = [
  [
    'attempt # is said to have used what its maker did not make',
    `SELECT i.attempt FROM input i
     WHERE NOT EXISTS (SELECT 1 FROM output o WHERE o.attempt = i.made_by AND o.artifact = i.artifact)`,
  ],
  [
    'nothing made artifact #',
    'SELECT a.id FROM artifact a WHERE NOT EXISTS (SELECT 1 FROM output o WHERE o.artifact = a.id)',
  ],
  [
    'the outcome of attempt # does not say why',
    `SELECT attempt FROM outcome WHERE ok = 0
     AND (json_type(detail) IS NOT 'object' OR json_extract(detail, '$.reason') IS NOT reason)`,
  ],
  [
    'the ingredients or params of attempt # are not records',
    `SELECT a.id FROM attempt a JOIN document i ON i.id = a.ingredients JOIN document p ON p.id = a.params
     WHERE json_type(i.json) IS NOT 'object' OR json_type(p.json) IS NOT 'object'`,
  ],
  ...TIMES.map(
    ([table, column]) =>
      [
        `row # of ${table} has a time that is not one`,
        `SELECT rowid FROM ${table} WHERE ${column} NOT BETWEEN 0 AND ${LAST}`,
      ] as const,
  ),
];

/** The first thing that is wrong with the store in `folder`, or undefined when it is whole. */
export function damageOf(folder: string): UserError | undefined {
  let first: string | undefined;
  try {
    const store = openStore(folder, {mode: 'read'});
    try {
      first = missingTable(store) ?? databaseProblems(store)[0] ?? wrongRow(store);
    } finally {
      store.close();
    }
  } catch (error) {
    const plain = plainError(error, 'read the store');
    if (plain instanceof UserError) return plain;
    // All that is asked here is asked of tables of ours.
    if (codeOf(plain) !== 'SQLITE_ERROR') throw plain;
    first = (plain as Error).message;
  }
  if (first === undefined) return undefined;
  return new UserError('store-damaged', `the store ${folder} is damaged: ${first}`, {
    remedy: {type: 'verify'},
  });
}

/** A view in the place of a table is not one. */
function missingTable(store: HasParts): string | undefined {
  const rows = store.parts.db.prepare<{name: string}>("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const there = new Set(rows.map(({name}) => name));
  const made = MIGRATIONS.flatMap((sql) => Array.from(sql.matchAll(/CREATE TABLE (\w+)/g), ([, name]) => name!));
  const missing = made.find((name) => !there.has(name));
  return missing === undefined ? undefined : `it has no table ${missing}`;
}

function wrongRow(store: HasParts): string | undefined {
  const {db} = store.parts;
  for (const [sentence, sql] of ROWS) {
    const row = db.prepare<Record<string, number>>(`${sql} LIMIT 1`).get();
    if (row !== undefined) return sentence.replace('#', String(Object.values(row)[0]));
  }
  return undefined;
}
