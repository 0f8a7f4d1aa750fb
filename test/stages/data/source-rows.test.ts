/** Files of every format and kind of bytes as rows: what they hold, and where, or what is wrong, and where. */
import assert from 'node:assert/strict';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {gzipSync} from 'node:zlib';
import {StageFailure} from '../../../pipeline/stage.js';
import type {Format} from '../../../stages/data/import/params.js';
import {sourceRows} from '../../../stages/data/import/rows.js';
import {Unreadable, WrittenNumber} from '../../../stages/data/import/values.js';
import type {Value} from '../../../stages/data/import/values.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** Plain JSON of a value, with the digits of numbers as they are. */
function plain(value: Value): unknown {
  if (value instanceof WrittenNumber) return value.text;
  if (value instanceof Unreadable) return `(${value.why})`;
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value)
    ? value.map(plain)
    : Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

async function rowsAt(path: string, name: string, format: Format = 'auto'): Promise<[string, unknown][]> {
  const rows: [string, unknown][] = [];
  for await (const {at, fields} of sourceRows(path, name, {format})) rows.push([at, plain(fields)]);
  return rows;
}

async function rowsIn(t: TestContext, bytes: string | Buffer, format: Format = 'auto'): Promise<[string, unknown][]> {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, bytes);
  return rowsAt(file, 'f', format);
}

const A = '{"q":"a"}';
const B = '{"q":"b"}';
const a = {q: 'a'};
const b = {q: 'b'};

const wide = (text: string): Buffer => Buffer.from(text, 'utf16le');

/** Content → the rows that it holds, by the line in which they begin. */
const READ: Readonly<Record<string, readonly [string | Buffer, Readonly<Record<string, unknown>>]>> = {
  'lines with LF': [`${A}\n${B}\n`, {'f:1': a, 'f:2': b}],
  'lines with CR LF and blank ones': [`${A}\r\n\r\n \r\n${B}\r\n`, {'f:1': a, 'f:4': b}],
  'lines with CR, without an end': [`${A}\r\r${B}`, {'f:1': a, 'f:3': b}],
  'U+2028, U+2029 and NEL in a text': ['{"q":"a\u2028b\u2029c\u0085d"}\n', {'f:1': {q: 'a\u2028b\u2029c\u0085d'}}],
  'a byte order mark': [`\uFEFF${A}`, {'f:1': a}],
  'UTF-16 with its mark, little end first': [wide(`\uFEFF${A}\r\n{"q":"中😀"}`), {'f:1': a, 'f:2': {q: '中😀'}}],
  'UTF-16 with its mark, big end first': [wide(`\uFEFF${A}\n`).swap16(), {'f:1': a}],
  'gzip, in two members': [Buffer.concat([gzipSync(`${A}\n`), gzipSync(B)]), {'f:1': a, 'f:2': b}],
  'numbers as they are written': [
    '{"a":9007199254740993,"b":1e400,"c":0.10,"d":-0,"e":[1E+2]}',
    {'f:1': {a: '9007199254740993', b: '1e400', c: '0.10', d: '-0', e: ['1E+2']}},
  ],
  'fields of any name': [
    '{"__proto__":"a","constructor":null}',
    {'f:1': JSON.parse('{"__proto__":"a","constructor":null}') as object},
  ],
  'escapes of pairs': [String.raw`{"q":"\ud83d\ude00\u0041\n\\"}`, {'f:1': {q: '😀A\n\\'}}],
  'a list': [`[\n  ${A},\n\n  ${B}\n]\n`, {'f:2': a, 'f:4': b}],
  'a list of records over several lines': ['[{\n"q":\n"a"},{"q":"b"}]', {'f:1': a, 'f:3': b}],
  'an empty list': ['[]', {}],
  'rows in a record around them': [
    `{"version": "1", "n": 2, "data": [${A},\n${B}], "more": {"x": [1]}}`,
    {'f:1': a, 'f:2': b},
  ],
  'rows behind records': [`{"info": {"x": [1]}, "examples": [${A}, ${B}]}`, {'f:1, row 1': a, 'f:1, row 2': b}],
  'records over several lines': ['{\n  "q": "a"\n}\n{\n  "q": "b"\n}\n', {'f:1': a, 'f:4': b}],
  'CSV with quotation marks and line breaks': [
    'q,n\n"a, ""b""\nc", 1\n\nd,\n',
    {'f:2': {q: 'a, "b"\nc', n: ' 1'}, 'f:5': {q: 'd', n: ''}},
  ],
  'CSV with semicolons, CR and a mark': ['\uFEFFq;n\ra;0.10\r', {'f:2': {q: 'a', n: '0.10'}}],
  'CSV with CR LF, also in a cell': [
    'q,n\r\n"a\r\nb",1\r\n"c\r\n",2\r\n',
    {'f:2': {q: 'a\r\nb', n: '1'}, 'f:4': {q: 'c\r\n', n: '2'}},
  ],
  'CSV with an index without a name': [',q\n0,a', {'f:2': {'column 1': '0', q: 'a'}}],
  TSV: ['q\tn\na, b\t1\n', {'f:2': {q: 'a, b', n: '1'}}],
  TOML: [
    'q = "a"\nn = 9007199254740993\nx = 0.50\nd = 2020-01-02\n[r.s]\nt = [1]',
    {f: {q: 'a', n: '9007199254740993', x: '0.5', d: '2020-01-02', r: {s: {t: ['1']}}}},
  ],
  'TOML with tables that are rows': ['[[data]]\nq = "a"\n[[data]]\nq = "b"\n', {'f, row 1': a, 'f, row 2': b}],
};
for (const [what, [content, rows]] of Object.entries(READ)) {
  test(`${what}: read`, async (t) => assert.deepEqual(Object.fromEntries(await rowsIn(t, content)), rows));
}

