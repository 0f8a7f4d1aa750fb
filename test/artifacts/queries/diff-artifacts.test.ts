import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import {diffArtifacts} from '../../../artifacts/queries/diff-artifacts.js';
import {disk} from '../../../artifacts/files.js';
import {diffRows} from '../../../artifacts/queries/diff-rows.js';
import {diffTensors, readTensorHeader} from '../../../artifacts/queries/diff-tensors.js';
import {Bench, temporaryFolder} from '../temporary.js';

type Tensors = Readonly<
  Record<string, {readonly dtype: string; readonly shape: readonly number[]; readonly data: Uint8Array}>
>;

/** A safetensors file, written from the format's description. */
function safetensors(tensors: Tensors): Uint8Array {
  let offset = 0;
  const header: Record<string, unknown> = {__metadata__: {format: 'pt'}};
  for (const [name, {dtype, shape, data}] of Object.entries(tensors)) {
    header[name] = {dtype, shape, data_offsets: [offset, offset + data.length]};
    offset += data.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...Object.values(tensors).map(({data}) => data)]);
}

const f32 = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const u16 = (values: readonly number[]): Uint8Array => new Uint8Array(Uint16Array.from(values).buffer);

function compare(t: test.TestContext, a: Tensors, b: Tensors) {
  const folder = temporaryFolder(t);
  const headers = [a, b].map((tensors, index) => {
    const file = join(folder, String(index));
    writeFileSync(file, safetensors(tensors));
    return readTensorHeader(disk, file);
  });
  return diffTensors(disk, headers[0]!, headers[1]!);
}

test('the largest difference of each tensor is found, with its place', (t) => {
  const shape = [2, 2];
  const found = compare(
    t,
    {
      same: {dtype: 'F32', shape, data: f32([1, 2, 3, 4])},
      w: {dtype: 'F32', shape, data: f32([1, 2, 3, 4])},
      gone: {dtype: 'F32', shape: [1], data: f32([1])},
      r: {dtype: 'F32', shape, data: f32([1, 2, 3, 4])},
    },
    {
      same: {dtype: 'F32', shape, data: f32([1, 2, 3, 4])},
      w: {dtype: 'F32', shape, data: f32([1, 2.5, 3, 2])},
      added: {dtype: 'F32', shape: [1], data: f32([1])},
      r: {dtype: 'F32', shape: [4], data: f32([1, 2, 3, 4])},
    },
  );
  assert.deepEqual(found, {
    equal: 1,
    changed: [{name: 'w', dtype: 'F32', shape, values: 2, largest: 2, at: 3}],
    added: ['added'],
    gone: ['gone'],
    reshaped: [{name: 'r', a: 'F32 [2, 2]', b: 'F32 [4]'}],
  });
});

test('half precision, brain floats and integers are read as what they are', (t) => {
  // F16: 0x3c00 = 1, 0x4000 = 2, 0x0001 = 2^-24. BF16: 0x3f80 = 1, 0xc000 = -2.
  const found = compare(
    t,
    {
      half: {dtype: 'F16', shape: [2], data: u16([0x3c00, 0])},
      brain: {dtype: 'BF16', shape: [1], data: u16([0x3f80])},
      int: {dtype: 'I64', shape: [1], data: new Uint8Array(BigInt64Array.from([-5n]).buffer)},
      odd: {dtype: 'F8_E4M3', shape: [1], data: Uint8Array.of(1)},
      nan: {dtype: 'F32', shape: [1], data: f32([Number.NaN])},
    },
    {
      half: {dtype: 'F16', shape: [2], data: u16([0x4000, 1])},
      brain: {dtype: 'BF16', shape: [1], data: u16([0xc000])},
      int: {dtype: 'I64', shape: [1], data: new Uint8Array(BigInt64Array.from([7n]).buffer)},
      odd: {dtype: 'F8_E4M3', shape: [1], data: Uint8Array.of(2)},
      nan: {dtype: 'F32', shape: [1], data: f32([0])},
    },
  );
  assert.deepEqual(Object.fromEntries(found.changed.map(({name, largest, values}) => [name, [largest, values]])), {
    half: [1, 2],
    brain: [3, 1],
    int: [12, 1],
    odd: [undefined, 0],
    nan: [Infinity, 1],
  });
});

test('tensors longer than one piece are compared to the end', (t) => {
  const length = 700_000; // 2.8 MB
  const a = new Float32Array(length).fill(1);
  const b = Float32Array.from(a);
  b[length - 1] = 1.5;
  const bytes = (values: Float32Array) => new Uint8Array(values.buffer);
  const {changed} = compare(
    t,
    {w: {dtype: 'F32', shape: [length], data: bytes(a)}},
    {w: {dtype: 'F32', shape: [length], data: bytes(b)}},
  );
  assert.deepEqual(changed, [{name: 'w', dtype: 'F32', shape: [length], values: 1, largest: 0.5, at: length - 1}]);
});

