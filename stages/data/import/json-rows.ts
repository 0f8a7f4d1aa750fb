/**
 * JSON as rows, piece by piece: JSON Lines; a list of records; a record with such a list in `data`, `rows` or `examples`; records
 * one after the other that take several lines each. Which of them a file is follows from its beginning. Only the row at hand is
 * in memory.
 */
import {StageFailure} from '../../../pipeline/stage.js';
import {newlines, strictText} from './bytes.js';
import {JsonMistake, parseJson} from './json.js';
import {isFields, isList, kindOf} from './values.js';
import type {Fields, SourceRow, Value} from './values.js';
import {inRecipe} from './wording.js';
import type {Wording} from './wording.js';

/** Bytes of a row; V8 has no strings beyond 512 MiB. */
const MOST_BYTES = 1 << 28;

/** Fields of a record around the whole that hold its rows. */
const WRAPPERS = ['data', 'rows', 'examples'];

const LF = 10;
const CR = 13;
const QUOTE = 34;
const COMMA = 44;
const SLASH = 47;
const HASH = 35;
const BACKSLASH = 92;
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [91, 93, 123, 125];

const isSpace = (byte: number): boolean => byte === 32 || byte === LF || byte === CR || byte === 9;

/** How far into a file its shape is looked for. */
const HEAD = 1 << 16;

const PLAIN = String.raw`"(?:[^"\\\n]|\\.)*"`;
/** A list of rows in a record whose fields in front of it are texts, numbers and the like. */
const WRAPPED = new RegExp(
  String.raw`^\s*\{\s*(?:${PLAIN}\s*:\s*(?:${PLAIN}|[-+\w.]+)\s*,\s*)*"(?:${WRAPPERS.join('|')})"\s*:\s*\[(?=\s*[{\]])`,
);

/**
 * @param onlyLines one record a line, whatever the beginning looks like
 * @throws {StageFailure} with file and line
 */
