/**
 * What the package keeps in a list and Python in something else: tuples, ranges, the views of a record (`items()`), and what
 * filters such as `map` and `selectattr` hand on one by one. They are printed, compared and asked for places otherwise.
 */
import {functionOf, listOf, valueOf} from './jinja-package.js';
import type {Value} from './jinja-package.js';

/** Lists that are tuples in Python. */
export const tuples = new WeakSet<Value>();

/** As in the sandbox in which transformers renders templates (jinja2.sandbox.MAX_RANGE). */
const MAX_RANGE = 100_000;

export interface Lazy {
  readonly kind: 'range' | 'view' | 'generator';
  /** How it is printed around its entries; a generator's text has an address in it. */
  readonly written?: (entries: string) => string;
}

const lazy = new WeakMap<Value, Lazy>();
const usedUp = new WeakSet<Value>();

/** What a list is to Python, if it is neither a list nor a tuple. */
export const lazyOf = (value: Value): Lazy | undefined => lazy.get(value);

export const isSubscriptable = (value: Value): boolean => (lazyOf(value)?.kind ?? 'range') === 'range';

/** Entries that Python hands on one by one: true even when there are none, without a length, and to be gone over once. */
export function generatorOf(values: readonly Value[]): Value {
  const made = listOf(values);
  made.__bool__ = () => ({value: true});
  lazy.set(made, {kind: 'generator'});
  return made;
}

/** @param name as Python prints it: `dict_items` */
export function asView(list: Value, name: string): Value {
  lazy.set(list, {kind: 'view', written: (entries) => `${name}([${entries}])`});
  return list;
}

/** A part of a range is a range. */
export function asPartOfRange(list: Value): Value {
  lazy.set(list, {kind: 'range'});
  return list;
}

/** Notes that the entries of a list are gone over. @throws when a generator has been gone over before: it is empty then */
export function useUp(list: Value): void {
  if (lazyOf(list)?.kind !== 'generator') return;
  if (usedUp.has(list)) throw new Error('what a filter hands on is gone over twice; “| list” would keep it');
  usedUp.add(list);
}

/** `range` of Python. */
export const range = functionOf((args) => {
  const [first, second, third] = args.map((value) => {
    if (value.type === 'IntegerValue' || value.type === 'BooleanValue') return Number(value.value);
    throw new Error('range() of what is no whole number');
  });
  if (first === undefined || args.length > 3) throw new Error(`range() with ${args.length} arguments`);
  const [start, stop, step] = second === undefined ? [0, first, 1] : [first, second, third ?? 1];
  if (step === 0) throw new Error('range() in steps of 0');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > MAX_RANGE) throw new Error(`range() of ${length} numbers; ${MAX_RANGE} are the most`);
  const made = listOf(Array.from({length}, (_, i) => valueOf(start + i * step)));
  const text = `range(${start}, ${stop}${step === 1 ? '' : `, ${step}`})`;
  lazy.set(made, {kind: 'range', written: () => text});
  return made;
});
