/** Words that the params of an import are made of; light, since a recipe that is only planned loads them. */
import {described} from '../../../pipeline/params.js';
import {LANGUAGES, type Language} from '../../text/language.js';
import {BUILT_IN_TASKS} from '../../tasks/names.js';

export const FORMATS = ['auto', 'jsonl', 'json', 'csv', 'tsv', 'parquet', 'toml'] as const;
export type Format = (typeof FORMATS)[number];

/** What a field can be for. */
export const ROLES = [
  'question',
  'answer',
  'choices',
  'references',
  'thinking',
  'context',
  'system',
  'rubric',
  'id',
  'group',
  'language',
] as const;
export type Role = (typeof ROLES)[number];

/** Role → the field that is for it, with dots for what lies within (`reward_model.ground_truth`); '' where no field is. */
export type Columns = Readonly<Partial<Record<Role, string>>>;

/** Tasks whose answers are not of the kind that a file brings. */
type NoAnswers = 'dials' | 'general' | 'if-eval';
const NO_ANSWERS: readonly string[] = ['dials', 'general', 'if-eval'];
export type Answers = 'auto' | Exclude<(typeof BUILT_IN_TASKS)[number], NoAnswers>;

/** How the answers of a file may be compared: `auto` tells whole numbers from texts, the others are tasks. */
export const ANSWERS: readonly Answers[] = [
  'auto',
  ...BUILT_IN_TASKS.filter((name): name is Exclude<typeof name, NoAnswers> => !NO_ANSWERS.includes(name)),
];

/** What is done about rows that were found wanting. */
export const MEASURES = ['count', 'drop', 'refuse'] as const;
export type Measure = (typeof MEASURES)[number];

/** Params of every import. */
export const READING = {
  format: described('auto', 'Format of the file; auto finds it out by its name and its beginning.', FORMATS),
  files: described('', 'Files of a folder: a regular expression that paths of files have to match; "" for all.', {
    should: 'a regular expression',
    isRight: (text) => typeof text === 'string' && isPattern(text),
  }),
  columns: described<Columns>(
    {},
    'What the fields are, where their names do not say it: {"question": "problem", "answer": "reward_model.ground_truth"}.',
    {should: `a record of fields by what they are for: ${ROLES.join(', ')}`},
  ),
  benchmarkColumns: described<Columns>({}, 'What the fields of the benchmarks are, likewise.', {
    should: 'a record of fields by what they are for',
  }),
  language: described<Language | null>(null, 'Language of rows that do not say their own; null where nobody knows.', [
    null,
    ...LANGUAGES,
  ]),
};

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u').flags === 'u';
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

const isMapped = (field: unknown): boolean => field !== undefined && field !== '';

/** Roles of questions that are to be answered, and of nothing else. */
const ASKED: readonly string[] = ['rubric', 'choices', 'references'];

/** The same of rows to learn from, which ask nothing. */
export const sampleColumnMistakes = (columns: Readonly<Record<string, unknown>>): string[] => [
  ...mappingMistakes(columns, 'columns'),
  ...ASKED.filter((role) => isMapped(columns[role])).map(
    (role) => `columns.${role}: rows to learn from have no ${role}`,
  ),
];

function mappingMistakes(columns: Readonly<Record<string, unknown>>, param: string): string[] {
  return Object.entries(columns).flatMap(([role, field]) => {
    if (!(ROLES as readonly string[]).includes(role))
      return [`${param}.${role}: a field can be for ${ROLES.join(', ')}`];
    return typeof field === 'string' ? [] : [`${param}.${role} is the name of a field, '' for none`];
  });
}

/** What is wrong with the mapping of questions, each mistake a sentence. */
export function columnMistakes(
  columns: Readonly<Record<string, unknown>>,
  {answers = 'auto', param = 'columns'}: {readonly answers?: Answers; readonly param?: string} = {},
): string[] {
  const {rubric, choices, references} = columns;
  return [
    ...mappingMistakes(columns, param),
    ...(isMapped(rubric) && answers !== 'judge'
      ? [`${param}.rubric: rubrics are for a judge, and read where the answers of questions are “judge”`]
      : []),
    ...(isMapped(references) && answers !== 'f1' && answers !== 'drop'
      ? [`${param}.references: more than one reference is read where the answers of questions are “f1” or “drop”`]
      : []),
    ...(isMapped(choices) && answers !== 'choice' && answers !== 'auto'
      ? [`${param}.choices: choices are read where the answers of questions are “choice” or “auto”`]
      : []),
  ];
}

/** What is wrong with the ports of an import: a file comes in by one of two. */
export function portMistakes(inputs: readonly string[]): string[] {
  const wired = ['file', 'data'].filter((port) => inputs.includes(port));
  if (wired.length === 1) return [];
  return [
    `wire ${wired.length === 0 ? 'one' : 'only one'} of its inputs: {file: add.source(…, 'jsonl', …)}, ` +
      `or {data: add.source(…, 'data', …)} for a file or folder of any format`,
  ];
}
