/**
 * Reads and writes the safetensors format (https://github.com/huggingface/safetensors): eight bytes of header length,
 * a JSON header, raw little-endian data. Reads F32, F16 and BF16 into float32; writes F32. Every claim of the header
 * is checked against the file before a byte of data is used.
 */
import {open, rename, rm} from 'node:fs/promises';
import type {FileHandle} from 'node:fs/promises';
import {endianness} from 'node:os';
import {z} from 'zod';
import {StageFailure} from '../../pipeline/stage.js';

export interface Tensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const WIDTH = {F32: 4, F16: 2, BF16: 2} as const;
const MAX_HEADER = 100_000_000; // the limit of the reference implementation

const entry = z.object({
  dtype: z.string(),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
type Entry = z.infer<typeof entry>;
const header = z.record(z.string(), z.unknown());

/**
 * Reads a whole file.
 * @param stop ends it between two tensors; it then rejects with the signal's reason
 * @throws {StageFailure} naming the file, and the tensor where there is one, when anything in it does not add up.
 */
export async function readSafetensors(file: string, stop?: AbortSignal): Promise<Safetensors> {
  const refuse = (problem: string): never => {
    throw new StageFailure(`${file}: ${problem}`);
  };
  const handle = await open(file, 'r').catch((error: unknown) => {
    const {code, message} = error as NodeJS.ErrnoException;
    return refuse(code === 'ENOENT' ? 'there is no such file' : message);
  });
  try {
    const {size: bytes} = await handle.stat();
    if (bytes < 8) refuse(`${bytes} bytes are too few for a safetensors file`);
    const length = Number((await readExactly(handle, 0, 8)).readBigUInt64LE());
    if (length > MAX_HEADER || 8 + length > bytes) {
      refuse(`the header claims ${length} bytes, the file has ${bytes}: truncated, or not safetensors`);
    }
    const {entries, metadata} = parseHeader(await readExactly(handle, 8, length), refuse);
    checkLayout(entries, bytes - 8 - length, refuse);
    const tensors = new Map<string, Tensor>();
    for (const [name, {dtype, shape, data_offsets: offsets}] of entries) {
      stop?.throwIfAborted();
      const data = await readExactly(handle, 8 + length + offsets[0], offsets[1] - offsets[0]);
      tensors.set(name, {shape, values: toFloat32(data, dtype as keyof typeof WIDTH)});
    }
    return {tensors, metadata};
  } finally {
    await handle.close();
  }
}

function parseHeader(
  bytes: Buffer,
  refuse: (problem: string) => never,
): {entries: [string, Entry][]; metadata: Record<string, string>} {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    return refuse(`the header is not JSON (${(error as Error).message})`);
  }
  const object = header.safeParse(json);
  if (!object.success) return refuse('the header is not a JSON object');
  const entries: [string, Entry][] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(object.data)) {
    if (name === '__metadata__') {
      const texts = z.record(z.string(), z.string()).safeParse(value);
      if (!texts.success) return refuse('__metadata__ may hold texts only');
      metadata = texts.data;
      continue;
    }
    const parsed = entry.safeParse(value);
    if (!parsed.success) return refuse(`tensor “${name}” needs a dtype, a shape and two data_offsets`);
    entries.push([name, parsed.data]);
  }
  return {entries, metadata};
}

/** The tensors must cover the data exactly: in range, the right size for their shape, without holes or overlaps. */
function checkLayout(entries: readonly [string, Entry][], bytes: number, refuse: (problem: string) => never): void {
  let end = 0;
  for (const [name, {dtype, shape, data_offsets: offsets}] of [...entries].sort(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  )) {
    if (!(dtype in WIDTH)) refuse(`tensor “${name}” is ${dtype}; F32, F16 and BF16 can be read`);
    const wanted = shape.reduce((product, dimension) => product * dimension, WIDTH[dtype as keyof typeof WIDTH]);
    const [begin, stop] = offsets;
    if (stop - begin !== wanted) {
      refuse(`tensor “${name}” of shape [${shape.join(', ')}] needs ${wanted} bytes and has ${stop - begin}`);
    }
    if (begin < end) refuse(`tensor “${name}” overlaps the one before it`);
    if (begin > end) refuse(`${begin - end} bytes before tensor “${name}” belong to no tensor`);
    if (stop > bytes) refuse(`tensor “${name}” ends at byte ${stop} of ${bytes}: the file is truncated`);
    end = stop;
  }
  if (end !== bytes) refuse(`${bytes - end} bytes after the last tensor belong to no tensor`);
}

async function readExactly(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.from(new ArrayBuffer(length)); // its own memory, so that a view of another type is aligned
  let done = 0;
  while (done < length) {
    // One read call stops short of 2 GiB.
    const {bytesRead} = await handle.read(buffer, done, Math.min(length - done, 1 << 30), position + done);
    if (bytesRead === 0) throw new Error('Internal error: the file became shorter while it was read');
    done += bytesRead;
  }
  return buffer;
}

function toFloat32(data: Buffer, dtype: keyof typeof WIDTH): Float32Array {
  requireLittleEndian();
  if (dtype === 'F32') return new Float32Array(data.buffer, data.byteOffset, data.length / 4);
  const halves = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  const values = new Float32Array(halves.length);
  if (dtype === 'BF16') {
    // A bfloat16 is the upper half of a float32.
    const bits = new Uint32Array(values.buffer);
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  } else {
    for (let i = 0; i < halves.length; i++) values[i] = fromHalf(halves[i]!);
  }
  return values;
}

function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Writes float32 tensors, sorted by name, so that equal tensors give equal bytes. The file appears whole or not at
 * all: written beside its place, flushed, renamed.
 */
export async function writeSafetensors(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  requireLittleEndian();
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const entries: Record<string, unknown> = {__metadata__: {format: 'pt', ...metadata}};
  let end = 0;
  for (const [name, {shape, values}] of sorted) {
    const wanted = shape.reduce((product, dimension) => product * dimension, 1);
    if (values.length !== wanted) {
      throw new Error(`Internal error: ${name} has ${values.length} values for shape [${shape.join(', ')}]`);
    }
    entries[name] = {dtype: 'F32', shape, data_offsets: [end, end + values.byteLength]};
    end += values.byteLength;
  }
  // The reference implementation pads the header with spaces, so that the data starts on a multiple of eight.
  const json = Buffer.from(JSON.stringify(entries));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));

  const temporary = `${file}.partial`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(length);
    await handle.writeFile(padded);
    for (const [, {values}] of sorted) {
      await handle.writeFile(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    }
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await handle.close().catch(() => undefined); // closed already, when the rename is what failed
    await rm(temporary, {force: true});
    throw error;
  }
}

function requireLittleEndian(): void {
  if (endianness() !== 'LE') throw new StageFailure('safetensors hold little-endian numbers; this machine is not');
}
