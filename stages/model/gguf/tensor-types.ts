/**
 * How ggml stores numbers: the types that can be read, as blocks of values. Every formula is that of ggml's reference
 * (https://github.com/ggml-org/ggml, `ggml-quants.c`), in float32 and in its order, so that the values are the same to the
 * last bit.
 */
import {GGMLQuantizationType} from '@huggingface/gguf';
import {toFloat32} from '../../../artifacts/formats/safetensors.js';

/** A type: so many values are stored in so many bytes. */
export interface Storage {
  readonly block: number;
  readonly bytes: number;
  /** The values in `data`, which are whole blocks and begin at a multiple of four bytes in their buffer. */
  decode(data: Uint8Array): Float32Array;
}

/** Reads the block that begins at `at` into `into` from `to` on. */
type ReadBlock = (data: DataView, at: number, into: Float32Array, to: number) => void;

function inBlocks(block: number, bytes: number, read: ReadBlock): Storage {
  return {
    block,
    bytes,
    decode(data) {
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      const count = data.byteLength / bytes;
      const values = new Float32Array(count * block);
      for (let i = 0; i < count; i++) read(view, i * bytes, values, i * block);
      return values;
    },
  };
}

const Type = GGMLQuantizationType;

/** How a type is called, or its number, where it has no name here. */
export const typeName = (type: number): string =>
  (GGMLQuantizationType as Readonly<Record<number, string | undefined>>)[type] ?? `${type}, which is not known`;

/** All 65,536 halves as float32. */
let halves: Float32Array | undefined;
const allHalves = (): Float32Array =>
  (halves ??= toFloat32(new Uint8Array(Uint16Array.from({length: 65_536}, (_, bits) => bits).buffer), 'F16'));

const half = (data: DataView, at: number): number => allHalves()[data.getUint16(at, true)]!;

/** 32 values d × (q − middle) or d × q + m, with four bits of q in `low` and, where there are five, one in `high`. */
function read32(
  data: DataView,
  parts: {
    readonly d: number;
    readonly m?: number;
    readonly middle: number;
    readonly low: number;
    readonly high?: number;
  },
  into: Float32Array,
  to: number,
): void {
  const {d, m, middle, low, high} = parts;
  const fifth = high === undefined ? 0 : data.getUint32(high, true);
  for (let j = 0; j < 16; j++) {
    const byte = data.getUint8(low + j);
    const first = (byte & 15) | (((fifth >>> j) & 1) << 4);
    const second = (byte >> 4) | (((fifth >>> (j + 16)) & 1) << 4);
    // Nothing is added where there is no minimum: it would take the sign from −0.
    into[to + j] = m === undefined ? d * (first - middle) : Math.fround(d * (first - middle)) + m;
    into[to + j + 16] = m === undefined ? d * (second - middle) : Math.fround(d * (second - middle)) + m;
  }
}

/** Eight scales and eight minima of six bits each, packed into twelve bytes. */
function sixBits(data: DataView, at: number, j: number): readonly [scale: number, minimum: number] {
  const byte = (i: number): number => data.getUint8(at + i);
  if (j < 4) return [byte(j) & 63, byte(j + 4) & 63];
  return [(byte(j + 4) & 15) | ((byte(j - 4) >> 6) << 4), (byte(j + 4) >> 4) | ((byte(j) >> 6) << 4)];
}

/** 256 values in eight groups of 32, each with a scale and a minimum: Q4_K, and Q5_K with its fifth bits at `high`. */
function readGroups(data: DataView, at: number, into: Float32Array, to: number, low: number, high?: number): void {
  const d = half(data, at);
  const minimum = half(data, at + 2);
  for (let group = 0; group < 8; group++) {
    const [scale, least] = sixBits(data, at + 4, group);
    const step = Math.fround(d * scale);
    const offset = Math.fround(minimum * least);
    for (let j = 0; j < 32; j++) {
      const byte = data.getUint8(low + 32 * (group >> 1) + j);
      const fifth = high === undefined ? 0 : ((data.getUint8(high + j) >> group) & 1) << 4;
      const value = (group % 2 === 0 ? byte & 15 : byte >> 4) | fifth;
      into[to + 32 * group + j] = Math.fround(step * value) - offset;
    }
  }
}

/** 256 values of six bits in sixteen groups of 16, each with a signed scale. */
function readSixBits(data: DataView, at: number, into: Float32Array, to: number): void {
  const d = half(data, at + 208);
  for (let i = 0; i < 256; i++) {
    const part = i >> 7; // Halves of 128 values, each with 64 bytes of low bits and 32 of high ones.
    const inPart = i & 127;
    const byte = data.getUint8(at + 64 * part + (inPart & 63));
    const low = inPart < 64 ? byte & 15 : byte >> 4;
    const high = (data.getUint8(at + 128 + 32 * part + (inPart & 31)) >> (2 * (inPart >> 5))) & 3;
    const scale = Math.fround(d * data.getInt8(at + 192 + (i >> 4)));
    into[to + i] = scale * ((low | (high << 4)) - 32);
  }
}

const STORAGES: ReadonlyMap<number, Storage> = new Map([
  [Type.F32, {block: 1, bytes: 4, decode: (data) => toFloat32(data, 'F32')}],
  [Type.F16, inBlocks(1, 2, (data, at, into, to) => void (into[to] = half(data, at)))],
  [Type.BF16, {block: 1, bytes: 2, decode: (data) => toFloat32(data, 'BF16')}],
  [
    Type.Q4_0,
    inBlocks(32, 18, (data, at, into, to) => read32(data, {d: half(data, at), middle: 8, low: at + 2}, into, to)),
  ],
  [
    Type.Q4_1,
    inBlocks(32, 20, (data, at, into, to) =>
      read32(data, {d: half(data, at), m: half(data, at + 2), middle: 0, low: at + 4}, into, to),
    ),
  ],
  [
    Type.Q5_0,
    inBlocks(32, 22, (data, at, into, to) =>
      read32(data, {d: half(data, at), middle: 16, high: at + 2, low: at + 6}, into, to),
    ),
  ],
  [
    Type.Q5_1,
    inBlocks(32, 24, (data, at, into, to) =>
      read32(data, {d: half(data, at), m: half(data, at + 2), middle: 0, high: at + 4, low: at + 8}, into, to),
    ),
  ],
  [
    Type.Q8_0,
    inBlocks(32, 34, (data, at, into, to) => {
      const d = half(data, at);
      for (let j = 0; j < 32; j++) into[to + j] = d * data.getInt8(at + 2 + j);
    }),
  ],
  [Type.Q4_K, inBlocks(256, 144, (data, at, into, to) => readGroups(data, at, into, to, at + 16))],
  [Type.Q5_K, inBlocks(256, 176, (data, at, into, to) => readGroups(data, at, into, to, at + 48, at + 16))],
  [Type.Q6_K, inBlocks(256, 210, readSixBits)],
]);

/** Undefined for a type that cannot be read here. */
export const storageOf = (type: number): Storage | undefined => STORAGES.get(type);
