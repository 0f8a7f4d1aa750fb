/** Keys and values of a GGUF file as bytes, in the order given: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
import {GGUFValueType} from '@huggingface/gguf';

/** A value with its type. */
export type Value =
  | {readonly type: 'text'; readonly value: string}
  | {readonly type: 'flag'; readonly value: boolean}
  | {readonly type: 'uint32'; readonly value: number}
  | {readonly type: 'float32'; readonly value: number}
  | {readonly type: 'texts'; readonly value: readonly string[]}
  | {readonly type: 'int32s'; readonly value: readonly number[]};

export const text = (value: string): Value => ({type: 'text', value});
export const flag = (value: boolean): Value => ({type: 'flag', value});
export const uint32 = (value: number): Value => ({type: 'uint32', value});
export const float32 = (value: number): Value => ({type: 'float32', value});
export const texts = (value: readonly string[]): Value => ({type: 'texts', value});
export const int32s = (value: readonly number[]): Value => ({type: 'int32s', value});

/** A tensor to be written; the outermost dimension first, as everywhere here. */
export interface TensorPlace {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  /** From the beginning of the data. */
  readonly offset: number;
}

/** What data and tensors begin at a multiple of, unless a file says otherwise. */
export const ALIGNMENT = 32;

export const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Everything before the data, version 3, padded. */
export function ggufHeader(
  keys: readonly (readonly [key: string, value: Value])[],
  tensors: readonly TensorPlace[],
): Buffer {
  const parts: Buffer[] = [
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(keys.length),
    ...keys.flatMap(([key, value]) => [string(key), ...bytesOf(value)]),
    ...tensors.flatMap(({name, shape, type, offset}) => [
      string(name),
      u32(shape.length),
      ...[...shape].reverse().map(u64),
      u32(type),
      u64(offset),
    ]),
  ];
  const header = Buffer.concat(parts);
  return Buffer.concat([header], aligned(header.length));
}

function bytesOf(value: Value): Buffer[] {
  switch (value.type) {
    case 'text':
      return [u32(GGUFValueType.STRING), string(value.value)];
    case 'flag':
      return [u32(GGUFValueType.BOOL), Buffer.from([value.value ? 1 : 0])];
    case 'uint32':
      return [u32(GGUFValueType.UINT32), u32(value.value)];
    case 'float32': {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(value.value);
      return [u32(GGUFValueType.FLOAT32), bytes];
    }
    case 'texts':
      return [u32(GGUFValueType.ARRAY), u32(GGUFValueType.STRING), u64(value.value.length), ...value.value.map(string)];
    case 'int32s': {
      const bytes = Buffer.alloc(4 * value.value.length);
      value.value.forEach((each, i) => bytes.writeInt32LE(each, 4 * i));
      return [u32(GGUFValueType.ARRAY), u32(GGUFValueType.INT32), u64(value.value.length), bytes];
    }
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}
