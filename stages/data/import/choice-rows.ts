/**
 * Rows with a list of choices, as they are found: MMLU and HellaSwag (a list; the answer is an index from 0), ARC and CommonsenseQA
 * (texts with labels; the answer is a label), MedQA (a record by letter), AQuA-RAT (texts that begin with their letter), C-Eval and CMMLU
 * (columns A to D).
 */
import {choice, letterAt, placeOf} from '../../tasks/answers/choice.js';
import type {Language} from '../../text/language.js';
import type {Columns} from './params.js';
import {Unusable} from './unusable.js';
import {WrittenNumber, isFields, isList, kindOf, spelledIn, valueAt} from './values.js';
import type {Fields, SourceRow, Value} from './values.js';
import {inRecipe} from './wording.js';
import type {Wording} from './wording.js';

/** Names that are found by themselves. */
const USUAL = ['choices', 'options', 'endings'];

/** As many as there are letters. */
const MOST = 26;

/** The choices of a row. */
export interface Choices {
  /** The field that they are in. */
  readonly field: string;
  readonly texts: readonly string[];
  /** What the row itself calls each of them. */
  readonly labels: readonly string[] | undefined;
  /** Whether the file has them as numbers, so that a number may be one of them. */
  readonly areNumbers: boolean;
}

/** What is known of a row besides its fields, and of what is wanted. */
interface Wanted {
  readonly answer: string | undefined;
  /** Whether the answers of the file are said to be choices; a list that is none is then a mistake. */
  readonly isAsked?: boolean;
  readonly wording?: Wording | undefined;
  /** Told the field that could be choices and is something else. */
  readonly onNone?: (field: string) => void;
}

/**
 * The choices of a row; `undefined` where it has none.
 *
 * A list that cannot be read is refused: without its choices the question would be another one. What holds no choices at all, though it is
 * called so, is left alone and told (`options` as a record of settings, a number, an empty list beside an open question), unless the
 * answer is a letter, or stands in the field: then it needs them.
 *
 * @throws {Unusable} where a list of choices cannot be read, or one that was asked for or mapped is none
 */
export function choicesIn(
  {fields, at}: SourceRow,
  columns: Columns,
  {answer, isAsked = false, wording = inRecipe(), onNone}: Wanted,
): Choices | undefined {
  const said = columns.choices;
  if (said === '') return undefined;
  const names = USUAL.map((name) => spelledIn(fields, name)).filter((name) => valueAt(fields, name) !== undefined);
  const field =
    said ??
    names.find((name) => 'texts' in listed(valueAt(fields, name)!)) ??
    names.find((name) => !isBlank(valueAt(fields, name))) ??
    names[0];
  const value = field === undefined ? undefined : valueAt(fields, field);
  if (said !== undefined && value === undefined)
    throw new Unusable(
      `${at} has no field “${said}”, which ${wording.columns({choices: said})} names`,
      'choices are none',
    );
  const found: Listed | Fault = isBlank(value) ? {fault: kindOf(value), isNone: 'always'} : listed(value!);
  if ('texts' in found)
    return {field: field!, ...found, areNumbers: isList(value) && value.some((one) => one instanceof WrittenNumber)};
  const isElse = found.isNone === 'always' || (found.isNone === 'options' && field!.toLowerCase() === 'options');
  if (said === undefined && isElse) {
    const columnsFound = byColumn({fields, at}, {answer, isAsked, wording, ...(onNone && {onNone})});
    if (columnsFound !== undefined) return columnsFound;
    // An empty cell, or null, is what a table has where a row has no choices.
    if (field === undefined || (isBlank(value) && !isAsked)) return undefined;
  }
  if (said === undefined && !isAsked && isElse && !isNeeded(value!, answer)) {
    onNone?.(field!);
    return undefined;
  }
  throw unreadable(at, field!, found.fault, wording);
}

const isBlank = (value: Value | undefined): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

