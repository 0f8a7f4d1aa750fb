/**
 * Which fields of a row mean what: by the recipe's mapping, else by the usual names, in a fixed order. Public sets of the kinds that
 * the names come from: GSM8K (question, answer), MATH and NuminaMath (problem, solution), DeepScaleR and OpenR1-Math (problem,
 * solution, answer), Alpaca and Dolly (instruction with input or context; output or response), ShareGPT (conversations of from and
 * value), verl (prompt as messages, reward_model.ground_truth), HumanEval (task_id, prompt), OpenBookQA (question_stem), HellaSwag (ctx),
 * SciQ (correct_answer), AQuA-RAT (correct).
 */
import {conversationIn} from './conversation.js';
import type {Turn} from './conversation.js';
import type {Columns, Role} from './params.js';
import {Unusable} from './unusable.js';
import {inRecipe} from './wording.js';
import type {Wording} from './wording.js';
import {WrittenNumber, isFields, isList, kindOf, spelledIn, valueAt} from './values.js';
import type {SourceRow, Value} from './values.js';

/** Names that are found by themselves. The first of a list that is there and holds something wins. */
const USUAL: Readonly<Record<Role, readonly string[]>> = {
  question: [
    'question',
    'problem',
    'prompt',
    'instruction',
    'input',
    'query',
    'messages',
    'conversations',
    'conversation',
    'question_stem',
    'ctx',
  ],
  // What is short comes before what has to be taken out of a worked solution.
  answer: [
    ...['answer', 'final_answer', 'expected_answer', 'ground_truth', 'reward_model.ground_truth', 'label', 'answerKey'],
    ...['correct_answer', 'correct_option', 'gold', 'target', 'correct'],
    ...['solution', 'response', 'output', 'completion'],
  ],
  // choice-rows.ts finds these.
  choices: [],
  // alternatives.ts finds these.
  references: [],
  thinking: ['thinking', 'reasoning', 'reasoning_content'],
  context: [],
  system: ['system', 'system_prompt'],
  rubric: ['rubric', 'criteria', 'grading_notes'],
  id: ['id', 'task_id', 'uuid', 'unique_id'],
  group: ['group', 'id_orig', 'original_id', 'template_id'],
  language: ['language', 'lang'],
};

/** What a response to learn from is called, where it is not the last turn of a conversation. */
const RESPONSES = ['response', 'output', 'completion', 'solution', 'answer', 'final_answer'];

/** These are also verdicts (`correct: true`) and records of other things: they are the answer only as a text or a number. */
const PLAIN_ANSWERS = ['correct_answer', 'correct_option', 'gold', 'target', 'correct'];

/** Roles whose names count in any case. An `ID` or `Group` of some index would refuse files that can be read without it. */
const ANY_CASE: readonly Role[] = ['question', 'answer'];

/** What a question may be about: SQuAD, RACE, BoolQ and DROP, stories, SciQ, OpenBookQA. Not asked by itself, and never without a word. */
const PASSAGES = ['context', 'article', 'passage', 'paragraph', 'story', 'support', 'fact1'];

/** With an instruction, what it is about. */
const ABOUT = ['input', 'context'];

/** A row by roles: texts as they are in the file. */
export interface ReadRow {
  readonly at: string;
  /** The last thing that a user says. */
  readonly question: string;
  readonly answer: string | undefined;
  readonly thinking: string | undefined;
  /** What is said before the question: earlier turns, and what the system says. */
  readonly before: readonly Turn[];
  readonly system: string | undefined;
  /** What the answer is judged by; looked for where a judge is asked. */
  readonly rubric: string | undefined;
  readonly id: string | undefined;
  readonly group: string | undefined;
  readonly language: string | undefined;
  /** Role → the field that it was found in. */
  readonly from: Readonly<Partial<Record<Role, string>>>;
  /** Other fields that could have been the answer. */
  readonly passedOver: readonly string[];
  /** Fields with a passage that the question may be about, which is not asked with it. */
  readonly unasked: readonly string[];
}

/**
 * Reads rows by a mapping.
 *
 * @param wants whether the answer is a reference to check against, one of several, one that a judge may be shown, or a response to learn
 * @param wording how messages write a mapping
 * @returns a function that throws `Unusable`, with the place, the field and the fields that there are
 */
export function rowReader(columns: Columns, wants: Wants, wording: Wording = inRecipe()): (row: SourceRow) => ReadRow {
  return (row) => readRow(row, columns, {wants, wording});
}

/** What the answer of a row is wanted for. */
type Wants = 'reference' | 'references' | 'judged' | 'response';

interface Reading {
  readonly wants: Wants;
  readonly wording: Wording;
}

