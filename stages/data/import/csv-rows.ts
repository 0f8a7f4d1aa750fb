/** CSV and TSV as rows: a header with the names of the columns, then records of as many cells; RFC 4180's quotation marks. */
import {CsvError, parse} from 'csv-parse';
import {Readable} from 'node:stream';
import {StageFailure} from '../../../pipeline/stage.js';
import {strictPieces} from './bytes.js';
import {emptyFields} from './values.js';
import type {SourceRow} from './values.js';

/** What may stand between two cells; the one that is most often in the header does. */
const DELIMITERS = [',', '\t', ';', '|'];

const MOST_CHARACTERS = 1 << 28;

/**
 * @param delimiter found in the header unless it is said
 * @throws {StageFailure} with file and line
 */
export async function* csvRows(
  name: string,
  pieces: AsyncIterable<Buffer>,
  {delimiter}: {readonly delimiter?: string} = {},
): AsyncGenerator<SourceRow> {
  const texts = strictPieces(name, pieces);
  const first = await texts.next();
  if (first.done === true) return;
  const {said, text: start} = delimiterSaid(first.value.text);
  const between = delimiter ?? said ?? delimiterOf(start);
  if (
    /^\s*#/.test(start) &&
    !start
      .split(/[\r\n]/)
      .find((one) => one.trim() !== '')!
      .includes(between)
  )
    throw new StageFailure(`${name}:1 is not CSV: it is a comment, and CSV has none; take the line out`);
  const source = Readable.from(
    (async function* () {
      yield start;
      for await (const {text} of texts) yield text;
    })(),
  );
  const parser = parse({delimiter: between, raw: true, skip_empty_lines: true, max_record_size: MOST_CHARACTERS});
  source.once('error', (error) => parser.destroy(error));
  let header: readonly string[] | undefined;
  // Line in which the next record begins. The parser has lines, too, and counts CR LF in a cell as two.
  let line = said === undefined ? 1 : 2;
  try {
    for await (const {record, raw} of source.pipe(parser) as AsyncIterable<CsvRecord>) {
      const blank = /^[\r\n]*/.exec(raw)![0];
      line += lineBreaks(blank);
      const at = `${name}:${line}`;
      line += lineBreaks(raw.slice(blank.length));
      if (header === undefined) header = headerOf(record, at);
      else {
        const fields = emptyFields();
        for (const [place, column] of header.entries()) fields[column] = record[place]!;
        yield {fields, at};
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new StageFailure(
      `${name}:${Number(error['lines'] ?? line) + (said === undefined ? 0 : 1)} is not CSV: ${mistakeText(error, header, between)}`,
    );
  } finally {
    source.destroy();
  }
}

interface CsvRecord {
  readonly record: readonly string[];
  /** As it stands in the file, with blank lines in front of it. */
  readonly raw: string;
}

const lineBreaks = (text: string): number => text.match(/\r\n|\r|\n/g)?.length ?? 0;

/** Excel's first line `sep=;`, which names the delimiter and is no row; the text behind it. */
function delimiterSaid(text: string): {readonly said: string | undefined; readonly text: string} {
  const [line, said] = /^"?sep=(.)"?[ ]*(?:\r\n|\r|\n)/i.exec(text) ?? [];
  return line === undefined ? {said: undefined, text} : {said, text: text.slice(line.length)};
}

function delimiterOf(text: string): string {
  const header =
    text
      .replaceAll(/"[^"]*"/g, '')
      .split(/[\r\n]/)
      .find((line) => line.trim() !== '') ?? '';
  const counts = DELIMITERS.map((one) => header.split(one).length - 1);
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!;
}

function headerOf(names: readonly string[], at: string): readonly string[] {
  const trimmed = names.map((one) => one.trim());
  const twice = trimmed.find((one, place) => one !== '' && trimmed.indexOf(one) !== place);
  if (twice !== undefined)
    throw new StageFailure(`${at}: two columns are called “${twice}”; give one of them another name`);
  // The index of a data frame has no name.
  return trimmed.map((one, place) => (one === '' ? `column ${place + 1}` : one));
}

function mistakeText(
  {code, message, ...more}: CsvError,
  header: readonly string[] | undefined,
  delimiter: string,
): string {
  const column = Number(more['column'] ?? NaN);
  const where = header === undefined || Number.isNaN(column) ? '' : `, in column “${header[column] ?? column + 1}”`;
  switch (code) {
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH': {
      const cells = (more['record'] as readonly unknown[] | undefined)?.length;
      // The parser is ahead of what has been handed on.
      const expected = header?.length ?? /expect (\d+)/.exec(message)?.[1] ?? 'others';
      return `the record has ${cells ?? 'other'} ${cells === 1 ? 'cell' : 'cells'}, the header ${expected}; cells are told apart by ${JSON.stringify(delimiter)}, and one that holds it stands in quotation marks`;
    }
    case 'CSV_QUOTE_NOT_CLOSED':
      return `a quotation mark is not closed${where}`;
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
      return `a quotation mark stands inside a cell${where}; such a cell stands in quotation marks, with the mark twice`;
    case 'CSV_MAX_RECORD_SIZE':
      return 'the record has no end; is there a quotation mark that is not closed?';
    default:
      return message;
  }
}
