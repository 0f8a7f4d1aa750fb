/**
 * Files of the safetensors format: reads F32, F16 and BF16 into float32; writes F32. The format itself is in
 * `artifacts/formats/safetensors.ts`.
 */
import {open, rename, rm} from 'node:fs/promises';
import type {FileHandle} from 'node:fs/promises';
import {endianness} from 'node:os';
import {
  FLOATS,
  PREFIX_BYTES,
  SafetensorsError,
  float32Header,
  headerBytes,
  parseHeader,
  toFloat32,
} from '../../artifacts/formats/safetensors.js';
import type {Tensor} from '../../artifacts/formats/safetensors.js';
import {StageFailure} from '../../pipeline/stage.js';
import {notWhatItShouldBe} from './foreign-bytes.js';

export type {Tensor};

/** What a safetensors file holds (https://github.com/huggingface/safetensors), as float32. */
export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A file that is open, its header read and checked. */
interface OpenSafetensors {
  /** Name → shape. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly metadata: Readonly<Record<string, string>>;
  /** @throws {Error} for a tensor that the file does not have */
  read(name: string): Promise<Float32Array>;
}

/** Frameworks whose matrices lie as PyTorch's do; those of TensorFlow and Flax are transposed. */
const LAYOUTS: ReadonlySet<string> = new Set(['pt', 'np', 'mlx']);

/**
 * Reads a whole file.
 * @param stop ends it between two tensors; it then rejects with the signal's reason
 * @throws {StageFailure} naming the file, and the tensor where there is one, when anything in it does not add up.
 */
export const readSafetensors = (file: string, stop?: AbortSignal): Promise<Safetensors> =>
  withSafetensors(file, async ({shapes, metadata, read}) => {
    const tensors = new Map<string, Tensor>();
    for (const [name, shape] of shapes) {
      stop?.throwIfAborted();
      tensors.set(name, {shape, values: await read(name)});
    }
    return {tensors, metadata};
  });

/**
 * Opens a file, from which `use` may read some tensors after the other.
 * @throws {StageFailure} as `readSafetensors`
 */
export async function withSafetensors<T>(file: string, use: (open: OpenSafetensors) => Promise<T>): Promise<T> {
  requireLittleEndian();
  const handle = await open(file, 'r').catch((error: unknown) => {
    const {code, message} = error as NodeJS.ErrnoException;
    throw new StageFailure(`${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  });
  try {
    const {size: bytes} = await handle.stat();
    const foreign = notWhatItShouldBe(await readExactly(handle, 0, Math.min(64, bytes)));
    if (foreign !== undefined) throw new StageFailure(`${file} ${foreign}`);
    const length = headerBytes(await readExactly(handle, 0, Math.min(PREFIX_BYTES, bytes)), bytes);
    const header = parseHeader(await readExactly(handle, PREFIX_BYTES, length), bytes);
    const odd = header.tensors.find(({dtype}) => !FLOATS.has(dtype));
    if (odd !== undefined) {
      throw new SafetensorsError(`tensor “${odd.name}” is ${odd.dtype}; F32, F16 and BF16 can be read`);
    }
    const {format} = header.metadata;
    if (format !== undefined && !LAYOUTS.has(format)) {
      throw new SafetensorsError(
        `its metadata say format “${format}”; matrices as PyTorch has them (“pt”) can be read`,
      );
    }
    const entries = new Map(header.tensors.map((entry) => [entry.name, entry]));
    return await use({
      shapes: new Map(header.tensors.map(({name, shape}) => [name, shape])),
      metadata: header.metadata,
      async read(name) {
        const entry = entries.get(name);
        if (entry === undefined) throw new Error(`Internal error: ${file} has no ${name}`);
        return toFloat32(await readExactly(handle, entry.begin, entry.end - entry.begin), entry.dtype);
      },
    });
  } catch (error) {
    if (error instanceof SafetensorsError) throw new StageFailure(`${file}: ${error.message}`);
    throw error;
  } finally {
    await handle.close();
  }
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

/**
 * Writes float32 tensors, sorted by name, so that equal tensors give equal bytes. The file appears whole or not at all:
 * written beside its place, flushed, renamed.
 *
 * @throws {StageFailure} on a big-endian machine; {Error} of the file system
 */
export const writeSafetensors = (
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const shapes = new Map([...tensors].map(([name, {shape}]) => [name, shape]));
  const all = [...tensors].map(([name, {values}]) => [name, values] as const);
  return writeSafetensorsInParts(file, shapes, [all], metadata);
};

/**
 * The same where the values of all tensors would be much to hold: they come in parts, in whatever order.
 *
 * @param shapes of all tensors, by name
 * @throws {Error} where the parts are not those tensors
 */
export async function writeSafetensorsInParts(
  file: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  parts: Iterable<Iterable<readonly [name: string, values: Float32Array]>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  requireLittleEndian();
  const sorted = [...shapes].sort(([a], [b]) => (a < b ? -1 : 1));
  const sized = sorted.map(([name, shape]) => [name, {shape, values: float32Size(shape)}] as const);
  const header = float32Header(sized, metadata);
  const places = new Map<string, {readonly position: number; readonly bytes: number}>();
  let position = header.byteLength;
  for (const [name, {values}] of sized) {
    places.set(name, {position, bytes: values.byteLength});
    position += values.byteLength;
  }

  const temporary = `${file}.partial`;
  const handle = await open(temporary, 'w');
  try {
    await writeExactly(handle, header, 0);
    for (const part of parts) {
      for (const [name, {buffer, byteOffset, byteLength}] of part) {
        const place = places.get(name);
        if (place?.bytes !== byteLength) throw new Error(`Internal error: ${name} was not announced, or not like this`);
        places.delete(name);
        await writeExactly(handle, Buffer.from(buffer, byteOffset, byteLength), place.position);
      }
    }
    if (places.size > 0) throw new Error(`Internal error: ${[...places.keys()].join(', ')} did not come`);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await handle.close().catch(() => undefined); // closed already, when the rename is what failed
    await rm(temporary, {force: true});
    throw error;
  }
}

function float32Size(shape: readonly number[]): Pick<Float32Array, 'length' | 'byteLength'> {
  const length = shape.reduce((product, size) => product * size, 1);
  return {length, byteLength: 4 * length};
}

async function writeExactly(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    // One write call stops short of 2 GiB.
    const {bytesWritten} = await handle.write(bytes, done, Math.min(bytes.byteLength - done, 1 << 30), position + done);
    done += bytesWritten;
  }
}

function requireLittleEndian(): void {
  if (endianness() !== 'LE') throw new StageFailure('safetensors hold little-endian numbers; this machine is not');
}
