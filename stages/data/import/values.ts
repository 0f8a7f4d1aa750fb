/** What the rows of a file from outside hold, whatever its format: JSON's values, with numbers as they are written. */

/** A number by its digits: 9007199254740993, 1e400 and 0.10 are not what JavaScript's numbers make of them. */
export class WrittenNumber {
  constructor(readonly text: string) {}
}

/** A value that is there and cannot be read as a text; refused where it is needed, as columns that nobody asks for may hold pictures. */
export class Unreadable {
  constructor(readonly why: string) {}
}

export type Value = string | boolean | null | WrittenNumber | Unreadable | readonly Value[] | Fields;

/** Without a prototype, so that a field may have any name. */
export interface Fields {
  readonly [name: string]: Value;
}

/** A row, and where it stands: `questions.jsonl:4`, `part.parquet, row 4`. */
export interface SourceRow {
  readonly fields: Fields;
  readonly at: string;
}

/** A record whose fields are set one by one, `__proto__` among them. */
export const emptyFields = (): Record<string, Value> => Object.create(null) as Record<string, Value>;

export const isFields = (value: Value | undefined): value is Fields =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof WrittenNumber) &&
  !(value instanceof Unreadable);

export const isList = (value: Value | undefined): value is readonly Value[] => Array.isArray(value);

/**
 * The value of a field. A name with dots is a way into records and lists (`reward_model.ground_truth`, `answers.0`) unless there is a
 * field of just this name.
 */
export function valueAt(fields: Fields, name: string): Value | undefined {
  if (Object.hasOwn(fields, name)) return fields[name];
  let value: Value | undefined = fields;
  for (const part of name.split('.')) {
    if (isList(value)) value = /^\d+$/.test(part) ? value[Number(part)] : undefined;
    else value = isFields(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }
  return value;
}

/** The field of a usual name: just this one, else the only one that is spelled so but for case (`Question`). */
export function spelledIn(fields: Fields, name: string): string {
  if (valueAt(fields, name) !== undefined) return name;
  const lower = name.toLowerCase();
  const same = Object.keys(fields).filter((one) => one.length === name.length && one.toLowerCase() === lower);
  return same.length === 1 ? same[0]! : name;
}

/** What a value is, for messages. */
export function kindOf(value: Value | undefined): string {
  if (value === undefined) return 'not there';
  if (value === null) return 'null';
  if (value instanceof WrittenNumber) return `the number ${value.text}`;
  if (value instanceof Unreadable) return value.why;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return `a record of ${Object.keys(value).join(', ')}`;
  if (typeof value === 'string') return value.trim() === '' ? 'empty' : 'a text';
  return String(value);
}

/** Fields with numbers as JavaScript has them: what is JSON in the end. What cannot be read is left out. */
export function plainFields(fields: Fields): Readonly<Record<string, unknown>> {
  const plain = (value: Value): unknown => {
    if (value instanceof WrittenNumber) return Number(value.text);
    if (value instanceof Unreadable) return undefined;
    if (isList(value)) return value.map(plain);
    return isFields(value) ? plainFields(value) : value;
  };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)]));
}
