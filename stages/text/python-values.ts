/** Values of a chat template as Python prints, compares and serializes them. */
import type {Value} from './jinja-package.js';
import {lazyOf, tuples} from './python-lists.js';

export const isNumber = ({type}: Value): boolean => type === 'IntegerValue' || type === 'FloatValue';
export const isText = ({type}: Value): boolean => type === 'StringValue';
export const isList = ({type}: Value): boolean => type === 'ArrayValue' || type === 'TupleValue';
export const isRecord = ({type}: Value): boolean => type === 'ObjectValue';
export const isUndefined = ({type}: Value): boolean => type === 'UndefinedValue';
export const itemsOf = ({value}: Value): readonly Value[] => value as readonly Value[];
export const entriesOf = ({value}: Value): ReadonlyMap<string, Value> => value as ReadonlyMap<string, Value>;

/** As `str()` has it. @throws for what has no text that does not change */
export function textOf(value: Value): string {
  if (isText(value)) return value.value as string;
  if (isUndefined(value)) return '';
  return reprOf(value);
}

function reprOf(value: Value): string {
  switch (value.type) {
    case 'StringValue':
      return quoted(value.value as string);
    case 'NullValue':
      return 'None';
    case 'UndefinedValue':
      return 'Undefined';
    case 'BooleanValue':
      return value.value === true ? 'True' : 'False';
    case 'IntegerValue':
      return integerText(value.value as number);
    case 'FloatValue':
      return floatText(value.value as number);
    case 'ArrayValue':
    case 'TupleValue': {
      const items = itemsOf(value).map(reprOf);
      const other = lazyOf(value);
      if (other !== undefined) {
        if (other.written === undefined) throw new Error('what a filter hands on, or a part of a range, is printed');
        return other.written(items.join(', '));
      }
      if (value.type === 'ArrayValue' && !tuples.has(value)) return `[${items.join(', ')}]`;
      return items.length === 1 ? `(${items[0]!},)` : `(${items.join(', ')})`;
    }
    case 'ObjectValue':
      return `{${[...entriesOf(value)].map(([key, one]) => `${quoted(key)}: ${reprOf(one)}`).join(', ')}}`;
    default:
      throw new Error('a function or namespace is printed, which has no text');
  }
}

function integerText(value: number): string {
  if (!Number.isSafeInteger(value)) throw new Error('a number beyond 2^53 is printed');
  return String(value);
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

const SHORT: Readonly<Record<string, string>> = {'\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\'};

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = text.replaceAll(/[\\']|[^\P{C}]|[^\P{Z} ]/gu, (character) => {
    if (character === "'") return quote === "'" ? "\\'" : "'";
    const short = SHORT[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0)!;
    const hex = (width: number): string => code.toString(16).padStart(width, '0');
    return code < 0x100 ? `\\x${hex(2)}` : code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
  });
  return quote + inside + quote;
}

/** As `==` has it. */
export function isEqual(a: Value, b: Value): boolean {
  const isNumeric = (one: Value): boolean => isNumber(one) || one.type === 'BooleanValue';
  if (isNumeric(a) && isNumeric(b)) return Number(a.value) === Number(b.value);
  if (isList(a) && isList(b)) {
    const [left, right] = [itemsOf(a), itemsOf(b)];
    const kinds = new Set([lazyOf(a)?.kind, lazyOf(b)?.kind]);
    if (kinds.has('view') || kinds.has('generator')) throw new Error('what is no list is compared');
    if (kinds.size > 1 || isTuple(a) !== isTuple(b)) return false;
    return left.length === right.length && left.every((one, i) => isEqual(one, right[i]!));
  }
  if (isRecord(a) && isRecord(b)) {
    const [left, right] = [entriesOf(a), entriesOf(b)];
    return left.size === right.size && [...left].every(([key, one]) => right.has(key) && isEqual(one, right.get(key)!));
  }
  if (a.type !== b.type) return false;
  return a.value === b.value;
}

const isTuple = (value: Value): boolean => value.type === 'TupleValue' || tuples.has(value);

export interface JsonOptions {
  readonly ascii: boolean;
  readonly indent: number | undefined;
  readonly separators: readonly [string, string];
  readonly sortKeys: boolean;
}

/** As `json.dumps` has it. @throws for what JSON does not have */
export function jsonOf(value: Value, options: JsonOptions, depth = 0): string {
  const {ascii, indent, separators, sortKeys} = options;
  const text = (one: string): string => {
    const json = JSON.stringify(one);
    if (!ascii) return json;
    return json.replaceAll(/[\u007f-\uffff]/g, (c) =>
      c === '\u007f' ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  };
  const around = (open: string, parts: readonly string[], close: string): string => {
    if (parts.length === 0) return open + close;
    if (indent === undefined) return open + parts.join(separators[0]) + close;
    const line = (level: number): string => `\n${' '.repeat(indent * level)}`;
    return open + line(depth + 1) + parts.join(separators[0] + line(depth + 1)) + line(depth) + close;
  };
  switch (value.type) {
    case 'StringValue':
      return text(value.value as string);
    case 'NullValue':
      return 'null';
    case 'BooleanValue':
      return String(value.value);
    case 'IntegerValue':
      return integerText(value.value as number);
    case 'FloatValue':
      return floatText(value.value as number);
    case 'ArrayValue':
    case 'TupleValue':
      if (lazyOf(value) !== undefined) throw new Error('what is no list has no JSON');
      return around(
        '[',
        itemsOf(value).map((one) => jsonOf(one, options, depth + 1)),
        ']',
      );
    case 'ObjectValue': {
      const entries = [...entriesOf(value)];
      if (sortKeys) entries.sort(([a], [b]) => byCodePoint(a, b));
      const parts = entries.map(([key, one]) => text(key) + separators[1] + jsonOf(one, options, depth + 1));
      return around('{', parts, '}');
    }
    default:
      throw new Error(`${isUndefined(value) ? 'what is not defined' : 'a function or namespace'} has no JSON`);
  }
}

/** The order that Python puts texts in. */
export function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
