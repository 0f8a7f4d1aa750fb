/** Rows of JSON Lines in the store: read one by one, and compared by their ids. */
import {canonicalJson, sha256} from '../digest.js';
import type {Json} from '../digest.js';
import {UserError} from '../error.js';
import type {Files} from '../files.js';
import {JsonLinesError, openRowsReader} from '../formats/jsonl.js';

export interface Named {
  readonly count: number;
  /** The first few. */
  readonly ids: readonly string[];
}

export interface RowsDifference {
  readonly equal: number;
  readonly added: Named;
  readonly gone: Named;
  readonly changed: Named;
}

/** So many ids are named. */
const FIRST = 5;

export interface ReadRowsOptions {
  /** For the error. */
  readonly name: string;
  /** Looks at the text of a line first: parsing is what takes the time. */
  readonly only?: (text: string) => boolean;
}

/** Calls `onRow` for each line that is not blank. Throws UserError 'bad-argument', which names the line that is not JSON. */
export async function readRows(
  files: Files,
  file: string,
  {name, only}: ReadRowsOptions,
  onRow: (row: Json, line: number) => void,
): Promise<void> {
  const reader = openRowsReader((row, line) => onRow(row as Json, line), only);
  try {
    await files.read(file, (chunk) => reader.take(chunk));
    reader.end();
  } catch (error) {
    if (!(error instanceof JsonLinesError)) throw error;
    throw new UserError('bad-argument', `line ${error.line} of ${name} is not JSON`, {cause: error});
  }
}

/** The id of a row, or the number of its line where it has none. */
export function idOf(row: Json, line: number): string {
  if (row !== null && typeof row === 'object' && 'id' in row) {
    const {id} = row;
    if (typeof id === 'string' || typeof id === 'number') return String(id);
  }
  return `line ${line}`;
}

/** Digest of each row by id; a repeated id gets a number behind it, so that no row is lost. */
async function digests(files: Files, file: string, name: string): Promise<ReadonlyMap<string, string>> {
  const rows = new Map<string, string>();
  const repeated = new Map<string, number>();
  await readRows(files, file, {name}, (row, line) => {
    const id = idOf(row, line);
    const times = (repeated.get(id) ?? 0) + 1;
    repeated.set(id, times);
    rows.set(times === 1 ? id : `${id} (${times})`, sha256(canonicalJson(row)));
  });
  return rows;
}

const named = (ids: readonly string[]): Named => ({count: ids.length, ids: ids.slice(0, FIRST)});

/** Order does not count, nor does the order of keys in a row. */
export async function diffRows(files: Files, a: string, b: string, name: string): Promise<RowsDifference> {
  const [left, right] = [await digests(files, a, name), await digests(files, b, name)];
  const common = [...left.keys()].filter((id) => right.has(id));
  const changed = common.filter((id) => left.get(id) !== right.get(id));
  return {
    equal: common.length - changed.length,
    changed: named(changed),
    added: named([...right.keys()].filter((id) => !left.has(id))),
    gone: named([...left.keys()].filter((id) => !right.has(id))),
  };
}
