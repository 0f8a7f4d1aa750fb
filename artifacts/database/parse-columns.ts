/**
 * Columns that hold more than SQLite can check: digests and JSON. A page of the database may be damaged in a way that its
 * structure does not show, so what is no digest or no JSON is reported as damage and not as a bug.
 */
import {isDigest} from '../digest.js';
import type {Digest, Json} from '../digest.js';
import {UserError} from '../error.js';

function damagedColumn(what: string, text: string): UserError {
  const shown = JSON.stringify(text.slice(0, 80));
  return new UserError('store-damaged', `could not read the store: its database is damaged, ${shown} is no ${what}`, {
    remedy: {type: 'restore-database'},
  });
}

/** @throws UserError 'store-damaged' */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw damagedColumn('digest', text);
  return text;
}

/** @throws UserError 'store-damaged' */
export function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw damagedColumn('JSON', text);
  }
}

/** A JSON list of texts. @throws UserError 'store-damaged' */
export function parseTexts(text: string): readonly string[] {
  const list = parseJson(text);
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string'))
    throw damagedColumn('list of paths', text);
  return list;
}