test('what is no safetensors file is said to be none', (t) => {
  const folder = temporaryFolder(t);
  const cases = {
    short: Buffer.from('abc'),
    long: Buffer.alloc(20, 255),
    cut: safetensors({}).subarray(0, 12),
    text: Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('abc')]),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    writeFileSync(join(folder, name), bytes);
    assert.throws(() => readTensorHeader(disk, join(folder, name), name), {
      reason: 'bad-argument',
      message: new RegExp(`^${name} is not a safetensors file`),
    });
  }
});

test('rows are compared by id, whatever their order and that of their keys', async (t) => {
  const folder = temporaryFolder(t);
  const row = fc.record({id: fc.nat(20).map((id) => `r${id}`), text: fc.string({maxLength: 5, unit: 'grapheme'})});
  const rows = fc.uniqueArray(row, {selector: ({id}) => id, maxLength: 12});
  let round = 0;
  await fc.assert(
    fc.asyncProperty(rows, rows, async (a, b) => {
      const [left, right] = [join(folder, `a${++round}`), join(folder, `b${round}`)];
      writeFileSync(left, a.map((item) => `${JSON.stringify(item)}\n`).join(''));
      writeFileSync(right, b.map(({id, text}) => JSON.stringify({text, id})).join('\n'));
      const found = await diffRows(disk, left, right, 'rows.jsonl');
      const other = new Map(b.map(({id, text}) => [id, text]));
      const expected = {
        equal: a.filter(({id, text}) => other.get(id) === text).length,
        changed: a.filter(({id, text}) => other.has(id) && other.get(id) !== text).length,
        gone: a.filter(({id}) => !other.has(id)).length,
        added: b.filter(({id}) => !a.some((item) => item.id === id)).length,
      };
      assert.deepEqual(
        {equal: found.equal, changed: found.changed.count, gone: found.gone.count, added: found.added.count},
        expected,
      );
    }),
    {numRuns: 50},
  );
});

test('a line that is not JSON is named, and rows without an id go by their line', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'a'), '{"x":1}\n{"x":2}\n');
  writeFileSync(join(folder, 'b'), '{"x":1}\n{"x":3}\n');
  writeFileSync(join(folder, 'c'), '{"x":1}\n{"x":');
  assert.deepEqual((await diffRows(disk, join(folder, 'a'), join(folder, 'b'), 'rows')).changed.ids, ['line 2']);
  await assert.rejects(diffRows(disk, join(folder, 'a'), join(folder, 'c'), 'rows.jsonl'), {
    message: 'line 2 of rows.jsonl is not JSON',
  });
});

test('artifacts are compared file by file, tensors over all files of weights', async (t) => {
  const bench = new Bench(t);
  const weights = (value: number): Tensors => ({w: {dtype: 'F32', shape: [1], data: f32([value])}});
  const a = await bench.make({
    node: 'a',
    outputs: {
      model: {
        kind: 'model',
        files: {'config.json': '{}', 'model.safetensors': safetensors({...weights(1), v: weights(5).w!}), old: ''},
      },
    },
  });
  // The same tensors in two files.
  const b = await bench.make({
    node: 'b',
    outputs: {
      model: {
        kind: 'model',
        files: {
          'config.json': '{}',
          'model-1.safetensors': safetensors(weights(3)),
          'model-2.safetensors': safetensors({v: weights(5).w!}),
        },
      },
    },
  });
  const found = await diffArtifacts(bench.store, a.outputs.model!.digest, b.outputs.model!.digest);
  assert.deepEqual(
    {added: found.added, gone: found.gone, changed: found.changed},
    {added: ['model-1.safetensors', 'model-2.safetensors'], gone: ['model.safetensors', 'old'], changed: []},
  );
  assert.equal(found.tensors?.equal, 1);
  assert.deepEqual(
    found.tensors.changed.map(({name, largest}) => [name, largest]),
    [['w', 2]],
  );
  const same = await diffArtifacts(bench.store, a.outputs.model!.digest, a.outputs.model!.digest);
  assert.deepEqual(same, {added: [], gone: [], changed: [], modes: [], tensors: undefined, rows: {}, missing: []});
});

test('models in folders of their own are compared with those of the same folder, and with no other', async (t) => {
  const bench = new Bench(t);
  const weights = (value: number): Uint8Array => safetensors({w: {dtype: 'F32', shape: [1], data: f32([value])}});
  const kept = async (node: string, values: Readonly<Record<string, number>>) => {
    const models = Object.entries(values).map(([step, value]) => [`step-${step}/model.safetensors`, weights(value)]);
    const made = await bench.make({
      node,
      outputs: {all: {kind: 'snapshots', files: Object.fromEntries(models) as Record<string, Uint8Array>}},
    });
    return made.outputs.all!.digest;
  };
  const early = await kept('early', {5: 1, 10: 2});
  const later = await kept('later', {10: 2, 20: 3});
  assert.equal(
    (await diffArtifacts(bench.store, early, later)).tensors,
    undefined,
    'the one that both have is the same',
  );
  const {tensors} = await diffArtifacts(bench.store, early, await kept('other', {5: 1, 10: 6, 20: 3}));
  assert.deepEqual(
    [tensors?.equal, tensors?.changed.map(({name, largest}) => [name, largest]), tensors?.added],
    [1, [['step-10/w', 4]], []],
  );
});