function readRow({fields, at}: SourceRow, columns: Columns, {wants, wording}: Reading): ReadRow {
  const from: Partial<Record<Role, string>> = {};
  const find = (role: Role, usual: readonly string[] = USUAL[role]): Value | undefined => {
    const said = columns[role];
    if (said === '') return undefined;
    const name = said ?? usualIn(fields, role, usual)[0];
    if (name === undefined) return undefined;
    const value = valueAt(fields, name);
    if (said !== undefined && value === undefined)
      throw new Unusable(
        `${at} has no field “${said}”, which ${wording.columns({[role]: said})} names; ${fieldsText(fields)}`,
        `no ${role}`,
      );
    if (!holdsSomething(value)) return undefined;
    from[role] = name;
    return value;
  };
  const text = (role: Role, usual?: readonly string[]): string | undefined => {
    const value = find(role, usual);
    // Lists of references are for `alternatives.ts`.
    if (role === 'answer' && wants === 'references' && (isList(value) || isFields(value))) return undefined;
    return value === undefined ? undefined : textOf(value, from[role]!, {role, at, wording});
  };

  const asked = find('question');
  if (asked === undefined) throw missing('question', {fields, at}, columns, wording);
  const talk = isList(asked) ? conversationIn(asked, from.question!, at) : undefined;
  const answerNames = wants === 'response' ? RESPONSES : USUAL.answer;
  // A conversation that was mapped, or found, as a whole is answered by its own last turn; a reference may stand beside it.
  const reply = talk?.reply;
  const answer =
    wants === 'response' && reply !== undefined && columns.answer === undefined
      ? reply
      : (text(
          'answer',
          answerNames.filter((one) => spelledIn(fields, one) !== from.question),
        ) ?? reply);
  if (answer !== undefined && from.answer === undefined) from.answer = from.question!;
  const passedOver =
    columns.answer === undefined
      ? usualIn(fields, 'answer', answerNames).filter((one) => one !== from.answer && one !== from.question)
      : [];
  const about = from.question === 'instruction' || columns.context !== undefined ? text('context', ABOUT) : undefined;
  const question = talk?.question ?? textOf(asked, from.question!, {role: 'question', at, wording});
  const unasked =
    columns.context === undefined
      ? usualIn(fields, 'question', PASSAGES).filter((one) => {
          const value = valueAt(fields, one);
          const isUnasked =
            typeof value === 'string' ? !question.includes(value.trim()) : isList(value) || isFields(value);
          return isUnasked && !Object.values(from).includes(one);
        })
      : [];
  return {
    at,
    question: about === undefined ? question : `${question}\n\n${about}`,
    answer,
    thinking: text('thinking') ?? talk?.thinking,
    before: talk?.before ?? [],
    system: text('system') ?? talk?.system,
    rubric: wants === 'judged' ? text('rubric') : undefined,
    id: text('id'),
    group: text('group'),
    language: text('language'),
    from,
    passedOver,
    unasked,
  };
}

/** Which of the usual names a row has, as it spells them, where they hold something that can be for the role. */
const usualIn = (fields: SourceRow['fields'], role: Role, names: readonly string[]): string[] =>
  names.flatMap((name) => {
    const field = ANY_CASE.includes(role) ? spelledIn(fields, name) : name;
    const value = valueAt(fields, field);
    const isPlain = typeof value === 'string' || value instanceof WrittenNumber;
    return holdsSomething(value) && (isPlain || !PLAIN_ANSWERS.includes(name)) ? [field] : [];
  });

const holdsSomething = (value: Value | undefined): boolean =>
  value !== undefined &&
  value !== null &&
  !(typeof value === 'string' && value.trim() === '') &&
  !(isList(value) && value.length === 0);

interface Place {
  readonly role: Role;
  readonly at: string;
  readonly wording: Wording;
}

function textOf(value: Value, name: string, place: Place): string {
  const {role, at, wording} = place;
  if (typeof value === 'string') return value;
  if (role !== 'question' && value instanceof WrittenNumber) return value.text;
  if (role === 'answer' && typeof value === 'boolean') return String(value);
  if (role === 'answer' && isList(value) && value.length === 1) return textOf(value[0]!, `${name}.0`, place);
  const within =
    isFields(value) || isList(value) ? `; name the field within, as ${wording.columns({[role]: `${name}.…`})}` : '';
  throw new Unusable(`${at}: “${name}” must be a text, and is ${kindOf(value)}${within}`, `${role} is no text`);
}

function missing(role: Role, {fields, at}: SourceRow, columns: Columns, wording: Wording): Unusable {
  const said = columns[role];
  const usual = `none of ${USUAL[role].join(', ')} holds one`;
  const names = said === undefined ? usual : said === '' ? 'no field is to be it' : `“${said}” is empty`;
  return new Unusable(
    `${at} has no ${role}: ${names}; ${fieldsText(fields)}; say which is the ${role}: ${wording.columns({[role]: '…'})}`,
    `no ${role}`,
  );
}

/** @throws {Unusable} there is no answer */
export function answerOf(row: ReadRow, {fields}: SourceRow, columns: Columns, wording: Wording = inRecipe()): string {
  if (row.answer === undefined) throw missing('answer', {fields, at: row.at}, columns, wording);
  return row.answer;
}

/** The fields that there are, those of records within by their path. */
function fieldsText(fields: SourceRow['fields']): string {
  const names = Object.entries(fields).flatMap(([name, value]) =>
    isFields(value) ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name],
  );
  if (names.length === 0) return 'it has no fields';
  const shown = names.slice(0, 30).map((name) => (name.length > 60 ? `${name.slice(0, 60)}…` : name));
  return `its fields are ${shown.join(', ')}${names.length > 30 ? ` and ${names.length - 30} more` : ''}`;
}
