/**
 * The safetensors format (https://github.com/huggingface/safetensors), as bytes: eight bytes of header length, a JSON header,
 * raw little-endian data. Every claim of a header is checked before a byte of data is used. Files are read and written by
 * whoever calls this.
 *
 * Stages write their outputs with this, so it counts in their code digests: it imports nothing of the store's.
 */

import {duplicateKey} from './duplicate-key.js';

/** Bytes that are not what the format says. Whoever knows the file names it. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

/** One tensor as the header describes it. */
export interface TensorEntry {
  readonly name: string;
  /** As the format calls it: 'F32', 'BF16' … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Where its bytes begin and end in the file. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of the header. */
  readonly tensors: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** So many bytes at the beginning of a file say how long its header is. */
export const PREFIX_BYTES = 8;

/** The limit of the reference implementation. */
const MAX_HEADER = 100_000_000;

/**
 * How many bytes of header follow the prefix.
 * @param prefix the first 8 bytes of the file
 * @param bytes size of the file
 * @throws SafetensorsError
 */
export function headerBytes(prefix: Uint8Array, bytes: number): number {
  if (bytes < PREFIX_BYTES || prefix.length < PREFIX_BYTES) {
    throw new SafetensorsError(`${bytes} bytes are too few for a safetensors file`);
  }
  const length = Number(viewOf(prefix).getBigUint64(0, true));
  if (length > MAX_HEADER || PREFIX_BYTES + length > bytes) {
    throw new SafetensorsError(
      `the header claims ${length} bytes, the file has ${bytes}: truncated, or not safetensors`,
    );
  }
  return length;
}

/**
 * The tensors that a header describes: in range, of the right size for their shape where their type is known here, without
 * holes or overlaps.
 * @param header the bytes behind the prefix
 * @param bytes size of the file
 * @throws SafetensorsError naming the tensor, where there is one
 */
export function parseHeader(header: Uint8Array, bytes: number): SafetensorsHeader {
  let json: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(header);
    json = JSON.parse(text);
  } catch (error) {
    throw new SafetensorsError(`the header is not JSON (${(error as Error).message})`, {cause: error});
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw new SafetensorsError(`the header names “${twice}” twice`);
  if (!isObject(json)) throw new SafetensorsError('the header is not a JSON object');
  const start = PREFIX_BYTES + header.byteLength;
  const tensors: TensorEntry[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = textsOf(value);
    else tensors.push(entryOf(name, value, start));
  }
  checkLayout(tensors, start, bytes);
  return {tensors, metadata};
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const areSizes = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(isSize);

function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (isObject(value) && Object.values(value).every((text) => typeof text === 'string')) {
    return value as Readonly<Record<string, string>>;
  }
  throw new SafetensorsError('__metadata__ may hold texts only');
}

function entryOf(name: string, value: unknown, start: number): TensorEntry {
  if (isObject(value)) {
    const {dtype, shape, data_offsets: offsets} = value;
    if (typeof dtype === 'string' && areSizes(shape) && areSizes(offsets) && offsets.length === 2) {
      return {name, dtype, shape, begin: start + offsets[0]!, end: start + offsets[1]!};
    }
  }
  throw new SafetensorsError(`tensor “${name}” needs a dtype, a shape and two data_offsets`);
}

/** The tensors must cover the data exactly. */
function checkLayout(tensors: readonly TensorEntry[], start: number, bytes: number): void {
  const refuse = (problem: string): never => {
    throw new SafetensorsError(problem);
  };
  let last = start;
  for (const {name, dtype, shape, begin, end} of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const width = VALUES[dtype]?.bytes;
    const wanted = width === undefined ? end - begin : shape.reduce((product, size) => product * size, width);
    if (end - begin !== wanted) {
      refuse(`tensor “${name}” of shape [${shape.join(', ')}] needs ${wanted} bytes and has ${end - begin}`);
    }
    if (end < begin) refuse(`tensor “${name}” ends before it begins`);
    if (begin < last) refuse(`tensor “${name}” overlaps the one before it`);
    if (begin > last) refuse(`${begin - last} bytes before tensor “${name}” belong to no tensor`);
    if (end > bytes) refuse(`tensor “${name}” ends at byte ${end - start} of ${bytes - start}: the file is truncated`);
    last = end;
  }
  if (last !== bytes) refuse(`${bytes - last} bytes after the last tensor belong to no tensor`);
}

/** How single values of a type are read. */
export interface ValueReader {
  /** Bytes of one value. */
  readonly bytes: number;
  at(view: DataView, offset: number): number;
}

const VALUES: Readonly<Record<string, ValueReader>> = {
  F64: {bytes: 8, at: (view, offset) => view.getFloat64(offset, true)},
  F32: {bytes: 4, at: (view, offset) => view.getFloat32(offset, true)},
  F16: {bytes: 2, at: (view, offset) => fromHalf(view.getUint16(offset, true))},
  BF16: {bytes: 2, at: (view, offset) => fromBrainFloat(view.getUint16(offset, true))},
  I64: {bytes: 8, at: (view, offset) => Number(view.getBigInt64(offset, true))},
  I32: {bytes: 4, at: (view, offset) => view.getInt32(offset, true)},
  I16: {bytes: 2, at: (view, offset) => view.getInt16(offset, true)},
  I8: {bytes: 1, at: (view, offset) => view.getInt8(offset)},
  U8: {bytes: 1, at: (view, offset) => view.getUint8(offset)},
  BOOL: {bytes: 1, at: (view, offset) => view.getUint8(offset)},
};

/** Undefined for a type that is not known here. */
export const valueReader = (dtype: string): ValueReader | undefined => VALUES[dtype];

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** IEEE 754 half precision. */
function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));

