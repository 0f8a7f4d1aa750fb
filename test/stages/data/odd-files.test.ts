/** Files as spreadsheets, data frames and people write them: read as they are meant, or told with the line and what to do. */
import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {PROMPT_WORDING} from '../../../bin/options/prompt-options.js';
import {StageFailure} from '../../../pipeline/stage.js';
import {readPromptFile} from '../../../stages/data/import/index.js';
import type {PromptOptions} from '../../../stages/data/import/index.js';
import {sourceRows} from '../../../stages/data/import/rows.js';
import {Unreadable, WrittenNumber} from '../../../stages/data/import/values.js';
import type {Value} from '../../../stages/data/import/values.js';
import {temporaryFolder} from '../../rig/temporary.js';

function plain(value: Value): unknown {
  if (value instanceof WrittenNumber) return value.text;
  if (value instanceof Unreadable) return `(${value.why})`;
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value)
    ? value.map(plain)
    : Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

function fileWith(t: TestContext, text: string): string {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, text);
  return file;
}

async function rowsIn(file: string): Promise<Record<string, unknown>> {
  const rows: Record<string, unknown> = {};
  for await (const {at, fields} of sourceRows(file, 'f')) rows[at] = plain(fields);
  return rows;
}

async function refused(promise: Promise<unknown>, said: RegExp, what: string): Promise<void> {
  await assert.rejects(promise, (error: Error) => {
    assert.ok(error instanceof StageFailure, `${what}: ${String(error)}`);
    assert.match(error.message, said, what);
    return true;
  });
}

const asked = (question: string, answer: string) => ({question, answer});

test('a table says its delimiter in a first line, or shows it in its header', async (t) => {
  for (const [text, rows] of [
    ['sep=;\nquestion;answer\n1,5;2\n', {'f:3': asked('1,5', '2')}],
    ['"sep=;"\r\nquestion;answer\r\n1,5;2\r\n', {'f:3': asked('1,5', '2')}],
    ['SEP=\t\nquestion\tanswer\n1, 5\t2\n', {'f:3': asked('1, 5', '2')}],
    ['sep=|\nquestion|answer\n"a\nb"|2\nc|3\n', {'f:3': asked('a\nb', '2'), 'f:5': asked('c', '3')}],
    ['question;answer\n"a;b";2\n', {'f:2': asked('a;b', '2')}],
    ['question\tanswer\n1, 2\t3\n', {'f:2': asked('1, 2', '3')}],
    ['[id],question\n1,a\n', {'f:2': {'[id]': '1', question: 'a'}}],
    ['{id};question\n1;a\n', {'f:2': {'{id}': '1', question: 'a'}}],
    ['#,question\n0,a\n', {'f:2': {'#': '0', question: 'a'}}],
  ] as const) {
    assert.deepEqual(await rowsIn(fileWith(t, text)), rows, text);
  }
});

test('TOML behind a comment, its dates as they are written', async (t) => {
  const toml =
    '# own\nquestion = "a"\nday = 1979-05-27\nat = 1979-05-27T07:32:00-08:00\nclock = 07:32:00\nfar = inf\nnone = nan\n';
  assert.deepEqual(await rowsIn(fileWith(t, toml)), {
    f: {
      ...{question: 'a', day: '1979-05-27', at: '1979-05-27T07:32:00-08:00', clock: '07:32:00'},
      ...{far: '(an infinite number)', none: '(nan, which is no number)'},
    },
  });
});

const FILES: readonly (readonly [text: string, said: RegExp])[] = [
  ['question,answer,answer\na,b,c\n', /^f:1: two columns are called “answer”; give one of them another name$/],
  ['question,answer\na\n', /^f:2 is not CSV: the record has 1 cell, the header 2;/],
  [
    'sep=;\nquestion;answer\na;b;c\n',
    /^f:3 is not CSV: the record has 3 cells, the header 2; cells are told apart by ";"/,
  ],
  ['# my questions\nquestion,answer\na,b\n', /^f:1 is not CSV: it is a comment, and CSV has none; take the line out$/],
  ['question,answer\na\u0000b,2\n', /^f:2 has a NUL byte: it is no text$/],
  ['# my questions\n{"question": "a"}\n', /^f:1 is not JSON: there is a comment, and JSON has none$/],
  ['// my questions\n{"question": "a"}\n', /^f:1 is not JSON: there is a comment, and JSON has none$/],
  ['{"question": "a",}\n', /^f:1 is not JSON: there is a comma in front of \}$/],
  ['{"question": "a"},\n{"question": "b"}\n', /^f:1 is not JSON: there is a comma behind the record$/],
  [
    "{'question': 'a'}\n",
    /^f:1 is not JSON: “'” stands where the name of a field should be, in double quotation marks$/,
  ],
  ['{"question": "a"}\n{"question": None}\n', /^f:2 is not JSON: “None” is no value of JSON/],
  ['{"question": ["a", "b"], "answer": ["1", "2"]}', /^f:1 holds columns, not rows; pandas writes rows with to_json/],
  ['{"question": {"0": "a", "1": "b"}, "answer": {"0": "1", "1": "2"}}', /^f:1 holds columns, not rows/],
  [
    '{"train": [{"question": "a"}], "test": [{"question": "b"}]}',
    /^f:1 holds lists of rows called train, test; write each/,
  ],
  ['version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n', /^f is a Git LFS pointer/],
  ['<!DOCTYPE html>\n<html></html>\n', /^f is an HTML page/],
];

