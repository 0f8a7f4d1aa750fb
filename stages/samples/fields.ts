/** Fields of a row that somebody's stage wrote: each is what it should be or is not there. */
import {StageFailure} from '../../pipeline/stage.js';
import {placeText} from './lines.js';
import type {Place} from './lines.js';

/** The fields of a row by name. What is null counts as not there. */
export interface Fields {
  readonly names: readonly string[];
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  flag(name: string): boolean | undefined;
  texts(name: string): readonly string[] | undefined;
  /** An object, as fields again. */
  fields(name: string): Fields | undefined;
  /** Whatever it is. */
  value(name: string): unknown;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a value is, for a person. */
const kindOf = (value: unknown): string =>
  Array.isArray(value)
    ? 'a list'
    : value === null
      ? 'null'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`;

/** @param prefix what stands before the names of fields in messages @throws {StageFailure} the row is no object; from its functions, a field is not what is asked for */
export function fieldsOf(row: unknown, place: Place, prefix = ''): Fields {
  if (!isObject(row)) throw new StageFailure(`${placeText(place)}: ${kindOf(row)}, where a row is an object`);
  const one = <T>(name: string, isOne: (value: unknown) => value is T, wanted: string): T | undefined => {
    const value = Object.hasOwn(row, name) ? row[name] : undefined;
    if (value === undefined || value === null) return undefined;
    if (isOne(value)) return value;
    throw new StageFailure(`${placeText(place)}: “${prefix}${name}” is ${kindOf(value)}, where ${wanted} is expected`);
  };
  return {
    names: Object.keys(row),
    text: (name) => one(name, (value) => typeof value === 'string', 'a text'),
    number: (name) => one(name, (value) => typeof value === 'number', 'a number'),
    flag: (name) => one(name, (value) => typeof value === 'boolean', 'true or false'),
    texts: (name) =>
      one(
        name,
        (value): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string'),
        'a list of texts',
      ),
    fields(name) {
      const value = one(name, isObject, 'an object');
      return value === undefined ? undefined : fieldsOf(value, place, `${prefix}${name}.`);
    },
    value: (name) => (Object.hasOwn(row, name) ? row[name] : undefined),
  };
}