const unreadable = (at: string, field: string, fault: string, wording: Wording): Unusable =>
  new Unusable(
    `${at}: “${field}” is no list of choices (2 to ${MOST} texts; texts with labels; a record by letter; in a table, columns A, B, …), ` +
      `but ${fault}; ${wording.columns({choices: ''})} leaves it alone`,
    'choices are none',
  );

/** Whether an answer says nothing without the choices: a letter alone, or what a field of the record is called or holds. */
const isNeeded = (value: Value, answer: string | undefined): boolean =>
  answer !== undefined &&
  (isLetter(answer) ||
    (isFields(value) && Object.entries(value).some(([name, one]) => name === answer.trim() || one === answer)));

const isLetter = (answer: string): boolean => /^\(?[A-Z][).]{0,2}$/.test(answer.trim());

/** Choices in columns of their own, called A, B, … (C-Eval, CMMLU): by themselves only where the answer is one of them. */
function byColumn(
  {fields, at}: SourceRow,
  {answer, isAsked, wording = inRecipe(), onNone}: Wanted,
): Choices | undefined {
  const letters: string[] = [];
  while (letters.length < MOST && Object.hasOwn(fields, letterAt(letters.length)))
    letters.push(letterAt(letters.length));
  const values = withoutEnd(letters.map((letter) => fields[letter]!));
  const areTexts = values.every((one) => isBlank(one) || typeof one === 'string' || one instanceof WrittenNumber);
  if (letters.length < 2 || values.length === 0 || !areTexts) return undefined;
  const field = `A … ${letters.at(-1)!}`;
  const called = answer === undefined ? undefined : choice.reference(answer);
  const isOne =
    answer !== undefined &&
    (isLetter(answer) ||
      (called !== undefined && placeOf(called) < letters.length) ||
      values.some((one) => typeof one === 'string' && one.trim() === answer.trim()));
  if (isAsked !== true && !isOne) {
    onNone?.(field);
    return undefined;
  }
  const found = listed(values);
  if ('fault' in found) throw unreadable(at, field, found.fault, wording);
  return {field, ...found, areNumbers: values.some((one) => one instanceof WrittenNumber)};
}

/** Without what is empty at the end: a table, and a record of Parquet, have as many places as their longest row. */
function withoutEnd(values: readonly Value[]): readonly Value[] {
  const last = values.findLastIndex((one) => !isBlank(one));
  return values.slice(0, last + 1);
}

type Listed = Pick<Choices, 'texts' | 'labels'>;

/** Why a value is no list of choices; whether it may be something else, under any name or as `options`. */
interface Fault {
  readonly fault: string;
  readonly isNone?: 'always' | 'options';
}

function listed(value: Value): Listed | Fault {
  if (isList(value)) {
    if (value.length > 0 && value.every((one) => isFields(one) && 'text' in one && 'label' in one)) {
      const records = value as readonly Fields[];
      return labelled(
        records.map(({text}) => text!),
        records.map(({label}) => label!),
      );
    }
    const texts = textsOf(value);
    return 'fault' in texts ? texts : withoutLetters(texts);
  }
  if (!isFields(value)) {
    if (typeof value !== 'string') return {fault: kindOf(value), isNone: 'always'};
    return {fault: `the text “${value.trim().slice(0, 60)}${value.trim().length > 60 ? '…' : ''}”`};
  }
  const {text, label} = value;
  if (isList(text) && isList(label)) return labelled(text, label);
  const names = Object.keys(value).sort((a, b) => (/^\d+$/.test(a + b) ? Number(a) - Number(b) : a < b ? -1 : 1));
  const isNamed = [
    (name: string, place: number) => name.toUpperCase() === letterAt(place),
    (name: string, place: number) => name === String(place),
    (name: string, place: number) => name === String(place + 1),
  ].some((fits) => names.every(fits));
  if (!isNamed) return {fault: kindOf(value), isNone: 'options'};
  const values = withoutEnd(names.map((name) => value[name]!));
  return labelled(values, names.slice(0, values.length));
}

