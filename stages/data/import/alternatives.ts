/**
 * References that are as good as each other, as data sets have them: SQuAD's `answers.text`, lists of texts, and DROP's answers of a
 * number, a date or spans with those of its validators. Several spans of one reference become its lines.
 */
import type {Columns} from './params.js';
import {WrittenNumber, isFields, isList, valueAt, type Fields, type Value} from './values.js';

/** Names that are found by themselves, where a row has them. */
const USUAL = ['references', 'answers', 'validated_answers'];

/**
 * All references of a row, each once, in the order of the file.
 *
 * @param field where the answer of the row was found, if anywhere
 */
export function alternativesIn(fields: Fields, columns: Columns, field: string | undefined): string[] {
  const of = (name: string | undefined): string[] =>
    name === undefined || name === '' ? [] : textsOf(valueAt(fields, name));
  const own = of(columns.answer ?? field);
  if (columns.references !== undefined) return [...new Set([...own, ...of(columns.references)])];
  const others = USUAL.flatMap((name) => {
    const found = of(name);
    // What an answer is not among may be what there was to choose from.
    return name === 'answers' && own.length > 0 && !own.some((text) => found.includes(text)) ? [] : found;
  });
  return [...new Set([...own, ...others])];
}

function textsOf(value: Value | undefined): string[] {
  const text = textOf(value);
  if (text !== undefined) return [text];
  if (isList(value)) return value.flatMap((one) => (isList(one) ? spansOf(one) : textsOf(one)));
  if (!isFields(value)) return [];
  if (isList(value['text'])) return textsOf(value['text']);
  const {number, date, spans} = value;
  if (number === undefined || spans === undefined) return [];
  // DROP: of one answer, or of all validators, field by field.
  if (!isList(number)) return dropAnswer(number, date, spans);
  return number.flatMap((one, place) =>
    dropAnswer(one, isList(date) ? date[place] : undefined, isList(spans) ? (spans[place] ?? null) : null),
  );
}

/** A number, else spans, else a date: what is filled in. */
function dropAnswer(number: Value, date: Value | undefined, spans: Value): string[] {
  const said = textOf(number);
  if (said !== undefined) return [said];
  if (isList(spans) && spans.length > 0) return spansOf(spans);
  if (!isFields(date)) return [];
  const parts = ['day', 'month', 'year'].flatMap((name) => textOf(date[name]) ?? []);
  return parts.length === 0 ? [] : [parts.join(' ')];
}

const spansOf = (values: readonly Value[]): string[] => {
  const spans = values.flatMap((one) => textOf(one)?.replaceAll(/\s+/g, ' ') ?? []);
  return spans.length === 0 ? [] : [spans.join('\n')];
};

function textOf(value: Value | undefined): string | undefined {
  const text = value instanceof WrittenNumber ? value.text : typeof value === 'string' ? value.trim() : '';
  return text === '' ? undefined : text;
}
