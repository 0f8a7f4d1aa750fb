/** Methods of Python's texts, as chat templates call them. Places and lengths count code points. */
import {functionOf, listOf, valueOf} from './jinja-package.js';
import type {Value} from './jinja-package.js';
import {tuples} from './python-lists.js';
import {isList, isText, itemsOf} from './python-values.js';

const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const SPACES = new RegExp(`^[${SPACE}]+$`, 'u');
const LINE_END = /\r\n|[\n-\r\x1c-\x1e\x85\u2028\u2029]/g;

type Side = 'both' | 'left' | 'right';

/** @param characters those that are taken off; whitespace where there are none given */
export function stripped(text: string, characters: string | undefined, side: Side): string {
  const all = Array.from(text);
  const set = characters === undefined ? undefined : new Set(characters);
  const goes = (one: string): boolean => (set === undefined ? SPACES.test(one) : set.has(one));
  let [from, to] = [0, all.length];
  if (side !== 'right') while (from < to && goes(all[from]!)) from++;
  if (side !== 'left') while (to > from && goes(all[to - 1]!)) to--;
  return all.slice(from, to).join('');
}

/** `str.title()`: each run of letters begins with a capital. */
const titled = (text: string): string =>
  text.replaceAll(/[\p{Lu}\p{Ll}\p{Lt}]+/gu, (run) => {
    const [first = ''] = run;
    return initial(first) + run.slice(first.length).toLowerCase();
  });

/** Letters of two, of which only the first is a capital in a title. */
const PAIRS: Readonly<Record<string, string>> = {Ǆ: 'ǅ', Ǉ: 'ǈ', Ǌ: 'ǋ', Ǳ: 'ǲ'};

/** A letter at the beginning of a title: “ß” is “Ss”. */
function initial(letter: string): string {
  const upper = letter.toUpperCase();
  if (PAIRS[upper] !== undefined) return PAIRS[upper];
  if (/[\u10d0-\u10ff]/.test(letter)) return letter; // Georgian has capitals, but none in titles
  if (letter.normalize('NFD').includes('\u0345')) throw new Error('a title with a Greek iota below');
  const [first = '', ...rest] = upper;
  return first + rest.join('').toLowerCase();
}

export function capitalized(text: string): string {
  const [first = ''] = text;
  return initial(first) + text.slice(first.length).toLowerCase();
}

export function linesIn(text: string, keepEnds = false): string[] {
  const lines: string[] = [];
  let done = 0;
  for (const {0: end, index} of text.matchAll(LINE_END)) {
    lines.push(text.slice(done, index + (keepEnds ? end.length : 0)));
    done = index + end.length;
  }
  return done < text.length ? [...lines, text.slice(done)] : lines;
}

/** @param most how often it is cut; without end when negative */
function cut(text: string, separator: string | undefined, most: number, fromRight: boolean): string[] {
  const limit = most < 0 ? Infinity : most;
  if (separator === '') throw new Error('a text is split at an empty one');
  if (separator === undefined) {
    const parts: string[] = [];
    let rest = stripped(text, undefined, fromRight ? 'right' : 'left');
    const gap = fromRight ? new RegExp(`[${SPACE}]+(?=[^${SPACE}]+$)`, 'u') : new RegExp(`[${SPACE}]+`, 'u');
    while (rest !== '') {
      const found = parts.length < limit ? gap.exec(rest) : null;
      if (found === null) {
        const whole = parts.length < limit ? stripped(rest, undefined, 'both') : rest;
        if (whole !== '') parts.push(whole);
        break;
      }
      const [before, behind] = [rest.slice(0, found.index), rest.slice(found.index + found[0].length)];
      parts.push(fromRight ? behind : before);
      rest = fromRight ? before : behind;
    }
    return fromRight ? parts.reverse() : parts;
  }
  const all = text.split(separator);
  if (all.length - 1 <= limit) return all;
  return fromRight
    ? [all.slice(0, all.length - limit).join(separator), ...all.slice(all.length - limit)]
    : [...all.slice(0, limit), all.slice(limit).join(separator)];
}

function replaced(text: string, [from, to]: readonly [string, string], most: number): string {
  if (most < 0) return text.replaceAll(from === '' ? /(?:)/gu : from, () => to);
  let left = most;
  return text.replaceAll(from === '' ? /(?:)/gu : from, (found) => (left-- > 0 ? to : found));
}

function place(text: string, part: string, fromRight: boolean): number {
  const at = fromRight ? text.lastIndexOf(part) : text.indexOf(part);
  return at < 0 ? -1 : Array.from(text.slice(0, at)).length;
}

