/**
 * Files of rows, read line by line: what lies in an artifact may be larger than memory. Knows nothing of what the rows say.
 */
import {createReadStream} from 'node:fs';
import {openLinesReader} from '../../artifacts/formats/jsonl.js';
import {StageFailure} from '../../pipeline/stage.js';

/** An artifact that holds rows as JSON Lines, and what is known of who made it. */
export interface StoredRows {
  /** What messages call it: `zero-rl:rollouts @abf491c0`. */
  readonly name: string;
  /** Its files of rows, each with its path within the artifact ('' for a single file) and where it lies. */
  readonly files: readonly {readonly file: string; readonly path: string}[];
  /** The stage that made it, and its params. */
  readonly stage?: string | undefined;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

/** Where a row stands. */
export interface Place {
  /** Of the artifact. */
  readonly name: string;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** A line that is not blank. */
export interface Line extends Place {
  readonly text: string;
  /** Which of all lines of the artifact that are not blank, from 0. */
  readonly index: number;
}

/** Bytes that are read at once. */
const PIECE = 1 << 20;

/** The lines of all files, in pieces. Whoever stops asking for them has the file closed. */
export async function* linesIn({name, files}: StoredRows): AsyncGenerator<readonly Line[]> {
  let index = 0;
  for (const {file, path} of files) {
    let lines: Line[] = [];
    const reader = openLinesReader((given, line) => {
      // Some editors of Windows begin a file with a byte order mark; it is no part of the first row.
      const text = line === 1 && given.startsWith('\uFEFF') ? given.slice(1) : given;
      if (text.trim() !== '') lines.push({name, file, line, text, index: index++});
    });
    for await (const piece of createReadStream(path, {highWaterMark: PIECE}) as AsyncIterable<Buffer>) {
      reader.take(piece);
      if (lines.length === 0) continue;
      yield lines;
      lines = [];
    }
    reader.end();
    if (lines.length > 0) yield lines;
  }
}

/** `zero-rl:rollouts @abf491c0, rows.jsonl line 12` */
export const placeText = ({name, file, line}: Place): string => `${name}, ${file === '' ? '' : `${file} `}line ${line}`;

/** The row of a line. @throws {StageFailure} it is not JSON, with artifact, file and line */
export function parseLine(line: Line): unknown {
  try {
    return JSON.parse(line.text);
  } catch (error) {
    throw new StageFailure(`${placeText(line)}: not JSON: ${(error as Error).message}`);
  }
}