/** A bfloat16 is the upper half of a float32. */
function fromBrainFloat(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

/** Types that `toFloat32` takes. */
export const FLOATS: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16']);

/**
 * The values of a tensor, on a little-endian machine; those of F32 are a view of `data` and not a copy.
 * @param data row-major, at a multiple of four bytes in its buffer
 * @param dtype one of `FLOATS`
 */
export function toFloat32(data: Uint8Array, dtype: string): Float32Array {
  if (dtype === 'F32') return new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  const halves = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  const values = new Float32Array(halves.length);
  if (dtype === 'BF16') {
    const bits = new Uint32Array(values.buffer);
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  } else {
    for (let i = 0; i < halves.length; i++) values[i] = fromHalf(halves[i]!);
  }
  return values;
}

/** A tensor as float32, row-major, whatever it is stored as. */
export interface Tensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

/** What a header says of a tensor. */
export interface SizedTensor {
  readonly shape: readonly number[];
  readonly values: Pick<Float32Array, 'length' | 'byteLength'>;
}

/**
 * What stands before the data of float32 tensors: prefix and header. The data follows in the order of `tensors`.
 * @throws Error where a tensor has not as many values as its shape says
 */
export function float32Header(
  tensors: readonly (readonly [name: string, tensor: SizedTensor])[],
  metadata: Readonly<Record<string, string>>,
): Buffer {
  for (const [name, {shape, values}] of tensors) {
    if (values.length !== sizeOf(shape)) {
      throw new Error(`Internal error: ${name} has ${values.length} values for shape [${shape.join(', ')}]`);
    }
  }
  return float32HeaderOf(
    tensors.map(([name, {shape}]) => [name, shape] as const),
    metadata,
  );
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** The same for tensors that are not in memory, or not yet: who writes the data sees to it that each has as much as its shape says. */
export function float32HeaderOf(
  shapes: readonly (readonly [name: string, shape: readonly number[]])[],
  metadata: Readonly<Record<string, string>> = {},
): Buffer {
  const entries: Record<string, unknown> = {__metadata__: {format: 'pt', ...metadata}};
  let end = 0;
  for (const [name, shape] of shapes) {
    const bytes = 4 * sizeOf(shape);
    entries[name] = {dtype: 'F32', shape, data_offsets: [end, end + bytes]};
    end += bytes;
  }
  // The reference implementation pads the header with spaces, so that the data starts on a multiple of eight.
  const json = Buffer.from(JSON.stringify(entries));
  const padded = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(PREFIX_BYTES + padded, ' ');
  header.writeBigUInt64LE(BigInt(padded));
  json.copy(header, PREFIX_BYTES);
  return header;
}