/** Content → what is said of it. */
const REFUSED: Readonly<Record<string, readonly [string | Buffer, string | RegExp]>> = {
  'an empty file': ['', 'f is empty'],
  'Latin-1': [
    Buffer.from(`${A}\n{"q":"café"}`, 'latin1'),
    /^f:2 is not UTF-8: byte 10 of it, behind “{"q":"caf”, is 0xE9; save the file as UTF-8/,
  ],
  'UTF-8 that is cut in a character': [
    Buffer.from('{"q":"中').subarray(0, 8),
    'f:1 is not JSON: the file ends in the middle of the record that begins here',
  ],
  'a surrogate in UTF-8': [Buffer.from('7b2271223a22eda0bd227d', 'hex'), /^f:1 is not UTF-8: byte 7 of it, .* is 0xED/],
  'Latin-1 in CSV': [Buffer.from('q,n\na,1\né,2', 'latin1'), /^f:3 is not UTF-8: byte 1 of it, behind “”, is 0xE9/],
  'UTF-16 without a mark': [wide(A), 'f is UTF-16 without a byte order mark; save it as UTF-8'],
  'UTF-16 with half a character': [
    wide('\uFEFF{"q":"\ud83d"}'),
    'f is UTF-16LE by its byte order mark, but not all of it; save it as UTF-8',
  ],
  'UTF-32': [Buffer.from('fffe00007b000000', 'hex'), 'f is UTF-32; save it as UTF-8'],
  'half of a pair in an escape': [
    `${A}\n{"q":"\\ud83d"}`,
    'f:2 is not JSON: \\ud83d is half of a character: the other half of the pair is missing',
  ],
  'a cut gzip': [gzipSync(A).subarray(0, 20), 'f is not a whole gzip file: unexpected end of file'],
  'a zip archive': [
    Buffer.from('504b030414000000', 'hex'),
    'f is a zip archive, as .xlsx is one; unpack it, or save the table as CSV',
  ],
  'a field twice': ['{"a":1,"a":1}', 'f:1 is not JSON: the field “a” is there twice in one record'],
  'a NUL byte': ['{"q":"a\0"}', 'f:1 is not JSON: there is a raw U+0000 in a text; JSON writes it as an escape'],
  'lines of NUL bytes': [`${A}\n\0\0\0\n`, /^f:2 is not JSON/],
  'a NUL byte in CSV': ['q,n\na,\0', 'f:2 has a NUL byte: it is no text'],
  'a comma behind the first record': [`${A},\n${B}`, 'f:1 is not JSON: there is a comma behind the record'],
  'a comma behind another record': [`${A}\n${B},\n`, 'f:2 is not JSON: there is a comma behind the record'],
  'a comma at the end of a record': [`${A}\n{"q":"b",}`, 'f:2 is not JSON: there is a comma in front of }'],
  'a comma at the end of a list': [`[${A},\n]`, 'f:2 is not JSON: there is a comma in front of ]'],
  'no comma between rows': [`[${A}\n${B}]`, 'f:2 is not JSON: a comma is missing between two rows, in front of “{”'],
  'two records in a line': [`${A}\n${A}${B}`, 'f:2 is not JSON: two records stand in one line'],
  'a comment': [`// mine\n${A}`, 'f:1 is not JSON: there is a comment, and JSON has none'],
  'a comment in a record': ['{"q": /* mine */ "a"}', 'f:1 is not JSON: there is a comment, and JSON has none'],
  'single quotation marks': [
    `${A}\n{"q": 'b'}`,
    'f:2 is not JSON: a text stands between single quotation marks; JSON wants double ones',
  ],
  "Python's NaN": [`${A}\n{"q":NaN}`, 'f:2 is not JSON: “NaN” is no value of JSON; write null, or a text'],
  'a number with zeros in front': ['{"q":007}', 'f:1 is not JSON: “007” is no number of JSON; write it as a text'],
  'an escape that is none': ['{"q":"\\x41"}', 'f:1 is not JSON: “\\x” is no escape of JSON'],
  'a record over several lines among single lines': [
    `${A}\n{\n"q":"b"}`,
    'f:2 is not JSON: it ends in the middle of a record',
  ],
  'a line that is cut': [`${A}\n{"q": "b`, 'f:2 is not JSON: it ends in the middle of a text in quotation marks'],
  'a list that is cut': [`[${A},\n${B}`, 'f:2 is not JSON: the file ends in the middle of the list of rows'],
  'something behind a list': [`[${A}]\n${B}`, 'f:2 is not JSON: something follows behind the end of the list: “{”'],
  'rows that are lists': [`${A}\n["b"]`, 'f:2 is a list of 1, not a record with fields'],
  'lists without an end': [
    `{"q":${'['.repeat(600)}${']'.repeat(600)}}`,
    'f:1 is not JSON: lists and records lie in each other more than 512 deep',
  ],
  'a record with too few cells': [
    'q,n\na,1\nb\n',
    /^f:3 is not CSV: the record has 1 cell, the header 2; cells are told apart by ","/,
  ],
  'a quotation mark within a cell': ['q,n\na "b",1', /^f:2 is not CSV: a quotation mark stands inside a cell/],
  'a quotation mark without an end': ['q,n\n"a,1\nb,2', /^f:3 is not CSV: a quotation mark is not closed/],
  'columns of one name': ['q,q\na,b', 'f:1: two columns are called “q”; give one of them another name'],
  'TOML with a mistake': ['q = "a\nn = 1', /^f:1 is not TOML: /],
  'a broken Parquet file': ['PAR1aaaaaaaaaaaa', /^f is not Parquet that can be read: its footer: /],
};
for (const [what, [content, said]] of Object.entries(REFUSED)) {
  test(`${what}: refused with the place`, async (t) => {
    await assert.rejects(rowsIn(t, content), (error: unknown) => {
      assert.ok(error instanceof StageFailure, String((error as Error).stack));
      if (typeof said === 'string') assert.equal(error.message, said);
      else assert.match(error.message, said);
      return true;
    });
  });
}

test('a format can be said where the beginning does not tell it', async (t) => {
  assert.deepEqual(await rowsIn(t, `{"data":[${A}]}\n{"data":[]}`, 'jsonl'), [
    ['f:1', {data: [a]}],
    ['f:2', {data: []}],
  ]);
  assert.deepEqual(await rowsIn(t, '[q],n\na,1', 'csv'), [['f:2', {'[q]': 'a', n: '1'}]]);
  assert.deepEqual(await rowsIn(t, 'q, r\tn\na\t1', 'tsv'), [['f:2', {'q, r': 'a', n: '1'}]]);
});

test('it does not matter how a file is cut into pieces: rows longer than several of them', async (t) => {
  const long = 'ein 中😀 '.repeat(120_000);
  for (const content of [
    [long, 'b', long].map((q) => JSON.stringify({q})).join('\r\n'),
    JSON.stringify([{q: long}, {q: 'b'}, {q: long}]),
    `q\n${long}\nb\n${long}\n`,
    gzipSync([long, 'b', long].map((q) => JSON.stringify({q})).join('\n')),
  ]) {
    const rows = await rowsIn(t, content);
    assert.deepEqual(
      rows.map(([, row]) => (row as {q: string}).q.trim()),
      [long.trim(), 'b', long.trim()],
    );
  }
});

test('a line of 40 MB is a row', async (t) => {
  const [[, row] = ['', {}]] = await rowsIn(t, JSON.stringify({q: 'x'.repeat(40_000_000)}));
  assert.equal((row as {q: string}).q.length, 40_000_000);
});

test('Parquet: all digits of whole numbers and decimals; columns that are no text do no harm', async () => {
  const file = fileURLToPath(new URL('../../../../test/fixtures/data/rows.parquet', import.meta.url));
  const rows = await rowsAt(file, 'f');
  assert.deepEqual(
    rows.map(([at]) => at),
    ['f, row 1', 'f, row 2', 'f, row 3', 'f, row 4'],
  );
  assert.deepEqual(rows[0]![1], {
    data_source: 'own/sums',
    prompt: [
      {role: 'system', content: 'Think first.'},
      {role: 'user', content: 'What is 1 + 1?'},
    ],
    reward_model: {style: 'rule', ground_truth: '2'},
    extra_info: {index: '0', split: 'train'},
    big: '9007199254740993',
    price: '12345678901234567890.10',
    share: '0.1',
    picture: '(bytes that are not UTF-8)',
  });
  const column = (name: string) => rows.map(([, row]) => (row as Record<string, unknown>)[name]);
  assert.deepEqual(column('price'), ['12345678901234567890.10', '-0.05', null, '7.00']);
  assert.deepEqual(column('share'), ['0.1', null, null, '2']);
});

test('a folder is read in the order of its paths, and says what it has where that is nothing', async (t) => {
  const folder = temporaryFolder(t, {'2.toml': 'q = "b"', 'notes.txt': '', '10.jsonl': A, '.hidden.json': '!'});
  mkdirSync(join(folder, 'z'));
  writeFileSync(join(folder, 'z/c.csv.gz'), gzipSync('q\nc'));
  assert.deepEqual(await rowsAt(folder, 'd'), [
    ['d/10.jsonl:1', a],
    ['d/2.toml', b],
    ['d/z/c.csv.gz:2', {q: 'c'}],
  ]);
  const some: string[] = [];
  for await (const {at} of sourceRows(folder, 'd', {files: '^(z|2)'})) some.push(at);
  assert.deepEqual(some, ['d/2.toml', 'd/z/c.csv.gz:2']);
  const none = temporaryFolder(t, {'notes.txt': ''});
  await assert.rejects(rowsAt(none, 'd'), /^StageFailure: the folder d has no file of rows .*; it has notes\.txt$/);
  await assert.rejects(rowsAt(join(none, 'nowhere'), 'd'), /^StageFailure: d cannot be read: there is no such file$/);
});

test('a file that grows while it is read is refused', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, `${A}\n`.repeat(50_000));
  await assert.rejects(async () => {
    let first = true;
    for await (const _ of sourceRows(file, 'f')) {
      if (first) writeFileSync(file, `${B}\n`, {flag: 'a'});
      first = false;
    }
  }, /^StageFailure: f was changed while it was read; start again when it is at rest$/);
});
