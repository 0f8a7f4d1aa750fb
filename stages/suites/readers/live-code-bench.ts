/**
 * LiveCodeBench (Jain et al., arXiv 2403.07974): problems of contests with the tests that are shown and those that are not. The latter are
 * JSON, or base64 of a compressed pickle of JSON, which is only ever unpacked in the sandbox.
 */
import {StageFailure} from '../../../pipeline/stage.js';
import {plainFields} from '../../data/import/values.js';
import type {SourceRow} from '../../data/import/values.js';
import {openPickleReader} from '../../sandbox/plain-pickle.js';
import type {CodeTests} from '../../tasks/code-tests.js';
import {closingAfter} from '../../train/closing.js';
import {textIn, type MakePrompt, type PrepareRows} from '../row.js';
import type {Suite} from '../suite.js';

interface Case {
  readonly input: string;
  readonly output: string;
  readonly testtype: string;
}

/** What its checker puts in front of each program that is a function; modules by name, and all that is in them. */
const MODULES =
  'string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json builtins typing';
const PRELUDE = `${MODULES.split(' ')
  .map((name) => `import ${name}\nfrom ${name} import *`)
  .join('\n')}\n`;

/** Unpacks the tests of all rows. */
export const unpackTests: PrepareRows = async (rows, {sandbox = 'bubblewrap'}) => {
  const isPacked = ({fields}: SourceRow): boolean => !/^\s*\[/.test(textOf(fields['private_test_cases']));
  if (!rows.some(isPacked)) return rows;
  const reader = await openPickleReader(sandbox);
  return closingAfter([reader], async () => {
    const unpacked: SourceRow[] = [];
    for (const row of rows) {
      if (!isPacked(row)) unpacked.push(row);
      else {
        const text = await reader.read(textOf(row.fields['private_test_cases']), row.at);
        unpacked.push({...row, fields: {...row.fields, private_test_cases: text}});
      }
    }
    return unpacked;
  });
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export const liveCodeBench: MakePrompt = (suite, row, {id}) => {
  const content = textIn(suite, row, ['question_content']);
  const starter = textOf(plainFields(row.fields)['starter_code']).trim();
  const how =
    starter === ''
      ? 'Write a Python program that reads from standard input and prints to standard output.'
      : `Complete this code:\n\n\`\`\`python\n${starter}\n\`\`\``;
  const question = `${content.trim()}\n\n${how}\nThink first. Then answer with the whole program in one block of Python code.`;
  return {id, from: [], key: id, task: 'code', question, answer: '', tests: testsOf(suite, row, starter)};
};

function testsOf(suite: Suite, row: SourceRow, starter: string): CodeTests {
  const cases = ['public_test_cases', 'private_test_cases'].flatMap((name) => casesIn(suite, row, name));
  if (cases.length === 0) throw new StageFailure(`${row.at} has no tests`);
  const kinds = new Set(cases.map(({testtype}) => testtype));
  if (kinds.size !== 1) throw new StageFailure(`${row.at}: its tests are of several kinds: ${[...kinds].join(', ')}`);
  if (kinds.has('stdin'))
    return {style: 'stdin', cases: cases.map(({input, output}) => ({input, output})), decimals: true};
  const name = functionIn(suite, row);
  const called = cases.map(({input, output}) => ({
    args: input.split('\n').map((line) => jsonIn(line, row)),
    returns: jsonIn(output, row),
  }));
  const entryPoint = /^class Solution\b/m.test(starter) ? `Solution.${name}` : name;
  return {style: 'calls', entryPoint, cases: called, prelude: PRELUDE};
}

function casesIn(suite: Suite, row: SourceRow, field: string): Case[] {
  const list = jsonIn(textIn(suite, row, [field]), row);
  const isCase = (one: unknown): boolean =>
    typeof one === 'object' &&
    one !== null &&
    ['input', 'output', 'testtype'].every((name) => typeof (one as Record<string, unknown>)[name] === 'string');
  if (!Array.isArray(list) || !list.every(isCase))
    throw new StageFailure(`${row.at}: “${field}” is no list of tests with input, output and testtype`);
  return list as Case[];
}

function functionIn(suite: Suite, row: SourceRow): string {
  const metadata = jsonIn(textIn(suite, row, ['metadata']), row) as Readonly<Record<string, unknown>> | null;
  const name = metadata?.['func_name'];
  if (typeof name === 'string' && /^\w+$/.test(name)) return name;
  throw new StageFailure(`${row.at}: “metadata” names no function (func_name)`);
}

function jsonIn(text: string, {at}: SourceRow): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new StageFailure(`${at}: what should be JSON is “${text.slice(0, 60)}”`);
  }
}
