import assert from 'node:assert/strict';
import {test} from 'node:test';
import {JsonLinesError, openLinesReader, openRowsReader, rowLine} from '../../../artifacts/formats/jsonl.js';

/** The pieces come in one buffer that is filled again and again, as a file may be read. */
function readInPieces(bytes: Buffer, size: number, reader: {take(piece: Uint8Array): void; end(): void}): void {
  const piece = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const length = bytes.copy(piece, 0, at, Math.min(at + size, bytes.length));
    reader.take(piece.subarray(0, length));
  }
  reader.end();
}

function read(text: string, size: number): string[] {
  const lines: string[] = [];
  const reader = openLinesReader((line, number) => assert.equal(lines.push(line), number));
  readInPieces(Buffer.from(text), size, reader);
  return lines;
}

/** Text → its lines. */
const TEXTS: readonly (readonly [string, readonly string[]])[] = [
  ['', []],
  ['\n', ['']],
  ['a', ['a']],
  ['a\n', ['a']],
  ['a\n\nb', ['a', '', 'b']],
  ['a\r\nb\r\n', ['a', 'b']],
  ['a\rb\n', ['a\rb']],
  ['a\u2028b\u2029c\u0085d\u000be\n', ['a\u2028b\u2029c\u0085d\u000be']],
  ['häß 中文 😀\n', ['häß 中文 😀']],
  ['\ufeffa\n', ['\ufeffa']],
];

test('lines end at line feeds alone, wherever the file is cut', () => {
  for (const [text, lines] of TEXTS) {
    for (const size of [1, 2, 3, 1000]) assert.deepEqual(read(text, size), lines, JSON.stringify(text));
  }
});

test('each byte is looked at once', (t) => {
  const text = Buffer.from(`${'z'.repeat(3 << 20)}\n`.repeat(3));
  const prototype = Buffer.prototype as Buffer;
  const indexOf = prototype.indexOf as (this: Buffer, value: number, from: number) => number;
  let searched = 0;
  t.mock.method(prototype, 'indexOf', function (this: Buffer, value: number, from = 0) {
    const found = indexOf.call(this, value, from);
    searched += (found < 0 ? this.length : found + 1) - from;
    return found;
  });
  let lines = 0;
  const reader = openLinesReader(() => lines++);
  readInPieces(text, 1 << 16, reader);
  assert.equal(lines, 3);
  assert.ok(searched <= text.length, `${searched} of ${text.length} bytes`);
});

test('rows are read with the numbers of their lines; blank lines are none; what is not JSON is named by its line', () => {
  const rows: unknown[] = [];
  const onRow = (row: unknown, line: number) => rows.push([line, row]);
  readInPieces(Buffer.from('{"a":1}\n\n \n[2]\r\n3'), 4, openRowsReader(onRow));
  assert.deepEqual(rows.splice(0), [
    [1, {a: 1}],
    [4, [2]],
    [5, 3],
  ]);
  readInPieces(
    Buffer.from('{"a":1}\nnone\n{"b":1}\n'),
    100,
    openRowsReader(onRow, (text) => text.includes('b')),
  );
  assert.deepEqual(rows, [[3, {b: 1}]]);
  assert.throws(
    () => readInPieces(Buffer.from('{}\n{"x":'), 3, openRowsReader(onRow)),
    (error) => error instanceof JsonLinesError && error.line === 2,
  );
});

test('a row is one line, whatever is in it', () => {
  const row = {text: 'a\nb\u2028c', list: [1, null]};
  assert.deepEqual(
    read(rowLine(row) + rowLine({}), 5).map((line): unknown => JSON.parse(line)),
    [row, {}],
  );
});
