/**
 * What `| safe` marks: a text that stays as it is when another is put to it with `+`, while the other one has its HTML characters
 * escaped (MarkupSafe), be it JSON for a model to read. Some templates do that without meaning to, and models were trained so.
 */
import {valueOf} from './jinja-package.js';
import type {Value} from './jinja-package.js';

const marked = new WeakSet<Value>();

export const isMarkup = (value: Value): boolean => marked.has(value);

export function asMarkup(text: string): Value {
  const made = valueOf(text);
  marked.add(made);
  return made;
}

const ESCAPES: Readonly<Record<string, string>> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&#39;', '"': '&#34;'};

/** Two texts of which one is marked, at least. */
export function markupSum(left: Value, right: Value): Value {
  const escaped = (value: Value): string =>
    isMarkup(value) ? (value.value as string) : (value.value as string).replaceAll(/[&<>'"]/g, (one) => ESCAPES[one]!);
  return asMarkup(escaped(left) + escaped(right));
}

/** Filters of which the result is marked again, and ones that ask nothing of the mark. */
export const KEEPS_MARK: ReadonlySet<string> = new Set(['safe', 'trim', 'upper', 'lower', 'string']);
export const IGNORES_MARK: ReadonlySet<string> = new Set(['length', 'count', 'tojson', 'int', 'float', 'default', 'd']);