function labelled(values: readonly Value[], names: readonly Value[]): Listed | Fault {
  const texts = textsOf(values);
  if ('fault' in texts) return texts;
  const labels = names.length === values.length ? textsOf(names) : undefined;
  if (labels === undefined || 'fault' in labels || new Set(labels).size !== labels.length)
    return {fault: 'its labels are not one for each text'};
  return {texts, labels};
}

function textsOf(values: readonly Value[]): string[] | Fault {
  if (values.length === 0) return {fault: 'empty', isNone: 'always'};
  if (values.length < 2 || values.length > MOST) return {fault: `a list of ${values.length}`};
  const texts = values.map((value) =>
    value instanceof WrittenNumber ? value.text : typeof value === 'string' ? value.trim() : '',
  );
  const hole = texts.indexOf('');
  return hole === -1 ? texts : {fault: `number ${hole + 1} of its ${values.length} is ${kindOf(values[hole])}`};
}

/** `A)21` is 21 where each text begins with its own letter. */
function withoutLetters(texts: readonly string[]): Listed {
  const bare = texts.map((text, place) => new RegExp(`^\\(?${letterAt(place)}[).:]\\s*(?=\\S)`).exec(text)?.[0].length);
  const isLettered = bare.every((length) => length !== undefined);
  return {texts: isLettered ? texts.map((text, place) => text.slice(bare[place])) : texts, labels: undefined};
}

/**
 * Which of the choices an answer is: a label of the row's own, the text of a choice, a letter, an index from 0. Where it can be two of
 * these, nobody can tell.
 *
 * @param answer as it is in the file
 * @returns its place from 0
 * @throws {Unusable} where it is none of the choices, or may be two of them
 */
export function chosenIn(
  answer: Value,
  {texts, labels, areNumbers}: Choices,
  {at, field}: {readonly at: string; readonly field: string},
): number {
  const text = answer instanceof WrittenNumber ? answer.text : typeof answer === 'string' ? answer.trim() : undefined;
  const wrong = (what: string): Unusable =>
    new Unusable(
      `${at}: “${field}” is ${text === undefined ? kindOf(answer) : `“${text.slice(0, 60)}”`}, which ${what} of its ${texts.length} choices ` +
        '(a label, the text of a choice, a letter, or an index from 0)',
      'answer is no choice',
    );
  if (text === undefined) throw wrong('is none');
  const places = new Set<number>();
  const add = (place: number): void => {
    if (place >= 0 && place < texts.length) places.add(place);
  };
  // A number beside texts counts them: MMLU asks for numbers, too, and means the place.
  const isPlace = answer instanceof WrittenNumber && !areNumbers && labels === undefined;
  texts.forEach((one, place) => {
    if (one === text && !isPlace) add(place);
  });
  if (labels === undefined) {
    const letter = choice.reference(text);
    if (letter !== undefined) add(placeOf(letter));
    if (/^\d{1,2}$/.test(text)) add(Number(text));
  } else add(labels.findIndex((label) => label.toUpperCase() === text.toUpperCase()));
  if (places.size !== 1) throw wrong(places.size === 0 ? 'is none' : 'may be more than one');
  return [...places][0]!;
}

const INSTRUCTIONS: Readonly<Partial<Record<Language, string>>> = {zh: '请用正确选项的字母作答。'};
const INSTRUCTION = 'Answer with the letter of the right choice.';

/** A question with its choices behind it, a line each, and what to answer; a question that shows them already stays as it is. */
export function withChoices(question: string, {texts}: Choices, language: Language | undefined): string {
  const lines = texts.map((text, place) => `${letterAt(place)}. ${text}`);
  const squeezed = question.replaceAll(/\s/g, '');
  const isShown = texts.every((text, place) =>
    [').', '.', ')', ':'].some((mark) => squeezed.includes(`${letterAt(place)}${mark}${text}`.replaceAll(/\s/g, ''))),
  );
  if (isShown) return question;
  return `${question}\n\n${lines.join('\n')}\n\n${(language && INSTRUCTIONS[language]) ?? INSTRUCTION}`;
}
