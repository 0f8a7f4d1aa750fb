/**
 * The ledger of what set-up put in place in this clone: for every file its size and time stamp, taken right after its
 * content was checked. A file that no longer fits its row is not in place, whatever its name says.
 *
 * Hashing TensorFlow's 750 MB at every start would cost more than everything else together, hence size and time.
 */
import {mkdirSync, readFileSync, renameSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {notes} from './places.js';

const file = path.join(notes, 'ledger.json');

/**
 * @typedef {{path: string, bytes: number, mtimeMs: number}} Row
 * @typedef {{of: Record<string, unknown>, files: Row[]}} Entry `of` says what the files were made from
 */

/** @returns {Record<string, Entry>} */
function read() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return {}; // half written by a power cut: everything is checked again
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
}

/** @param {string} name @returns {Entry | undefined} the entry as written, whether or not its files still fit */
export function entryOf(name) {
  return read()[name];
}

/**
 * Whether a thing is in place: made from just this, and every file as it was left.
 * @param {string} name
 * @param {Record<string, unknown>} of
 */
export function inPlace(name, of) {
  const entry = read()[name];
  return entry !== undefined && JSON.stringify(entry.of) === JSON.stringify(of) && intact(entry);
}

/** @param {Entry} entry */
export function intact(entry) {
  return entry.files.every((row) => {
    const facts = statSync(row.path, {throwIfNoEntry: false});
    return facts !== undefined && facts.size === row.bytes && facts.mtimeMs === row.mtimeMs;
  });
}

/**
 * Writes down that these files, just checked, are in place.
 * @param {string} name
 * @param {Record<string, unknown>} of
 * @param {readonly string[]} files absolute paths
 */
export function enter(name, of, files) {
  const rows = files.map((path) => {
    const {size, mtimeMs} = statSync(path);
    return {path, bytes: size, mtimeMs};
  });
  write({...read(), [name]: {of, files: rows}});
}

/** Strikes an entry, so that the next set-up looks again. @param {string} name */
export function strike(name) {
  const {[name]: _, ...rest} = read();
  write(rest);
}

/** @param {Record<string, Entry>} entries */
function write(entries) {
  mkdirSync(notes, {recursive: true});
  writeFileSync(`${file}.part`, JSON.stringify(entries, null, 1));
  renameSync(`${file}.part`, file);
}
