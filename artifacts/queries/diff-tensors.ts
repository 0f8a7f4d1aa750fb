/**
 * Compares the tensors of two models, file format safetensors (https://huggingface.co/docs/safetensors). Reads headers and
 * values in pieces, so that a model need not fit into memory; computes nothing else.
 */
import {UserError} from '../error.js';
import type {Files} from '../files.js';

export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The file that holds it, and where its bytes begin and end there. */
  readonly file: string;
  readonly begin: number;
  readonly end: number;
}

export interface TensorDifference {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Values that differ. */
  readonly values: number;
  /** Largest absolute difference; Infinity where one is not a number; undefined where the type is not known to us. */
  readonly largest: number | undefined;
  /** Where that is, as an index into the flat tensor. */
  readonly at: number;
}

export interface TensorsDifference {
  readonly equal: number;
  /** Largest difference first. */
  readonly changed: readonly TensorDifference[];
  readonly added: readonly string[];
  readonly gone: readonly string[];
  /** Same name, other shape or type. */
  readonly reshaped: readonly {readonly name: string; readonly a: string; readonly b: string}[];
}

/** Far more than the header of any model; a larger one is another kind of file. */
const LARGEST_HEADER = 100 << 20;
const PIECE = 1 << 20;

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The tensors of one file. Throws UserError 'bad-argument' where it is not a safetensors file. */
export function readTensorHeader(files: Files, file: string, name = file): readonly TensorEntry[] {
  const refuse = (why: string): UserError => new UserError('bad-argument', `${name} is not a safetensors file: ${why}`);
  const prefix = files.readRange(file, 0, 8);
  if (prefix.length < 8) throw refuse('it is shorter than 8 bytes');
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true));
  if (length > LARGEST_HEADER) throw refuse(`its header would have ${length} bytes`);
  const text = files.readRange(file, 8, length);
  if (text.length < length) throw refuse('it ends within its header');
  let header: Record<string, HeaderEntry>;
  try {
    header = JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(text)) as Record<string, HeaderEntry>;
  } catch (error) {
    throw new UserError('bad-argument', refuse('its header is not JSON').message, {cause: error});
  }
  return Object.entries(header)
    .filter(([key]) => key !== '__metadata__')
    .map(
      ([
        key,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => ({name: key, dtype, shape, file, begin: 8 + length + begin, end: 8 + length + end}),
    );
}

/** IEEE 754 half precision. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));
/** The upper half of a 32-bit float. */
function brainFloat(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

interface Reader {
  readonly bytes: number;
  at(view: DataView, offset: number): number;
}

const READERS: Readonly<Record<string, Reader>> = {
  F64: {bytes: 8, at: (view, offset) => view.getFloat64(offset, true)},
  F32: {bytes: 4, at: (view, offset) => view.getFloat32(offset, true)},
  F16: {bytes: 2, at: (view, offset) => half(view.getUint16(offset, true))},
  BF16: {bytes: 2, at: (view, offset) => brainFloat(view.getUint16(offset, true))},
  I64: {bytes: 8, at: (view, offset) => Number(view.getBigInt64(offset, true))},
  I32: {bytes: 4, at: (view, offset) => view.getInt32(offset, true)},
  I16: {bytes: 2, at: (view, offset) => view.getInt16(offset, true)},
  I8: {bytes: 1, at: (view, offset) => view.getInt8(offset)},
  U8: {bytes: 1, at: (view, offset) => view.getUint8(offset)},
  BOOL: {bytes: 1, at: (view, offset) => view.getUint8(offset)},
};

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Undefined when they are equal, byte by byte. */
function diffTensor(files: Files, a: TensorEntry, b: TensorEntry): TensorDifference | undefined {
  const reader = READERS[a.dtype];
  let values = 0;
  let largest = -1;
  let at = 0;
  let differs = false;
  for (let offset = 0; offset < a.end - a.begin; offset += PIECE) {
    const size = Math.min(PIECE, a.end - a.begin - offset);
    const [left, right] = [
      files.readRange(a.file, a.begin + offset, size),
      files.readRange(b.file, b.begin + offset, size),
    ];
    if (equalBytes(left, right)) continue;
    differs = true;
    if (reader === undefined) continue;
    const [x, y] = [viewOf(left), viewOf(right)];
    for (let index = 0; index < size; index += reader.bytes) {
      const [p, q] = [reader.at(x, index), reader.at(y, index)];
      if (Object.is(p, q)) continue;
      values += 1;
      const difference = Number.isNaN(p) || Number.isNaN(q) ? Infinity : Math.abs(p - q);
      if (difference > largest) [largest, at] = [difference, (offset + index) / reader.bytes];
    }
  }
  if (!differs) return undefined;
  const {name, dtype, shape} = a;
  return {name, dtype, shape, values, largest: reader === undefined ? undefined : Math.max(0, largest), at};
}

const form = ({dtype, shape}: TensorEntry): string => `${dtype} [${shape.join(', ')}]`;

export function diffTensors(files: Files, a: readonly TensorEntry[], b: readonly TensorEntry[]): TensorsDifference {
  const left = new Map(a.map((tensor) => [tensor.name, tensor]));
  const right = new Map(b.map((tensor) => [tensor.name, tensor]));
  const changed: TensorDifference[] = [];
  const reshaped: {name: string; a: string; b: string}[] = [];
  let equal = 0;
  for (const [name, tensor] of left) {
    const other = right.get(name);
    if (other === undefined) continue;
    if (form(tensor) !== form(other)) {
      reshaped.push({name, a: form(tensor), b: form(other)});
      continue;
    }
    const difference = diffTensor(files, tensor, other);
    if (difference === undefined) equal += 1;
    else changed.push(difference);
  }
  return {
    equal,
    changed: changed.sort((x, y) => (y.largest ?? Infinity) - (x.largest ?? Infinity)),
    added: [...right.keys()].filter((name) => !left.has(name)).sort(),
    gone: [...left.keys()].filter((name) => !right.has(name)).sort(),
    reshaped,
  };
}
