/**
 * Rows of data sets of programming problems, as they are found: HumanEval's, MBPP's, APPS's of whole programs, and those with
 * `tests` as `tasks/code-tests.ts` has them.
 */
import type {CodeTests} from '../../tasks/code-tests.js';
import {codeTests} from '../schemas.js';
import {Unusable} from './unusable.js';
import {plainFields, type SourceRow} from './values.js';

/** What a row asks, and how what is answered is tested. */
export interface CodeRow {
  readonly question: string;
  /** A program that solves the problem, or ''. */
  readonly answer: string;
  readonly tests: CodeTests;
}

type Row = Readonly<Record<string, unknown>>;

/**
 * A row whose question and answer stand where they are looked for, and its tests; `undefined` where it is no programming problem.
 *
 * @throws {Unusable} with the place and what is wrong with it
 */
export function codeIn({fields, at}: SourceRow): {readonly row: SourceRow; readonly tests: CodeTests} | undefined {
  const found = codeRowOf(plainFields(fields));
  if (found === undefined) return undefined;
  if ('error' in found) throw new Unusable(`${at}: ${found.error}`, 'tests are none');
  const {question, answer, tests} = found;
  return {row: {fields: {...fields, question, answer}, at}, tests};
}

/**
 * A row of programming problems taken apart; `undefined` where it is none, an `error` where it is one that cannot be used.
 *
 * @param row its fields, as the file has them
 */
export function codeRowOf(row: Row): CodeRow | {readonly error: string} | undefined {
  if (typeof objectOf(row['tests'])?.['style'] === 'string') return ownRow(row);
  if (typeof row['test'] === 'string' && typeof row['entry_point'] === 'string') return humanEvalRow(row);
  if (Array.isArray(row['test_list'])) return mbppRow(row);
  if (row['input_output'] !== undefined) return appsRow(row);
  return undefined;
}

const textOf = (row: Row, ...fields: readonly string[]): string | undefined => {
  const field = fields.find((name) => typeof row[name] === 'string' && row[name] !== '');
  return field === undefined ? undefined : (row[field] as string);
};

const solutionOf = (row: Row): string => textOf(row, 'answer', 'solution', 'code', 'canonical_solution') ?? '';

function ownRow(row: Row): CodeRow | {readonly error: string} {
  const question = textOf(row, 'question', 'prompt', 'problem');
  if (question === undefined) return {error: 'it has “tests”, but none of question, prompt and problem'};
  const parsed = codeTests.safeParse(objectOf(row['tests']));
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return {error: `“${['tests', ...issue.path].join('.')}”: ${issue.message}`};
  }
  return checked({question, answer: solutionOf(row), tests: parsed.data});
}

const INSTRUCTION =
  'Complete this Python function. Answer with the whole function, with the imports that it needs, in one block of code.';

/** A question without the words that are put in front of it here, which questions share without being alike. */
export const withoutInstruction = (question: string): string =>
  question.startsWith(INSTRUCTION) ? question.slice(INSTRUCTION.length) : question;

/** https://github.com/openai/human-eval: `prompt` is the head of a function, `canonical_solution` its body. */
function humanEvalRow(row: Row): CodeRow | {readonly error: string} {
  const prompt = textOf(row, 'prompt');
  if (prompt === undefined) return {error: 'it has “test” and “entry_point”, but no “prompt”'};
  const solution = textOf(row, 'canonical_solution');
  return {
    question: `${INSTRUCTION}\n\n\`\`\`python\n${prompt.trim()}\n\`\`\``,
    answer: solution === undefined ? '' : prompt + solution,
    tests: {style: 'check', entryPoint: row['entry_point'] as string, code: row['test'] as string, prelude: prompt},
  };
}

/** https://github.com/google-research/google-research/tree/master/mbpp: a list of asserts that call a function of `code`. */
function mbppRow(row: Row): CodeRow | {readonly error: string} {
  const list = row['test_list'] as unknown[];
  const question = textOf(row, 'text', 'prompt', 'question');
  const code = textOf(row, 'code');
  if (question === undefined || code === undefined || !list.every((test) => typeof test === 'string'))
    return {error: 'it has “test_list”, but not “text” and “code” beside a list of texts'};
  const asserts = list.join('\n');
  const defined = [...code.matchAll(/^def +(\w+)/gm)].map((match) => match[1]!);
  const called = [...new Set(defined)].filter((name) => new RegExp(`\\b${name}\\s*\\(`).test(asserts));
  if (called.length !== 1)
    return {
      error: `its tests call ${called.length === 0 ? 'no function' : called.join(' and ')} of “code”; one is needed`,
    };
  const entryPoint = called[0]!;
  const prelude = textOf(row, 'test_setup_code');
  return {
    question: `${question.trim()}\nCall the function \`${entryPoint}\`, and answer with one block of Python code.`,
    answer: code,
    tests: {style: 'check', entryPoint, code: asserts, ...(prelude === undefined ? {} : {prelude})},
  };
}

/** https://github.com/hendrycks/apps: `input_output` is JSON of `inputs` and `outputs`, a text for each run of a program. */
function appsRow(row: Row): CodeRow | {readonly error: string} {
  const question = textOf(row, 'question', 'problem');
  if (question === undefined) return {error: 'it has “input_output”, but no “question”'};
  const given = objectOf(row['input_output']);
  if (given === undefined) return {error: '“input_output” is no JSON object'};
  if (given['fn_name'] !== undefined)
    return {
      error:
        '“input_output.fn_name”: data sets differ in how they wrap what a function returns; ' +
        "write tests: {style: 'calls', entryPoint, cases}",
    };
  const {inputs, outputs} = given;
  if (!isTexts(inputs) || !isTexts(outputs) || inputs.length !== outputs.length || inputs.length === 0)
    return {error: '“input_output” needs as many “inputs” as “outputs”, all of them texts'};
  const cases = inputs.map((input, index) => ({input, output: outputs[index]!}));
  return {question, answer: firstSolution(row), tests: {style: 'stdin', cases}};
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

function objectOf(value: unknown): Row | undefined {
  let found = value;
  if (typeof value === 'string') {
    try {
      found = JSON.parse(value);
    } catch {
      return undefined; // The caller says so.
    }
  }
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Row) : undefined;
}

/** APPS has a JSON list of programs in `solutions`. */
function firstSolution(row: Row): string {
  if (typeof row['solutions'] !== 'string') return solutionOf(row);
  const list = objectOf(`{"list":${row['solutions'] === '' ? '[]' : row['solutions']}}`)?.['list'];
  return Array.isArray(list) && typeof list[0] === 'string' ? list[0] : '';
}

/** Numbers that JavaScript cannot hold would be tested as others. */
function checked(row: CodeRow): CodeRow | {readonly error: string} {
  if (row.tests.style !== 'calls') return row;
  const wrong = row.tests.cases.findIndex((each) => hasLargeInteger(each));
  return wrong === -1
    ? row
    : {
        error: `“tests.cases.${wrong}” has a whole number above 2^53, which JSON loses on the way; use asserts (style check)`,
      };
}

function hasLargeInteger(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasLargeInteger);
}
