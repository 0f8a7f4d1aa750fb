import assert from 'node:assert/strict';
import {mkdtemp, readFile, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, test} from 'node:test';
import fc from 'fast-check';
import {sha256} from '../../../artifacts/index.js';
import {readSafetensors, writeSafetensors} from '../../../stages/model/safetensors.js';

const folder = await mkdtemp(join(tmpdir(), 'r1-safetensors-'));
after(() => rm(folder, {recursive: true}));
let files = 0;
const fresh = (): string => join(folder, `${files++}.safetensors`);

/** A file with this header and this many bytes of data (0, 1, 2, …). */
async function fileOf(header: unknown, bytes: number): Promise<string> {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = fresh();
  await writeFile(file, Buffer.concat([length, json, Buffer.from(Array.from({length: bytes}, (_, i) => i % 256))]));
  return file;
}

test('what is written is read back bit for bit, and equal tensors give equal bytes', async () => {
  const tensor = fc.array(fc.nat(3), {maxLength: 3}).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      values: fc.float32Array({
        minLength: shape.reduce((a, b) => a * b, 1),
        maxLength: shape.reduce((a, b) => a * b, 1),
      }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(
        fc.string({minLength: 1}).filter((name) => name !== '__metadata__' && name !== '__proto__'),
        tensor,
      ),
      async (tensors) => {
        const [one, other] = [fresh(), fresh()];
        await writeSafetensors(one, new Map(Object.entries(tensors)), {made: 'here'});
        await writeSafetensors(other, new Map(Object.entries(tensors).reverse()), {made: 'here'});
        assert.deepEqual(await readFile(one), await readFile(other));
        const back = await readSafetensors(one);
        assert.equal(back.metadata['made'], 'here');
        assert.deepEqual([...back.tensors.keys()].sort(), Object.keys(tensors).sort());
        for (const [name, {shape, values}] of Object.entries(tensors)) {
          assert.deepEqual(back.tensors.get(name)!.shape, shape);
          assert.deepEqual(
            new Uint8Array(back.tensors.get(name)!.values.buffer),
            new Uint8Array(values.slice().buffer),
          );
        }
      },
    ),
    {numRuns: 40},
  );
});

test('the bytes of a model are what they always were', async () => {
  const file = fresh();
  const tensors = new Map([
    ['b', {shape: [2, 2], values: Float32Array.of(1, 2, 3, 0.5)}],
    ['a.w', {shape: [], values: Float32Array.of(7)}],
  ]);
  await writeSafetensors(file, tensors, {made: 'here'});
  // Who changes this gives every model that was ever made another digest.
  assert.equal(sha256(await readFile(file)), '2682debe95284914c422be165fd399435a3cc65c015b42a93881798afa6b7627');
});

test('no partial file is left beside the written one', async () => {
  const file = fresh();
  await writeSafetensors(file, new Map([['x', {shape: [2], values: Float32Array.of(1, 2)}]]));
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes('partial')),
    [],
  );
});

test('half floats and bfloat16 are widened exactly', async () => {
  // F16 by hand: 0x3c00 = 1, 0xc000 = −2, 0x0001 = 2⁻²⁴, 0x7c00 = ∞, 0x3555 ≈ 1/3; BF16: 0x3f80 = 1, 0xc040 = −3
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0x3555, 0x3f80, 0xc040);
  const header = JSON.stringify({
    half: {dtype: 'F16', shape: [5], data_offsets: [0, 10]},
    brain: {dtype: 'BF16', shape: [2], data_offsets: [10, 14]},
  });
  const file = await fileOf(header, 14);
  const bytes = await readFile(file);
  Buffer.from(halves.buffer).copy(bytes, bytes.length - 14);
  await writeFile(file, bytes);
  const {tensors} = await readSafetensors(file);
  assert.deepEqual(Array.from(tensors.get('half')!.values), [1, -2, 2 ** -24, Infinity, 0.333251953125]);
  assert.deepEqual(Array.from(tensors.get('brain')!.values), [1, -3]);
});

const good = {dtype: 'F32', shape: [2], data_offsets: [0, 8]};
const DAMAGED: [string, unknown, number, RegExp][] = [
  ['a header that is not JSON', '{"a": ', 0, /not JSON/],
  ['a header that is a list', '[]', 0, /not a JSON object/],
  ['a tensor without offsets', {x: {dtype: 'F32', shape: [2]}}, 8, /“x” needs a dtype/],
  ['a negative size', {x: {...good, shape: [-2]}}, 8, /“x” needs a dtype/],
  ['an unknown type', {x: {...good, dtype: 'I64', data_offsets: [0, 16]}}, 16, /“x” is I64/],
  ['a shape that does not fit its bytes', {x: {...good, shape: [3]}}, 8, /“x” of shape \[3\] needs 12 bytes and has 8/],
  ['tensors that overlap', {x: good, y: {...good, data_offsets: [4, 12]}}, 12, /“y” overlaps/],
  ['a hole between tensors', {x: good, y: {...good, data_offsets: [12, 20]}}, 20, /4 bytes before tensor “y”/],
  ['bytes after the last tensor', {x: good}, 12, /4 bytes after the last tensor/],
  ['a truncated file', {x: good}, 5, /“x” ends at byte 8 of 5: the file is truncated/],
  ['metadata that is not text', {__metadata__: {step: 1}, x: good}, 8, /texts only/],
];
for (const [name, header, bytes, message] of DAMAGED) {
  test(`${name} is refused by a sentence that names the file`, async () => {
    const file = await fileOf(header, bytes);
    await assert.rejects(
      readSafetensors(file),
      (error: Error) => message.test(error.message) && error.message.startsWith(file),
    );
  });
}

test('a file cut anywhere is refused', async () => {
  const whole = fresh();
  await writeSafetensors(whole, new Map([['x', {shape: [3], values: Float32Array.of(1, 2, 3)}]]));
  const bytes = await readFile(whole);
  const cut = fresh();
  for (let length = 0; length < bytes.length; length++) {
    await writeFile(cut, bytes.subarray(0, length));
    await assert.rejects(readSafetensors(cut), /safetensors|truncated|header/, `${length} bytes`);
  }
  await assert.rejects(readSafetensors(join(folder, 'none')), /no such file/);
});
