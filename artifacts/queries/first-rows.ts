/** The first rows of an artifact by their ids, so that a person sees what ids look like without opening its files. */
import {JsonLinesError, openRowsReader} from '../formats/jsonl.js';
import type {Json} from '../digest.js';
import type {HasParts} from '../parts.js';
import type {Artifact} from '../records.js';
import {idOf} from './diff-rows.js';

/** Of one file with rows. */
export interface FirstRows {
  /** Path within the artifact; empty for a single file. */
  readonly file: string;
  /** At most three; a row without an id has the number of its line, as in `trace`. */
  readonly ids: readonly string[];
  /** Whether there are others. */
  readonly isCut: boolean;
}

const MOST_IDS = 3;
/** Of so much of a file, bytes: a row that is longer is not shown. */
const BEGINNING = 1 << 16;

/** Reads the beginning of each file that holds rows of JSON Lines; of one whose first line is something else, says nothing. */
export function firstRowsOf({parts: {files, blobs}}: HasParts, artifact: Artifact): readonly FirstRows[] {
  return artifact.files.flatMap(({path, sha256, bytes}): FirstRows[] => {
    if ((!path.endsWith('.jsonl') && path !== '') || !blobs.isPresent(sha256, bytes)) return [];
    const ids: string[] = [];
    let isCut = bytes > BEGINNING;
    const reader = openRowsReader((row, line) => {
      if (ids.length < MOST_IDS) ids.push(idOf(row as Json, line));
      else isCut = true;
    });
    try {
      reader.take(files.readRange(blobs.path(sha256), 0, BEGINNING));
      if (bytes <= BEGINNING) reader.end();
    } catch (error) {
      // A single file may be anything, and a table is no list of rows. What is damaged is for `trace` and `verify` to tell.
      if (!(error instanceof JsonLinesError)) throw error;
    }
    return ids.length === 0 ? [] : [{file: path, ids, isCut}];
  });
}
