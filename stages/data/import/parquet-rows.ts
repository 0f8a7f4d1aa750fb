/**
 * Parquet as rows, one row group in memory at a time. Whole numbers and decimals keep their digits; a column that is no text where
 * none is asked for (pictures) does no harm.
 */
import {parquetMetadataAsync, parquetReadObjects} from 'hyparquet';
import type {AsyncBuffer, FileMetaData, ParquetParsers, SchemaElement} from 'hyparquet';
import {compressors} from 'hyparquet-compressors';
import {isUtf8} from 'node:buffer';
import {StageFailure} from '../../../pipeline/stage.js';
import type {OnRead, SourceFile} from './bytes.js';
import {JsonMistake, parseJson} from './json.js';
import {Unreadable, WrittenNumber, emptyFields} from './values.js';
import type {SourceRow, Value} from './values.js';

export const isParquet = (head: Buffer): boolean => head.toString('latin1', 0, 4) === 'PAR1';

/** @throws {StageFailure} it is damaged, packed by what is not known, or has decimals within records */
export async function* parquetRows(file: SourceFile, onRead: OnRead = () => undefined): AsyncGenerator<SourceRow> {
  const {name} = file;
  const bytes = bytesOf(file);
  const metadata = await told(name, 'its footer', () => parquetMetadataAsync(bytes, {geoparquet: false}));
  const readers = readersOf(metadata, name);
  let rowStart = 0;
  let read = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await told(name, `rows ${rowStart + 1} to ${rowEnd}`, () =>
      parquetReadObjects({file: bytes, metadata, rowStart, rowEnd, compressors, parsers: PARSERS}),
    );
    for (const [index, row] of rows.entries()) {
      const fields = emptyFields();
      for (const [column, value] of Object.entries(row)) fields[column] = (readers.get(column) ?? valueOf)(value);
      yield {fields, at: `${name}, row ${rowStart + index + 1}`};
    }
    rowStart = rowEnd;
    read += Number(group.total_compressed_size ?? 0n);
    onRead(Math.min(read, file.size));
  }
  await file.stillSame();
}

async function told<T>(name: string, what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new StageFailure(`${name} is not Parquet that can be read: ${what}: ${(error as Error).message}`);
  }
}

const bytesOf = ({handle, size, name}: SourceFile): AsyncBuffer => ({
  byteLength: size,
  async slice(start, end = size) {
    const bytes = new Uint8Array(end - start);
    for (let filled = 0; filled < bytes.length;) {
      const {bytesRead} = await handle.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) throw new StageFailure(`${name} ends before byte ${end}`);
      filled += bytesRead;
    }
    return bytes.buffer;
  },
});

type Reader = (value: unknown) => Value;

/** Columns of which the library does not hand on what the file says: decimals, whose rounding is taken off, and others. */
function readersOf({schema}: FileMetaData, name: string): ReadonlyMap<string, Reader> {
  const readers = new Map<string, Reader>();
  const seen = new Set<string>();
  // The schema is a tree, written down before its children: the root, then its columns.
  let at = 1;
  const skip = (): void => {
    const element = schema[at++]!;
    for (let child = 0; child < (element.num_children ?? 0); child++) {
      if (schema[at]!.converted_type === 'DECIMAL')
        throw new StageFailure(
          `${name}: “${element.name}” holds decimals within a record or list; write them as texts`,
        );
      skip();
    }
  };
  for (let column = 0; column < (schema[0]?.num_children ?? 0); column++) {
    const element = schema[at]!;
    if (seen.has(element.name))
      throw new StageFailure(`${name}: two columns are called “${element.name}”; give one of them another name`);
    seen.add(element.name);
    if (element.converted_type === 'DECIMAL') {
      const scale = element.scale ?? 0;
      readers.set(element.name, (value) => decimal(value, scale));
      undecorate(element, name);
    } else if (element.logical_type?.type === 'TIME') {
      readers.set(element.name, (value) => (value === null || value === undefined ? null : TIME_OF_DAY));
    } else if (element.type === 'FLOAT') readers.set(element.name, single);
    skip();
  }
  return readers;
}

const TIME_OF_DAY = new Unreadable('a time of day; write it as a text');

/** The shortest text that is this number in float32: 0.1, not 0.10000000149011612. */
function single(value: unknown): Value {
  if (typeof value !== 'number' || !Number.isFinite(value)) return valueOf(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return new WrittenNumber(String(short));
  }
  return new WrittenNumber(String(Number(value.toPrecision(9))));
}

function undecorate(element: SchemaElement, name: string): void {
  if (element.type === 'BYTE_ARRAY')
    throw new StageFailure(`${name}: “${element.name}” holds decimals of any length; write them as texts`);
  delete element.converted_type;
  delete element.logical_type;
}

function decimal(value: unknown, scale: number): Value {
  if (value === null || value === undefined) return null;
  const whole = value instanceof Uint8Array ? bigEndian(value) : BigInt(value as number | bigint);
  const digits = String(whole < 0n ? -whole : whole).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const text = scale <= 0 ? `${digits}${'0'.repeat(-scale)}` : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return new WrittenNumber(whole < 0n ? `-${text}` : text);
}

const bigEndian = (bytes: Uint8Array): bigint =>
  bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));

const textOf = (bytes: Uint8Array | undefined): unknown => {
  if (bytes === undefined) return undefined;
  return isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
    : new Unreadable('bytes that are not UTF-8');
};

/** A point in time as ISO 8601, with as many digits behind the second as it has. */
function instant(units: bigint, perSecond: bigint): string {
  const rest = ((units % perSecond) + perSecond) % perSecond;
  const date = new Date(Number((units - rest) / perSecond) * 1000);
  if (Number.isNaN(date.getTime())) return String(units);
  const fraction = String(rest)
    .padStart(String(perSecond).length - 1, '0')
    .replace(/0+$/, '');
  return date.toISOString().replace('.000Z', fraction === '' ? 'Z' : `.${fraction}Z`);
}

const PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (units) => instant(units, 1_000n),
  timestampFromMicroseconds: (units) => instant(units, 1_000_000n),
  timestampFromNanoseconds: (units) => instant(units, 1_000_000_000n),
  dateFromDays: (days) => instant(BigInt(days) * 86_400n, 1n).split('T')[0],
  stringFromBytes: textOf,
  jsonFromBytes(bytes) {
    const text = textOf(bytes);
    if (typeof text !== 'string') return text;
    try {
      return parseJson(text);
    } catch (error) {
      if (error instanceof JsonMistake)
        return new Unreadable(`a text that is not the JSON it claims to be: ${error.message}`);
      throw error;
    }
  },
};

function valueOf(value: unknown): Value {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'bigint':
      return new WrittenNumber(String(value));
    case 'number':
      // A data frame writes NaN where there is nothing.
      if (Number.isNaN(value)) return null;
      return Number.isFinite(value) ? new WrittenNumber(String(value)) : new Unreadable('an infinite number');
    case 'object':
      break;
    default:
      return null;
  }
  if (value === null) return null;
  if (value instanceof WrittenNumber || value instanceof Unreadable) return value;
  if (value instanceof Uint8Array) return new Unreadable('bytes, not a text');
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as ArrayLike<unknown>, valueOf);
  const fields = emptyFields();
  for (const [key, one] of Object.entries(value)) fields[key] = valueOf(one);
  return fields;
}
