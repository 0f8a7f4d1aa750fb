/** A row of a benchmark's file, as its suite reads it: fields by name, and what is said where they are not what they should be. */
import {StageFailure} from '../../pipeline/stage.js';
import type {Format} from '../data/import/params.js';
import {kindOf, isFields, valueAt, WrittenNumber} from '../data/import/values.js';
import type {Fields, SourceRow, Value} from '../data/import/values.js';
import type {Random} from '../random.js';
import type {SandboxKind} from '../sandbox/names.js';
import type {Prompt} from '../tasks/prompt.js';
import type {Suite} from './suite.js';

/** What is made of a row before the suite's own words are put around it: its `question` is bare. @throws {StageFailure} */
export type MakePrompt = (
  suite: Suite,
  row: SourceRow,
  options: {
    readonly id: string;
    /** Draws the order of choices. */
    readonly order: Random;
  },
) => Prompt;

/** The rows that can be used at all, of all that count; what is left out is noted. @throws {StageFailure} none is left */
export type KeepRows = (rows: readonly SourceRow[], note: (text: string) => void) => readonly SourceRow[];

/** What is done to the rows that are asked, one for one, before prompts are made of them. @throws {StageFailure} */
export type PrepareRows = (
  rows: readonly SourceRow[],
  options: {readonly sandbox?: SandboxKind | undefined; readonly note: (text: string) => void},
) => Promise<readonly SourceRow[]>;

/**
 * The format of a file: what is said of it, else JSON Lines where it is called so, as a row that has a list of `examples` looks like a
 * document of rows.
 */
export const formatOf = (name: string, said: Format = 'auto'): Format =>
  said === 'auto' && /\.(?:jsonl|ndjson)(?:\.gz)?$/i.test(name) ? 'jsonl' : said;

/** A value as a text, where it is one: a text, a number as it is written, true or false. */
export const scalarOf = (value: Value | undefined): string | undefined =>
  value instanceof WrittenNumber
    ? value.text
    : typeof value === 'string' || typeof value === 'boolean'
      ? String(value)
      : undefined;

/** The first of some fields that a row has. @throws {StageFailure} it has none, with those that it has */
export function fieldIn(suite: Suite, row: SourceRow, names: readonly string[]): string {
  const found = names.find((name) => valueAt(row.fields, name) !== undefined);
  if (found === undefined) throw missing(suite, row, names);
  return found;
}

/** What one of some fields says. @throws {StageFailure} none of them is there, or what is there is no text */
export function textIn(suite: Suite, row: SourceRow, names: readonly string[]): string {
  const field = fieldIn(suite, row, names);
  const value = valueAt(row.fields, field);
  const text = scalarOf(value);
  if (text !== undefined && text.trim() !== '') return text;
  throw new StageFailure(`${row.at}: “${field}” is ${kindOf(value)}, where ${suite.title} has a text`);
}

/** What is said of a field that is not there. */
export const missing = (suite: Suite, {fields, at}: SourceRow, names: readonly string[]): StageFailure =>
  new StageFailure(
    `${at} has no field ${names.map((name) => `“${name}”`).join(' or ')}; it has ${fieldNames(fields)}. ` +
      `${suite.title} reads ${suite.data.from}`,
  );

const MOST_NAMED = 20;

/** Names of fields, those of records in it behind a dot. */
function fieldNames(fields: Fields): string {
  const names = Object.entries(fields).flatMap(([name, value]) =>
    isFields(value) ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name],
  );
  return names.length > MOST_NAMED
    ? `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`
    : names.join(', ');
}
