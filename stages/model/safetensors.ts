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

export type {Tensor};

/** What a safetensors file holds (https://github.com/huggingface/safetensors), as float32. */
export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a whole file.
 * @param stop ends it between two tensors; it then rejects with the signal's reason
 * @throws {StageFailure} naming the file, and the tensor where there is one, when anything in it does not add up.
 */
export async function readSafetensors(file: string, stop?: AbortSignal): Promise<Safetensors> {
  requireLittleEndian();
  const handle = await open(file, 'r').catch((error: unknown) => {
    const {code, message} = error as NodeJS.ErrnoException;
    throw new StageFailure(`${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  });
  try {
    const {size: bytes} = await handle.stat();
    const length = headerBytes(await readExactly(handle, 0, Math.min(PREFIX_BYTES, bytes)), bytes);
    const header = parseHeader(await readExactly(handle, PREFIX_BYTES, length), bytes);
    const odd = header.tensors.find(({dtype}) => !FLOATS.has(dtype));
    if (odd !== undefined) {
      throw new SafetensorsError(`tensor “${odd.name}” is ${odd.dtype}; F32, F16 and BF16 can be read`);
    }
    const tensors = new Map<string, Tensor>();
    for (const {name, dtype, shape, begin, end} of header.tensors) {
      stop?.throwIfAborted();
      tensors.set(name, {shape, values: toFloat32(await readExactly(handle, begin, end - begin), dtype)});
    }
    return {tensors, metadata: header.metadata};
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
export async function writeSafetensors(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  requireLittleEndian();
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const header = float32Header(sorted, metadata);

  const temporary = `${file}.partial`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(header);
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
