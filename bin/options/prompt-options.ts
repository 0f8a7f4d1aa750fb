/** Options of a command that reads a file of questions. */
import {InvalidArgumentError, Option} from 'commander';
import type {Command} from 'commander';
import {ANSWERS, FORMATS, ROLES} from '../../stages/data/import/params.js';
import type {Answers, Columns, Format, Role} from '../../stages/data/import/params.js';
import type {Wording} from '../../stages/data/import/wording.js';
import {LANGUAGES} from '../../stages/text/language.js';
import type {Language} from '../../stages/text/language.js';

export interface PromptFlags {
  readonly prompts: string;
  readonly format: Format;
  readonly column: Columns;
  readonly answers: Answers;
  readonly language?: Language;
}

function column(text: string, before: Columns): Columns {
  const [role = '', ...field] = text.split('=');
  if (field.length === 0 || !ROLES.includes(role as Role))
    throw new InvalidArgumentError(
      `what a field is for and its name are expected, as question=problem; it can be for ${ROLES.join(', ')}.`,
    );
  return {...before, [role]: field.join('=')};
}

/** What a message about the file tells to type. */
export const PROMPT_WORDING: Wording = {
  columns: (fields) =>
    Object.entries(fields)
      .map(([role, field]) => `--column ${/^[\w.…-]*$/.test(field) ? `${role}=${field}` : `'${role}=${field}'`}`)
      .join(' '),
  format: (name) => `--format ${name}`,
};

export const withPrompts = (command: Command): Command =>
  command
    .requiredOption(
      '--prompts <file>',
      'questions with answers: JSON Lines, JSON, CSV, TSV, Parquet, TOML, or a folder of such files',
    )
    .addOption(
      new Option('--format <name>', 'what the file is, where its beginning does not tell')
        .choices(FORMATS)
        .default('auto'),
    )
    .option('--column <role=field>', 'what a field is for, where its name does not tell (repeats)', column, {})
    .addOption(
      new Option('--answers <kind>', 'how answers are compared; auto tells whole numbers from texts')
        .choices(ANSWERS)
        .default('auto'),
    )
    .addOption(new Option('--language <code>', 'of questions that do not say theirs').choices(LANGUAGES));
