import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {disk} from '../../../artifacts/files.js';
import {hashAll, hashFile} from '../../../artifacts/blobs/hash.js';
import {Bench, fill, temporaryFolder} from '../temporary.js';

const MIB = 1 << 20;
/** Bytes that differ everywhere, so that a lost or doubled chunk shows. */
function noise(bytes: number, seed: number): Buffer {
  const data = Buffer.allocUnsafe(bytes);
  for (let i = 0, x = seed * 2654435761 + 1; i + 4 <= bytes; i += 4) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    data.writeUInt32LE(x, i);
  }
  return data.fill(7, bytes - (bytes % 4));
}
const sum = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

test('files of every size have the digest of their bytes', async (t) => {
  const sizes = [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 17];
  const folder = fill(temporaryFolder(t), Object.fromEntries(sizes.map((size) => [String(size), noise(size, size)])));
  for (const size of sizes) {
    assert.equal(
      await hashFile(disk, {path: join(folder, String(size)), bytes: size}),
      sum(noise(size, size)),
      `${size} bytes`,
    );
  }
});

test('many large files are hashed on threads and come back in order', async (t) => {
  // 80 MiB in all, which is past the size from which threads are used.
  const sizes = [30 * MIB, 5, 20 * MIB + 3, 30 * MIB, 0];
  const folder = fill(
    temporaryFolder(t),
    Object.fromEntries(sizes.map((size, index) => [String(index), noise(size, index)])),
  );
  const list = sizes.map((bytes, index) => ({path: join(folder, String(index)), bytes}));
  assert.deepEqual(
    await hashAll(disk, list),
    sizes.map((size, index) => sum(noise(size, index))),
  );
  await assert.rejects(hashAll(disk, [...list, {path: join(folder, 'none'), bytes: 1}]), {code: 'ENOENT'});
});

test('large reads and many of them end early when that is asked for, and leave nothing half behind', async (t) => {
  const bench = new Bench(t);
  const folder = fill(temporaryFolder(t), {a: Buffer.alloc(3 << 20), b: Buffer.alloc(3 << 20, 1), c: 'small'});
  const model = await bench.make({node: 'n', outputs: {out: {kind: 'model', files: {w: Buffer.alloc(3 << 20, 2)}}}});
  const stop = new AbortController();
  bench.store.interruptOn(stop.signal);
  const small = fill(temporaryFolder(t), {c: 'small'});
  stop.abort();
  const target = join(temporaryFolder(t), 'x');
  for (const work of [
    () => bench.store.ingest(folder, 'data'),
    () => bench.store.ingest(folder, 'data', {own: true}),
    () => bench.store.describe(folder, 'data'),
  ])
    await assert.rejects(work(), {reason: 'interrupted'});
  const threads = fill(temporaryFolder(t), {a: Buffer.alloc(40 << 20), b: Buffer.alloc(40 << 20, 1)});
  await assert.rejects(bench.store.describe(threads, 'data'), {reason: 'interrupted'});
  assert.deepEqual(readdirSync(join(bench.folder, 'tmp')), []);
  // What is small is not worth stopping for.
  await bench.store.ingest(small, 'data');
  await bench.store.materialise(model.outputs.out!.digest, target);
  bench.store.interruptOn(undefined);
  await bench.store.ingest(folder, 'data');
});
