/** Rows of a file as prompts: what they ask, the reference answer and its kind. Which side each is on is not decided here. */
import {StageFailure} from '../../../pipeline/stage.js';
import {LANGUAGES} from '../../text/language.js';
import type {Language} from '../../text/language.js';
import {letterAt} from '../../tasks/answers/choice.js';
import type {Prompt} from '../../tasks/prompt.js';
import {questionHash} from '../../tasks/splits.js';
import type {CodeTests} from '../../tasks/code-tests.js';
import {alternativesIn} from './alternatives.js';
import {choicesIn, chosenIn, withChoices} from './choice-rows.js';
import type {Choices} from './choice-rows.js';
import {codeIn} from './code-rows.js';
import {answerOf, rowReader} from './columns.js';
import type {ReadRow} from './columns.js';
import {languageOf} from './language-of.js';
import type {Answers, Columns} from './params.js';
import {isFormula, referenceOf} from './references.js';
import {sourceRows} from './rows.js';
import type {ReadOptions} from './rows.js';
import type {Tally} from './tally.js';
import {Unusable} from './unusable.js';
import {valueAt} from './values.js';
import type {SourceRow} from './values.js';
import {inRecipe} from './wording.js';

export interface PromptOptions extends ReadOptions {
  readonly columns?: Columns;
  readonly answers?: Answers;
  /** Of rows that do not say it. */
  readonly language?: Language | null;
  /** What is done about a row without a question or a reference answer. */
  readonly unusable?: 'refuse' | 'drop';
}

export interface PromptRow {
  /** Its key is that of its question alone. */
  readonly prompt: Prompt;
  /** What the file says that it belongs to. */
  readonly group: string | undefined;
  /** Of its question, in any spelling. */
  readonly hash: string;
}

/** What the answer of a row is wanted for, where it is more than a reference. */
const WANTED: Readonly<Partial<Record<Answers, 'references' | 'judged'>>> = {
  f1: 'references',
  drop: 'references',
  judge: 'judged',
};

/**
 * The prompts of a file or folder in their order.
 *
 * @param tally is told what was found
 * @throws {StageFailure} with file, line or row, and field
 */
export async function* promptRows(
  path: string,
  name: string,
  options: PromptOptions,
  tally: Tally,
): AsyncGenerator<PromptRow> {
  const {columns = {}, unusable = 'refuse'} = options;
  const read = rowReader(columns, WANTED[options.answers ?? 'auto'] ?? 'reference', options.wording);
  const ids = new Map<string, string>();
  for await (const row of sourceRows(path, name, options)) {
    tally.rows += 1;
    try {
      const code =
        options.answers === undefined || ['auto', 'code'].includes(options.answers) ? codeIn(row) : undefined;
      if (options.answers === 'code' && code === undefined)
        throw new Unusable(
          `${row.at} has no tests that are known (fields tests, test with entry_point, test_list or input_output)`,
          'tests are none',
        );
      const asked = code?.row ?? row;
      const found = read(asked);
      let noChoices: string | undefined;
      const choices =
        code === undefined && ['auto', 'choice', undefined].includes(options.answers)
          ? choicesIn(row, columns, {
              answer: found.answer,
              isAsked: options.answers === 'choice',
              wording: options.wording,
              onNone: (field) => (noChoices = field),
            })
          : undefined;
      const prompt = promptOf(asked, found, {...options, columns}, {tally, ids, tests: code?.tests, choices});
      if (noChoices !== undefined) tally.count(tally.noChoices, noChoices);
      yield prompt;
    } catch (error) {
      if (!(error instanceof Unusable) || unusable === 'refuse') throw error;
      tally.count(tally.unusable, error.why);
    }
  }
  if (tally.rows === 0) throw new StageFailure(`${name} holds no questions`);
}

