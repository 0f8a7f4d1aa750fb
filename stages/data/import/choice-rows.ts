/**
 * Rows with a list of choices, as they are found: MMLU and HellaSwag (a list; the answer is an index from 0), ARC and CommonsenseQA
 * (texts with labels; the answer is a label), MedQA (a record by letter), AQuA-RAT (texts that begin with their letter).
 */
import {choice, letterAt, placeOf} from '../../tasks/answers/choice.js';
import type {Language} from '../../text/language.js';
import type {Columns} from './params.js';
import {Unusable} from './unusable.js';
import {WrittenNumber, isFields, isList, kindOf, valueAt, type SourceRow, type Value} from './values.js';

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

/**
 * The choices of a row; `undefined` where it has none.
 *
 * @param isAsked whether the answers of the file are said to be choices; a list that is none is then a mistake
 * @throws {Unusable} where a list that was asked for or mapped is no list of choices
 */
export function choicesIn({fields, at}: SourceRow, columns: Columns, isAsked: boolean): Choices | undefined {
  const said = columns.choices;
  if (said === '') return undefined;
  const field = said ?? USUAL.find((name) => valueAt(fields, name) !== undefined);
  const value = field === undefined ? undefined : valueAt(fields, field);
  if (field === undefined || value === undefined) {
    if (said === undefined) return undefined;
    throw new Unusable(`${at} has no field “${said}”, which columns.choices names`, 'choices are none');
  }
  const found = listed(value);
  if (found !== undefined)
    return {field, ...found, areNumbers: isList(value) && value.some((one) => one instanceof WrittenNumber)};
  if (!isAsked && said === undefined) return undefined;
  throw new Unusable(
    `${at}: “${field}” is no list of choices (2 to ${MOST} texts; texts with labels; a record by letter), but ${kindOf(value)}`,
    'choices are none',
  );
}

type Listed = Pick<Choices, 'texts' | 'labels'>;

function listed(value: Value): Listed | undefined {
  if (isList(value)) return withoutLetters(textsOf(value));
  if (!isFields(value)) return undefined;
  const {text, label} = value;
  if (text !== undefined && label !== undefined && isList(text) && isList(label)) {
    const [texts, labels] = [textsOf(text), textsOf(label)];
    const isWhole = texts !== undefined && texts.length === labels?.length && new Set(labels).size === labels.length;
    return isWhole ? {texts, labels} : undefined;
  }
  const labels = Object.keys(value).sort();
  const texts = textsOf(labels.map((name) => value[name]!));
  const isByLetter = labels.every((name, place) => name.toUpperCase() === letterAt(place));
  return texts !== undefined && isByLetter ? {texts, labels} : undefined;
}

function textsOf(values: readonly Value[]): string[] | undefined {
  if (values.length < 2 || values.length > MOST) return undefined;
  const texts = values.flatMap((value) => {
    const text = value instanceof WrittenNumber ? value.text : typeof value === 'string' ? value.trim() : '';
    return text === '' ? [] : [text];
  });
  return texts.length === values.length ? texts : undefined;
}

/** `A)21` is 21 where each text begins with its own letter. */
function withoutLetters(texts: string[] | undefined): Listed | undefined {
  if (texts === undefined) return undefined;
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
