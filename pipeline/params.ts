/**
 * Params of a stage: what they carry, and what a person should know of each. A declaration has default, range and reason in one
 * place; the check before a run and `r1 params` both read it.
 */

/** Whatever JSON can carry: params are stored, hashed and shown as JSON. */
export type Json = string | number | boolean | null | readonly Json[] | {readonly [key: string]: Json};
/** Param → value. A stage declares defaults, a recipe overrides some of them; all of them are in the fingerprint. */
export type Params = Readonly<Record<string, Json>>;

/**
 * A default whose type is wider than itself: `ratio: param<'token' | 'sequence'>('token')`. Without it the compiler would
 * take any string there, or no other than this one.
 */
export const param = <T extends Json>(value: T): T => value;

/** What a number may be. A bound that is left out does not bind; NaN and infinity are never right. */
export interface NumberRange {
  /** At least this. */
  readonly from?: number;
  /** More than this. */
  readonly above?: number;
  /** At most this. */
  readonly to?: number;
  /** Less than this. */
  readonly below?: number;
  /** No fractions. */
  readonly whole?: boolean;
  /** What it is a number of, in front of the bounds: 'milliseconds'. */
  readonly what?: string;
  /** What a bound means, or why there is one, behind the bounds: '0 takes the likeliest token'. */
  readonly why?: string;
}

/** What a text, a list or a record may be. */
export interface Form {
  /** Behind “should be”: 'a list of sentences'. */
  readonly should: string;
  /** Whether a value is of this form. Left out where the stage's `check` says in detail what is wrong with one. */
  readonly isRight?: (value: Json) => boolean;
}

/** A text of which all is like the pattern. @param should behind “should be”: 'organization/name' */
export const textLike = (pattern: RegExp, should: string): Form => ({
  should,
  isRight: (value) => typeof value === 'string' && pattern.test(value),
});

/** What a param may be, beyond the type of its default. */
export type Range = NumberRange | Form;

/** What a person should know of a param. */
export interface ParamAbout {
  /** What it does, its unit, and why its default is what it is. */
  readonly text: string;
  /** A value outside of it is refused before anything runs. */
  readonly range?: Range;
}

const isForm = (range: Range): range is Form => 'should' in range;

/** Whether a value is in the range. */
export function isWithin(range: Range, value: Json): boolean {
  if (isForm(range)) return range.isRight?.(value) ?? true;
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  const {from = -Infinity, above = -Infinity, to = Infinity, below = Infinity, whole = false} = range;
  return value >= from && value > above && value <= to && value < below && (!whole || Number.isSafeInteger(value));
}

/** What a range says behind “should be”: 'a whole number, 1 or more'. */
export function rangeText(range: Range): string {
  if (isForm(range)) return range.should;
  const {from, above, to, below, whole = false, what, why} = range;
  const least = from === undefined ? (above === undefined ? [] : [`above ${above}`]) : [`${from} or more`];
  const most = to === undefined ? (below === undefined ? [] : [`below ${below}`]) : [`at most ${to}`];
  const both = from !== undefined && to !== undefined ? [`from ${from} to ${to}`] : [...least, ...most];
  const head = what ?? (whole ? 'a whole number' : both.length === 0 ? 'a number' : undefined);
  const text = [...(head === undefined ? [] : [head]), ...(both.length === 0 ? [] : [both.join(' and ')])].join(', ');
  return why === undefined ? text : `${text}: ${why}`;
}

/** Default, range and reason of a param, in one place; see `declareParams`. */
export interface Declared<T extends Json = Json> {
  readonly value: T;
  readonly about: ParamAbout;
  /** The words that it is one of, where it is one of a few. */
  readonly choices?: readonly T[];
}

/**
 * Declares a param by its default, with what it does and what it may be: a range for a number, the words that it is one of, or
 * the form of anything else.
 */
export function described(value: number, text: string, range: NumberRange | readonly number[]): Declared<number>;
export function described(value: boolean, text: string): Declared<boolean>;
export function described<const T extends string | null>(
  value: NoInfer<T>,
  text: string,
  choices: readonly T[],
): Declared<T>;
export function described(value: string, text: string, form?: Form): Declared<string>;
export function described<T extends Json>(value: T, text: string, form: Form): Declared<T>;
export function described(value: Json, text: string, range?: Range | readonly Json[]): Declared {
  if (range === undefined) return {value, about: {text}};
  return isList(range) ? {value, about: {text}, choices: range} : {value, about: {text, range}};
}

const isList = (range: Range | readonly Json[]): range is readonly Json[] => Array.isArray(range);

type Declarations = Readonly<Record<string, Declared>>;

/** The params that are declared, by name. */
export type ValuesOf<D extends Declarations> = {[name in keyof D]: D[name]['value']};

/** The defaults of declarations. */
export const valuesOf = <D extends Declarations>(declared: D): ValuesOf<D> =>
  Object.fromEntries(Object.entries(declared).map(([name, {value}]) => [name, value])) as ValuesOf<D>;

/** What `defineStage` takes of params: `defineStage({…, ...declareParams({steps: described(400, 'Updates', COUNT)}), …})`. */
export function declareParams<D extends Declarations>(
  declared: D,
): {
  readonly params: ValuesOf<D>;
  readonly about: {readonly [name in keyof D]: ParamAbout};
  readonly choices: {readonly [name in keyof D]?: readonly D[name]['value'][]};
} {
  const entries = Object.entries(declared);
  return {
    params: valuesOf(declared),
    about: Object.fromEntries(entries.map(([name, {about}]) => [name, about])) as {
      readonly [name in keyof D]: ParamAbout;
    },
    choices: Object.fromEntries(
      entries.flatMap(([name, {choices}]) => (choices === undefined ? [] : [[name, choices]])),
    ) as {readonly [name in keyof D]?: readonly D[name]['value'][]},
  };
}
