/** Rows of which the suite names the fields: question, answer, choices. */
import {StageFailure} from '../../../pipeline/stage.js';
import {chosenIn} from '../../data/import/choice-rows.js';
import {isList, kindOf, valueAt} from '../../data/import/values.js';
import type {SourceRow} from '../../data/import/values.js';
import type {Random} from '../../random.js';
import {letterAt} from '../../tasks/answers/choice.js';
import {builtInTasks} from '../../tasks/built-in.js';
import type {Prompt} from '../../tasks/prompt.js';
import {fieldIn, missing, scalarOf, textIn, type MakePrompt} from '../row.js';
import type {Suite} from '../suite.js';

export const fromFields: MakePrompt = (suite, row, {id, order}) => {
  const {data, grade} = suite;
  const question = textIn(suite, row, data.question!);
  const base = {id, from: [], key: id, task: grade.task, question};
  if (grade.task === 'choice') {
    const {texts, right} = choicesOf(suite, row, order);
    return {...base, answer: letterAt(right), choices: texts, stem: question};
  }
  const references =
    data.answer === undefined
      ? ['']
      : textIn(suite, row, data.answer)
          .split(data.separator ?? /(?!)/)
          .map((one) => data.answers?.[one] ?? one)
          .filter((one) => one.trim() !== '');
  const [answer, ...others] = references;
  const kind = builtInTasks.get(grade.task)!.answer!;
  const bad = references.find((one) => kind.reference(one) === undefined);
  if (answer === undefined || bad !== undefined)
    throw new StageFailure(
      `${row.at}: “${data.answer!.join(' or ')}” is no reference of the kind “${grade.task}”: “${(bad ?? '').slice(0, 60)}”`,
    );
  return {...base, answer, ...(others.length === 0 ? {} : {references: others}), ...judgedBy(suite)};
};

const judgedBy = ({grade}: Suite): Pick<Prompt, 'rubric'> => (grade.rubric === undefined ? {} : {rubric: grade.rubric});

/** The choices of a row in the order in which they are shown, and the place of the right one. */
function choicesOf(suite: Suite, row: SourceRow, order: Random): {readonly texts: string[]; readonly right: number} {
  const {choices, choiceFields, answer, right, wrong, answers} = suite.data;
  if (right !== undefined && wrong !== undefined) {
    const texts = [right, ...wrong].map((name) => textIn(suite, row, [name]).trim());
    const places = order.shuffle(texts.map((_, place) => place));
    return {texts: places.map((place) => texts[place]!), right: places.indexOf(0)};
  }
  const isNamed = choices === undefined && choiceFields === undefined;
  const texts = isNamed ? [...new Set(Object.values(answers ?? {}))] : listIn(suite, row);
  const field = fieldIn(suite, row, answer!);
  const value = valueAt(row.fields, field)!;
  const meant = answers?.[scalarOf(value) ?? ''];
  if (isNamed && meant === undefined)
    throw new StageFailure(
      `${row.at}: “${field}” is ${kindOf(value)}, it can be ${Object.keys(answers ?? {}).join(' or ')}`,
    );
  const chosen = {field, texts, labels: undefined, areNumbers: false};
  return {texts, right: chosenIn(meant ?? value, chosen, {at: row.at, field})};
}

/** A field with a list, else a field for each. */
function listIn(suite: Suite, row: SourceRow): string[] {
  const {choices = [], choiceFields} = suite.data;
  const name = choices.find((one) => valueAt(row.fields, one) !== undefined);
  if (name === undefined) {
    if (choiceFields === undefined) throw missing(suite, row, choices);
    return choiceFields.map((field) => textIn(suite, row, [field]).trim());
  }
  const list = valueAt(row.fields, name);
  const texts = isList(list) ? list.map((one) => scalarOf(one)?.trim() ?? '') : [];
  if (texts.length > 1 && texts.every((text) => text !== '')) return texts;
  throw new StageFailure(`${row.at}: “${name}” is no list of choices, but ${kindOf(list)}`);
}