test('what is wrong with a file is told with the line', async (t) => {
  for (const [text, said] of FILES) await refused(rowsIn(fileWith(t, text)), said, text);
});

test('one row whose fields are lists or records stays a row', async (t) => {
  for (const row of [
    {messages: [{role: 'user', content: 'q'}], tools: [{name: 'f'}]},
    {question: {text: 'a'}, answer: {text: 'b'}},
    {prompt: ['a', 'b'], answer: '1'},
    {prompt: ['a'], answers: ['1']},
  ]) {
    assert.deepEqual(await rowsIn(fileWith(t, JSON.stringify(row))), {'f:1': row});
  }
});

test('Parquet: points in time and float32 as they are, lists, records, maps and dictionaries; two columns of one name', async () => {
  const fixture = (name: string): string =>
    fileURLToPath(new URL(`../../../../test/fixtures/data/${name}`, import.meta.url));
  const rows = await rowsIn(fixture('kinds.parquet'));
  assert.deepEqual(rows['f, row 1'], {
    ...{question: 'left 2', answer: '0.1', whole: '18446744073709551615'},
    ...{micro: '2024-01-02T03:04:05.678901Z', nano: '2024-01-02T03:04:05.123456789Z', old: '1969-12-31T23:59:59.5Z'},
    ...{day: '2024-01-02', clock: '(a time of day; write it as a text)'},
    ...{nested: [['a'], ['b', 'c']], record: {a: '1', b: {c: 'x'}}, map: {k: 'v'}},
  });
  assert.deepEqual(rows['f, row 2'], {
    ...{question: 'left 3', answer: '16777216', whole: '0', micro: null, nano: '1970-01-01T00:00:00Z', old: null},
    ...{day: '1969-12-31', clock: null, nested: null, record: null, map: {}},
  });
  await refused(
    rowsIn(fixture('twice.parquet')),
    /^f: two columns are called “question”; give one of them another name$/,
    'twice',
  );
});

test('messages tell what to type: a param of a recipe, or a flag of the command line', async (t) => {
  const ask = async (rows: readonly object[], options: PromptOptions): Promise<unknown> =>
    readPromptFile(fileWith(t, rows.map((row) => JSON.stringify(row)).join('\n')), 'f', options);
  const twice = [
    {...asked('a', '1'), id: 'x'},
    {...asked('b', '2'), id: 'x'},
  ];
  for (const [rows, columns, inRecipe, typed] of [
    [
      [{text: 'a', answer: '1'}],
      {},
      "which is the question: columns: {question: '…'}",
      'which is the question: --column question=…',
    ],
    [
      [asked('a', '1')],
      {answer: 'my answer'},
      "has no field “my answer”, which columns: {answer: 'my answer'} names",
      "has no field “my answer”, which --column 'answer=my answer' names",
    ],
    [
      [{question: {text: 'a'}, answer: '1'}],
      {},
      "name the field within, as columns: {question: 'question.…'}",
      'name the field within, as --column question=question.…',
    ],
    [twice, {}, "columns: {id: '', group: 'id'}", '--column id= --column group=id'],
    [[{...asked('a', '1'), language: 'Klingon'}], {}, "columns: {language: ''} leaves", '--column language= leaves'],
    [[asked('a', '1')], {answer: ''}, 'has no answer: no field is to be it', 'has no answer: no field is to be it'],
  ] as const) {
    const escaped = (text: string): RegExp => new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    await refused(ask(rows, {columns}), escaped(inRecipe), inRecipe);
    await refused(ask(rows, {columns, wording: PROMPT_WORDING}), escaped(typed), typed);
  }
  const wrapped = fileWith(t, '{"data": [{"question": "a", "answer": "1"}]}\n{"data": []}\n');
  await refused(
    readPromptFile(wrapped, 'f', {wording: PROMPT_WORDING}),
    /if each line is a row, say --format jsonl/,
    'format',
  );
});
