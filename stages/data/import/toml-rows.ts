/** TOML as rows: a file is a row, or has a list of tables (`[[data]]`, `[[rows]]`, `[[examples]]`) that are rows. */
import {TomlDate, TomlError, parse} from 'smol-toml';
import {StageFailure} from '../../../pipeline/stage.js';
import {strictPieces} from './bytes.js';
import {Unreadable, WrittenNumber, emptyFields, isFields, isList} from './values.js';
import type {Fields, SourceRow, Value} from './values.js';

const MOST_CHARACTERS = 1 << 26;
const LISTS = ['data', 'rows', 'examples'];

/** @throws {StageFailure} with file and line */
export async function* tomlRows(name: string, pieces: AsyncIterable<Buffer>): AsyncGenerator<SourceRow> {
  let text = '';
  for await (const piece of strictPieces(name, pieces)) {
    text += piece.text;
    if (text.length > MOST_CHARACTERS)
      throw new StageFailure(`${name} is too large for TOML; JSON Lines are read row by row`);
  }
  const fields = fieldsOf(parsed(name, text));
  const list = LISTS.map((one) => fields[one]).find((value) => isList(value) && value.every(isFields));
  if (!isList(list)) yield {fields, at: name};
  else for (const [index, row] of list.entries()) yield {fields: row, at: `${name}, row ${index + 1}`};
}

function parsed(name: string, text: string): Record<string, unknown> {
  try {
    return parse(text, {integersAsBigInt: true});
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    throw new StageFailure(`${name}:${error.line} is not TOML: ${what}`);
  }
}

function fieldsOf(table: Readonly<Record<string, unknown>>): Fields {
  const fields = emptyFields();
  for (const [key, value] of Object.entries(table)) fields[key] = valueOf(value);
  return fields;
}

function valueOf(value: unknown): Value {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return new WrittenNumber(String(value));
  if (typeof value === 'number') return fraction(value);
  if (value instanceof TomlDate) return value.toISOString().replace('.000', '');
  if (Array.isArray(value)) return value.map(valueOf);
  return fieldsOf(value as Record<string, unknown>);
}

/** The library rounds fractions to doubles. Up to 15 digits are what was written, zeros at the end aside (IEEE 754). */
function fraction(value: number): Value {
  if (!Number.isFinite(value))
    return new Unreadable(Number.isNaN(value) ? 'nan, which is no number' : 'an infinite number');
  const text = String(value);
  if (text.replace(/e.*$/, '').replaceAll(/\D/g, '').replace(/^0+/, '').length <= 15) return new WrittenNumber(text);
  return new Unreadable('a fraction with more digits than are kept; write it as a text');
}