function promptOf(
  asked: SourceRow,
  row: ReadRow,
  options: PromptOptions & {readonly columns: Columns},
  {
    tally,
    ids,
    tests,
    choices,
  }: {
    readonly tally: Tally;
    readonly ids: Map<string, string>;
    readonly tests: CodeTests | undefined;
    readonly choices: Choices | undefined;
  },
): PromptRow {
  const {at, group, before, system} = row;
  // What a program is worth its tests say, and a judge has its rubric: an answer that solves the problem may be there or not.
  const {answers = 'auto'} = options;
  const alternatives =
    WANTED[answers] === 'references' ? alternativesIn(asked.fields, options.columns, row.from.answer) : [];
  const first = alternatives[0] ?? row.answer;
  const reference =
    tests !== undefined
      ? {task: 'code', answer: row.answer ?? ''}
      : answers === 'judge'
        ? {task: answers, answer: row.answer ?? ''}
        : choices !== undefined
          ? {task: 'choice', answer: chosenLetter(row, asked, choices, options)}
          : referenceOf(answerOf({...row, answer: first}, asked, options.columns, options.wording), answers);
  if ('fault' in reference)
    throw new Unusable(`${at}: “${row.from.answer ?? 'references'}” ${reference.fault}`, 'answer is none');
  const language = spokenIn(row, options);
  const question = choices === undefined ? row.question : withChoices(row.question, choices, language);
  const hash = questionHash(question);
  const id = unusedId(row, `imported:${hash}:${tally.rows}`, ids, options.wording);
  tally.row(choices === undefined ? row : {...row, from: {...row.from, choices: choices.field}});
  tally.count(tally.tasks, reference.task);
  if (language !== undefined) tally.count(tally.languages, language);
  if (before.length > 0) tally.turnsLeftOut += 1;
  if (system !== undefined) tally.systemLeftOut += 1;
  if (reference.task === 'exact' && isFormula(reference.answer)) {
    tally.formulas += 1;
    tally.formulaExample ??= reference.answer;
  }
  const prompt: Prompt = {
    id,
    from: [],
    task: reference.task,
    key: `imported:${hash}`,
    ...(language === undefined ? {} : {language}),
    question,
    answer: reference.answer,
    ...(choices === undefined ? {} : {choices: choices.texts, stem: row.question}),
    ...(alternatives.length < 2 ? {} : {references: alternatives.slice(1)}),
    ...(row.rubric === undefined ? {} : {rubric: row.rubric}),
    ...(tests === undefined ? {} : {tests}),
  };
  return {prompt, group, hash};
}

/** @throws {Unusable} where the answer is none of the choices */
function chosenLetter(
  row: ReadRow,
  asked: SourceRow,
  choices: Choices,
  {columns, wording}: PromptOptions & {readonly columns: Columns},
): string {
  const text = answerOf(row, asked, columns, wording);
  const field = row.from.answer!; // There is an answer, so it is somewhere.
  // The last turn of a conversation has no field of its own.
  const value = field === row.from.question ? text : valueAt(asked.fields, field)!;
  return letterAt(chosenIn(value, choices, {at: row.at, field}));
}

/** A row's own id, or one that is made for it. @throws {StageFailure} another row has it */
export function unusedId(
  {id, from, at}: ReadRow,
  made: string,
  ids: Map<string, string>,
  wording = inRecipe(),
): string {
  if (id === undefined) return made;
  const earlier = ids.get(id);
  if (earlier !== undefined)
    throw new StageFailure(
      `${at}: the id “${id}” was used at ${earlier}; if it names what several rows are variants of: ` +
        wording.columns({id: '', group: from.id ?? 'id'}),
    );
  ids.set(id, at);
  return id;
}

/** The language of a row: what it says, else what the recipe says. @throws {StageFailure} it is none that is known */
export function spokenIn(
  {language, from, at}: ReadRow,
  options: Pick<PromptOptions, 'language' | 'wording'>,
): Language | undefined {
  if (language === undefined) return options.language ?? undefined;
  const known = languageOf(language);
  if (known !== undefined) return known;
  throw new StageFailure(
    `${at}: “${from.language}” is ${JSON.stringify(language)}, it can be one of ${LANGUAGES.join(', ')}; ` +
      `${(options.wording ?? inRecipe()).columns({language: ''})} leaves the field alone`,
  );
}
