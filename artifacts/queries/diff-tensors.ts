/**
 * Compares the tensors of two models, file format safetensors. Reads headers and values in pieces, so that a model need not fit
 * into memory; computes nothing else.
 */
import {UserError} from '../error.js';
import type {Files} from '../files.js';
import {PREFIX_BYTES, SafetensorsError, headerBytes, parseHeader, valueReader, viewOf} from '../formats/safetensors.js';
import type {TensorEntry} from '../formats/safetensors.js';

/** A tensor, and the file that holds it. */
export interface StoredTensor extends TensorEntry {
  readonly file: string;
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

const PIECE = 1 << 20;

/** The tensors of one file. Throws UserError 'bad-argument' where it is not a safetensors file. */
export function readTensorHeader(files: Files, file: string, name = file): readonly StoredTensor[] {
  const bytes = files.sizeOf(file) ?? 0;
  try {
    const length = headerBytes(files.readRange(file, 0, PREFIX_BYTES), bytes);
    return parseHeader(files.readRange(file, PREFIX_BYTES, length), bytes).tensors.map((tensor) => ({...tensor, file}));
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    throw new UserError('bad-argument', `${name} is not a safetensors file: ${error.message}`, {cause: error});
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Undefined when they are equal, byte by byte. */
function diffTensor(files: Files, a: StoredTensor, b: StoredTensor): TensorDifference | undefined {
  const reader = valueReader(a.dtype);
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

const form = ({dtype, shape}: StoredTensor): string => `${dtype} [${shape.join(', ')}]`;

export function diffTensors(files: Files, a: readonly StoredTensor[], b: readonly StoredTensor[]): TensorsDifference {
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