export async function* jsonRows(
  name: string,
  pieces: AsyncIterable<Buffer>,
  {onlyLines = false, wording = inRecipe()}: {readonly onlyLines?: boolean; readonly wording?: Wording} = {},
): AsyncGenerator<SourceRow> {
  let scan: Scan | undefined;
  for await (const piece of pieces) {
    let rest = piece;
    if (scan === undefined) {
      const opening = onlyLines ? undefined : (/^\s*\[/.exec(headOf(piece)) ?? WRAPPED.exec(headOf(piece)));
      if (onlyLines) scan = new LineScan(name, 1);
      else if (opening === undefined || opening === null)
        scan = new DocumentScan(name, {inList: false, line: 1, wording});
      else {
        const front = Buffer.byteLength(opening[0]);
        scan = new DocumentScan(name, {
          inList: true,
          line: 1 + newlines(piece.subarray(0, front)),
          wrapped: /\{/.test(opening[0]),
          wording,
        });
        rest = piece.subarray(front);
      }
    }
    while (rest.length > 0) {
      yield* scan.take(rest);
      const left: Scan['left'] = scan.left;
      if (left === undefined) break;
      // The first record stands in one line of its own: the others have to as well.
      scan = new LineScan(name, left.line, left.afterReturn);
      rest = left.bytes;
    }
  }
  if (scan !== undefined) yield* scan.end();
}

const headOf = (piece: Buffer): string => piece.toString('utf8', 0, HEAD);

interface Scan {
  take(piece: Buffer): Iterable<SourceRow>;
  end(): Iterable<SourceRow>;
  /** What it leaves to a reader of lines: the rest of the piece behind the end of a line. */
  readonly left: {readonly bytes: Buffer; readonly line: number; readonly afterReturn: boolean} | undefined;
}

/** Parts of a row that lies across pieces. */
class Begun {
  #parts: Buffer[] = [];
  #length = 0;

  constructor(readonly name: string) {}

  add(part: Buffer, line: number): void {
    this.#length += part.length;
    if (this.#length > MOST_BYTES)
      throw new StageFailure(
        `${this.name}:${line}: the row that begins here is longer than ${MOST_BYTES / 2 ** 20} MiB, or it has no end`,
      );
    // A copy is not needed: each piece has memory of its own.
    if (part.length > 0) this.#parts.push(part);
  }

  whole(): Buffer {
    const whole = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return whole;
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }
}

function rowOf(name: string, bytes: Buffer, line: number): SourceRow {
  const text = strictText(bytes, `${name}:${line}`);
  try {
    const fields = parseJson(text);
    if (!isFields(fields)) throw new StageFailure(`${name}:${line} is ${kindOf(fields)}, not a record with fields`);
    return {fields, at: `${name}:${line}`};
  } catch (error) {
    if (!(error instanceof JsonMistake)) throw error;
    const place = `${name}:${line + newlines(Buffer.from(text.slice(0, error.offset)))}`;
    throw new StageFailure(`${place} is not JSON: ${error.message}`);
  }
}

/** One record a line. A line ends at LF, CR LF or CR: in JSON none of them can stand inside a text. */
class LineScan implements Scan {
  readonly left = undefined;
  readonly #begun: Begun;
  #line: number;
  #afterReturn: boolean;

  /** @param afterReturn a CR stands in front, to which a LF belongs */
  constructor(
    readonly name: string,
    line: number,
    afterReturn = false,
  ) {
    this.#line = line;
    this.#afterReturn = afterReturn;
    this.#begun = new Begun(name);
  }

  *take(piece: Buffer): Generator<SourceRow> {
    let from = 0;
    if (this.#afterReturn && piece[0] === LF) from = 1;
    this.#afterReturn = false;
    let feed = piece.indexOf(LF, from);
    let back = piece.indexOf(CR, from);
    while (feed !== -1 || back !== -1) {
      const end = back === -1 || (feed !== -1 && feed < back) ? feed : back;
      this.#begun.add(piece.subarray(from, end), this.#line);
      yield* this.#row();
      this.#line += 1;
      from = end + 1;
      if (end === back && from === piece.length) this.#afterReturn = true;
      if (end === back && piece[from] === LF) from += 1;
      if (feed !== -1 && feed < from) feed = piece.indexOf(LF, from);
      if (back !== -1 && back < from) back = piece.indexOf(CR, from);
    }
    this.#begun.add(piece.subarray(from), this.#line);
  }

  *end(): Generator<SourceRow> {
    yield* this.#row();
  }

  *#row(): Generator<SourceRow> {
    if (this.#begun.isEmpty) return;
    const bytes = this.#begun.whole();
    if (!bytes.every(isSpace)) yield rowOf(this.name, bytes, this.#line);
  }
}

interface ScanOptions {
  readonly inList: boolean;
  readonly line: number;
  readonly wrapped?: boolean;
  readonly wording: Wording;
}

/** Looks for where records begin and end, in a list or one after the other, and leaves what is in them to the parser. */
class DocumentScan implements Scan {
  left: Scan['left'];
  readonly #begun: Begun;
  readonly #inList: boolean;
  readonly #wrapped: boolean;
  readonly #wording: Wording;
  #line: number;
  /** Line in which the row at hand begins. */
  #rowLine = 1;
  /** Lists and records that are open within the row; 0 between rows. */
  #depth = 0;
  #inText = false;
  #escaped = false;
  #afterReturn = false;
  /** What may come next between rows. */
  #next: 'first' | 'row' | 'comma' | 'line' | 'nothing' = 'first';
  /** The only record so far, where it may be one around a list of rows. */
  #only: SourceRow | undefined;

  constructor(
    readonly name: string,
    {inList, line, wrapped = false, wording}: ScanOptions,
  ) {
    this.#begun = new Begun(name);
    this.#inList = inList;
    this.#wrapped = wrapped;
    this.#wording = wording;
    this.#line = line;
  }

  *take(piece: Buffer): Generator<SourceRow> {
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at]!;
      const endsLine = byte === CR || (byte === LF && !this.#afterReturn);
      this.#afterReturn = byte === CR;
      if (endsLine) this.#line += 1;
      if (this.#inText) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inText = false;
        else if (endsLine) this.#fail('a line ends in the middle of a text in quotation marks', this.#line - 1);
      } else if (this.#depth > 0) {
        if (byte === QUOTE) this.#inText = true;
        else if (byte === OPEN || byte === OPEN_LIST) this.#depth += 1;
        else if ((byte === CLOSE || byte === CLOSE_LIST) && --this.#depth === 0) {
          this.#begun.add(piece.subarray(from, at + 1), this.#rowLine);
          yield* this.#row(rowOf(this.name, this.#begun.whole(), this.#rowLine));
        }
      } else if (endsLine && this.#next === 'line') {
        yield* this.#release();
        this.left = {bytes: piece.subarray(at + 1), line: this.#line, afterReturn: byte === CR};
        return;
      } else if (!isSpace(byte)) {
        if (this.#between(byte)) from = at;
        if (this.#next === 'nothing' && this.#wrapped) {
          // What follows the list in the record around it, behind a field that stands for what came before.
          this.#begun.add(Buffer.from('{"":0'), this.#line);
          this.#depth = 1;
          this.#rowLine = this.#line;
          from = at + 1;
        }
      }
    }
    if (this.#depth > 0) this.#begun.add(piece.subarray(from), this.#rowLine);
  }

  /** Whether a row begins with this byte, which stands between rows. */
  #between(byte: number): boolean {
    const said = `“${String.fromCharCode(byte)}”`;
    if (byte === SLASH || byte === HASH) this.#fail('there is a comment, and JSON has none');
    if (this.#next === 'nothing')
      this.#fail(
        `something follows behind the end of the list: ${said}` +
          (this.#wrapped ? `; if each line is a row, say ${this.#wording.format('jsonl')}` : ''),
      );
    if (this.#inList && byte === CLOSE_LIST) {
      if (this.#next === 'row') this.#fail('there is a comma in front of ]');
      this.#next = 'nothing';
      return false;
    }
    if (this.#inList && byte === COMMA) {
      if (this.#next !== 'comma') this.#fail('a comma stands where a row should be');
      this.#next = 'row';
      return false;
    }
    if (this.#next === 'comma') this.#fail(`a comma is missing between two rows, in front of ${said}`);
    if (this.#next === 'line')
      this.#fail(
        byte === OPEN
          ? 'two records stand in one line'
          : byte === COMMA
            ? 'there is a comma behind the record'
            : `${said} stands behind the record`,
      );
    if (byte !== OPEN && byte !== OPEN_LIST)
      this.#fail(
        byte === COMMA ? 'there is a comma behind the record' : `a row is a record in braces, and here stands ${said}`,
      );
    this.#depth = 1;
    this.#rowLine = this.#line;
    return true;
  }

  *#row(row: SourceRow): Generator<SourceRow> {
    if (this.#next === 'nothing') return;
    if (this.#inList) {
      this.#next = 'comma';
      yield row;
      return;
    }
    if (this.#next === 'first') {
      this.#only = row;
      this.#next = this.#rowLine === this.#line ? 'line' : 'row';
      return;
    }
    yield* this.#release();
    yield row;
  }

  /** The first record, once it is not the only one. */
  *#release(): Generator<SourceRow> {
    if (this.#only !== undefined) yield this.#only;
    this.#only = undefined;
  }

  *end(): Generator<SourceRow> {
    if (this.#depth > 0) this.#fail('the file ends in the middle of the record that begins here', this.#rowLine);
    if (this.#inList && this.#next !== 'nothing') this.#fail('the file ends in the middle of the list of rows');
    if (this.#only !== undefined) yield* unwrapped(this.#only);
  }

  #fail(what: string, line = this.#line): never {
    throw new StageFailure(`${this.name}:${line} is not JSON: ${what}`);
  }
}

/** The rows in the only record of a file, if it is one around a list of rows; else the record. */
function* unwrapped(row: SourceRow): Generator<SourceRow> {
  const list = WRAPPERS.map((name) => row.fields[name]).find((value) => isList(value) && value.every(isFields));
  if (!isList(list)) {
    const other = otherShape(row.fields);
    if (other !== undefined) throw new StageFailure(`${row.at} ${other}`);
    yield row;
  } else for (const [index, fields] of list.entries()) yield {fields: fields, at: `${row.at}, row ${index + 1}`};
}

/** What the only record of a file is where its fields are no row's: the table of a data frame by columns, or several sets. */
function otherShape(fields: Fields): string | undefined {
  const values = Object.values(fields);
  if (values.length < 2) return undefined;
  const sizes = new Set(values.map((value) => (isList(value) || isFields(value) ? Object.keys(value).length : 0)));
  const isTable = sizes.size === 1 && !sizes.has(0) && !sizes.has(1) && values.every(isColumn);
  if (isTable)
    return (
      'holds columns, not rows; pandas writes rows with to_json(path, orient="records", lines=True), ' +
      'and datasets with to_json(path)'
    );
  const names = Object.keys(fields);
  const areSets = values.every((value) => isList(value) && value.every(isFields));
  if (areSets && names.every((name) => /^(?:train|test|val|valid|validation|dev|eval)$/.test(name)))
    return `holds lists of rows called ${names.join(', ')}; write each into a file of its own`;
  return undefined;
}

/** A list of single values, or a record of such by the numbers of its rows. */
function isColumn(value: Value): boolean {
  if (isFields(value) && !Object.keys(value).every((key, row) => key === String(row))) return false;
  const cells = isList(value) ? value : isFields(value) ? Object.values(value) : [];
  return cells.every((cell) => !isList(cell) && !isFields(cell));
}