/** What a method was called with, by place or name. */
class Arguments {
  readonly #given: readonly Value[];
  readonly #named: ReadonlyMap<string, Value>;
  constructor(
    private readonly method: string,
    args: readonly Value[],
    names: readonly string[],
  ) {
    const last = args.at(-1);
    const hasNamed = last?.type === 'KeywordArgumentsValue';
    this.#named = hasNamed ? (last.value as ReadonlyMap<string, Value>) : new Map();
    this.#given = hasNamed ? args.slice(0, -1) : args;
    const odd = [...this.#named.keys()].find((name) => !names.includes(name));
    if (odd !== undefined) throw new Error(`${method}() with “${odd}”`);
    if (this.#given.length > names.length) throw new Error(`${method}() with ${this.#given.length} arguments`);
    this.names = names;
  }
  private readonly names: readonly string[];

  of(name: string): Value | undefined {
    const value = this.#given[this.names.indexOf(name)] ?? this.#named.get(name);
    return value?.type === 'NullValue' ? undefined : value;
  }
  text(name: string): string | undefined {
    const value = this.of(name);
    if (value === undefined) return undefined;
    if (!isText(value)) throw new Error(`${this.method}() with what is no text`);
    return value.value as string;
  }
  needed(name: string): string {
    const text = this.text(name);
    if (text === undefined) throw new Error(`${this.method}() without ${name}`);
    return text;
  }
  number(name: string, otherwise: number): number {
    const value = this.of(name);
    if (value === undefined) return otherwise;
    if (value.type !== 'IntegerValue') throw new Error(`${this.method}() with what is no number`);
    return value.value as number;
  }
}

const texts = (parts: readonly string[]): Value => listOf(parts.map(valueOf));

function tuple(parts: readonly string[]): Value {
  const made = texts(parts);
  tuples.add(made);
  return made;
}

function beginsOrEnds(text: string, args: Arguments, name: string, test: (text: string, part: string) => boolean) {
  const given = args.of(name);
  if (given !== undefined && isList(given))
    return itemsOf(given).some((one) => isText(one) && test(text, one.value as string));
  return test(text, args.needed(name));
}

type Method = readonly [names: readonly string[], call: (text: string, args: Arguments) => unknown];

const METHODS: Readonly<Record<string, Method>> = {
  upper: [[], (text) => text.toUpperCase()],
  lower: [[], (text) => text.toLowerCase()],
  title: [[], titled],
  capitalize: [[], capitalized],
  strip: [['chars'], (text, args) => stripped(text, args.text('chars'), 'both')],
  lstrip: [['chars'], (text, args) => stripped(text, args.text('chars'), 'left')],
  rstrip: [['chars'], (text, args) => stripped(text, args.text('chars'), 'right')],
  startswith: [['prefix'], (text, args) => beginsOrEnds(text, args, 'prefix', (a, b) => a.startsWith(b))],
  endswith: [['suffix'], (text, args) => beginsOrEnds(text, args, 'suffix', (a, b) => a.endsWith(b))],
  removeprefix: [
    ['prefix'],
    (text, args) => (text.startsWith(args.needed('prefix')) ? text.slice(args.needed('prefix').length) : text),
  ],
  removesuffix: [
    ['suffix'],
    (text, args) =>
      text.endsWith(args.needed('suffix')) ? text.slice(0, text.length - args.needed('suffix').length) : text,
  ],
  split: [['sep', 'maxsplit'], (text, args) => texts(cut(text, args.text('sep'), args.number('maxsplit', -1), false))],
  rsplit: [['sep', 'maxsplit'], (text, args) => texts(cut(text, args.text('sep'), args.number('maxsplit', -1), true))],
  splitlines: [['keepends'], (text, args) => texts(linesIn(text, args.of('keepends')?.__bool__().value === true))],
  partition: [
    ['sep'],
    (text, args) => {
      const separator = args.needed('sep');
      const at = text.indexOf(separator);
      return tuple(at < 0 ? [text, '', ''] : [text.slice(0, at), separator, text.slice(at + separator.length)]);
    },
  ],
  rpartition: [
    ['sep'],
    (text, args) => {
      const separator = args.needed('sep');
      const at = text.lastIndexOf(separator);
      return tuple(at < 0 ? ['', '', text] : [text.slice(0, at), separator, text.slice(at + separator.length)]);
    },
  ],
  replace: [
    ['old', 'new', 'count'],
    (text, args) => replaced(text, [args.needed('old'), args.needed('new')], args.number('count', -1)),
  ],
  find: [['sub'], (text, args) => place(text, args.needed('sub'), false)],
  rfind: [['sub'], (text, args) => place(text, args.needed('sub'), true)],
  count: [
    ['sub'],
    (text, args) => {
      const part = args.needed('sub');
      return part === '' ? Array.from(text).length + 1 : text.split(part).length - 1;
    },
  ],
  join: [
    ['iterable'],
    (text, args) => {
      const given = args.of('iterable');
      if (given === undefined || !isList(given) || !itemsOf(given).every(isText))
        throw new Error('join() of what is no list of texts');
      return itemsOf(given)
        .map(({value}) => value as string)
        .join(text);
    },
  ],
  isspace: [[], (text) => SPACES.test(text)],
  isdigit: [[], (text) => digits(text)],
};

function digits(text: string): boolean {
  if (/[^\x00-\x7f]/.test(text)) throw new Error('isdigit() of a text beyond ASCII');
  return /^[0-9]+$/.test(text);
}

/** A method of a text, or nothing where it is not known here. */
export function methodOf(text: string, name: string): Value | undefined {
  if (!Object.hasOwn(METHODS, name)) return undefined;
  const [names, call] = METHODS[name]!;
  return functionOf((args) => {
    const made = call(text, new Arguments(name, args, names));
    return typeof made === 'object' ? (made as Value) : valueOf(made);
  });
}
