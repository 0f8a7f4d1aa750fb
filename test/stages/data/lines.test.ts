import assert from 'node:assert/strict';
import {test} from 'node:test';
import {linesOf} from '../../../stages/data/lines.js';

async function* cutInto(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function read(text: string, size: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const some of linesOf(cutInto(Buffer.from(text), size))) lines.push(...some);
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

test('lines end at line feeds alone, wherever the file is cut', async () => {
  for (const [text, lines] of TEXTS) {
    for (const size of [1, 2, 3, 1000]) assert.deepEqual(await read(text, size), lines, JSON.stringify(text));
  }
});

test('each byte is looked at once', async (t) => {
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
  for await (const some of linesOf(cutInto(text, 1 << 16))) lines += some.length;
  assert.equal(lines, 3);
  assert.ok(searched <= text.length, `${searched} of ${text.length} bytes`);
});
