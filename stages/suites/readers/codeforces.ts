/**
 * Problems of Codeforces as open-r1/codeforces has them: a statement in parts, official tests, contest, index and rating. A problem that
 * has several right outputs wants a checker, which is a program of others and is not run: it is left out, and so are those that read
 * files, talk to a judge, or have no whole set of tests.
 */
import {StageFailure} from '../../../pipeline/stage.js';
import {plainFields} from '../../data/import/values.js';
import type {SourceRow} from '../../data/import/values.js';
import {missing, textIn, type KeepRows, type MakePrompt} from '../row.js';

interface Case {
  readonly input: string;
  readonly output: string;
}

const casesIn = (value: unknown): readonly Case[] =>
  Array.isArray(value)
    ? value.filter(
        (one): one is Case =>
          typeof one === 'object' &&
          one !== null &&
          typeof (one as Case).input === 'string' &&
          typeof (one as Case).output === 'string',
      )
    : [];

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/** Why a row is left out, if it is. */
function reasonOf({fields}: SourceRow): string | undefined {
  const row = plainFields(fields);
  if (isText(row['generated_checker'])) return 'want a checker, as they have several right outputs';
  if (isText(row['interaction_format'])) return 'talk to a judge';
  if (isText(row['input_mode']) && row['input_mode'] !== 'stdio') return 'read files';
  if (row['official_tests_complete'] === false) return 'have official tests that are cut';
  return casesIn(row['official_tests']).length === 0 ? 'have no official tests' : undefined;
}

/** Rows whose tests say what is right. */
export const testable: KeepRows = (rows, note) => {
  const [first] = rows;
  if (first !== undefined && plainFields(first.fields)['official_tests'] === undefined)
    throw new StageFailure(
      `${first.at} has no field “official_tests”; it has ${Object.keys(first.fields).join(', ')}: Codeforces reads the layout of open-r1/codeforces`,
    );
  const left = new Map<string, number>();
  const kept = rows.filter((row) => {
    const why = reasonOf(row);
    if (why !== undefined) left.set(why, (left.get(why) ?? 0) + 1);
    return why === undefined;
  });
  for (const [why, count] of left) note(`problems that ${why} are left out: ${count}`);
  if (kept.length === 0) throw new StageFailure('no problem is left that can be tested');
  return kept;
};

export const codeforces: MakePrompt = (suite, row, {id}) => {
  const fields = plainFields(row.fields);
  if (fields['contest_id'] === undefined || fields['index'] === undefined)
    throw missing(suite, row, ['contest_id', 'index']);
  const parts = [
    ['', textIn(suite, row, ['description'])],
    ['Input', fields['input_format']],
    ['Output', fields['output_format']],
    ...casesIn(fields['examples']).map(({input, output}) => [
      'Example',
      `${input.trim()}\n\nprints\n\n${output.trim()}`,
    ]),
    ['Note', fields['note']],
  ] as const;
  const statement = parts.flatMap(([title, text]) =>
    isText(text) ? [title === '' ? text.trim() : `${title}\n${text.trim()}`] : [],
  );
  const question =
    `${statement.join('\n\n')}\n\nSolve this problem: write a Python program that reads from standard input and prints to standard ` +
    'output. Think first. Then answer with the whole program in one block of Python code.';
  const cases = casesIn(fields['official_tests']).map(({input, output}) => ({input, output}));
  return {id, from: [], key: id, task: 'code', question, answer: '', tests: {style: 'stdin', cases, decimals: true}};
};
