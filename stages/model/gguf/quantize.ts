/**
 * Float32 to the two types that are written, bit by bit as ggml does it (`ggml-quants.c`, `quantize_row_q8_0_ref`;
 * `ggml_fp32_to_fp16_row`).
 */
import {GGMLQuantizationType} from '@huggingface/gguf';
import type {ExportType} from './export-types.js';

const BLOCK = 32;
const F32: number = GGMLQuantizationType.F32;
const F16: number = GGMLQuantizationType.F16;
const Q8_0: number = GGMLQuantizationType.Q8_0;

/** `general.file_type`: https://github.com/ggml-org/llama.cpp, `llama_ftype`. */
export const FILE_TYPES: Readonly<Record<ExportType, number>> = {f16: 1, q8_0: 7};

/** The type that a tensor of this shape is written in, and how many bytes it takes. */
export function writtenType(
  shape: readonly number[],
  type: ExportType,
): {readonly type: number; readonly bytes: number} {
  const count = shape.reduce((product, size) => product * size, 1);
  if (shape.length === 1) return {type: F32, bytes: 4 * count};
  // Blocks lie within a row.
  if (type === 'f16' || shape.at(-1)! % BLOCK !== 0) return {type: F16, bytes: 2 * count};
  return {type: Q8_0, bytes: (count / BLOCK) * (2 + BLOCK)};
}

/**
 * The bytes of a tensor.
 * @throws {RangeError} where a value is beyond what a half can hold; what was computed with it would be infinite
 */
export function encode(values: Float32Array, type: number): Uint8Array {
  if (type === F32) return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (type === F16) {
    const halves = new Uint16Array(values.length);
    for (let i = 0; i < values.length; i++) halves[i] = toHalf(values[i]!);
    return new Uint8Array(halves.buffer);
  }
  const blocks = values.length / BLOCK;
  const bytes = new Uint8Array(blocks * (2 + BLOCK));
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    let largest = 0;
    for (let j = 0; j < BLOCK; j++) largest = Math.max(largest, Math.abs(values[block * BLOCK + j]!));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const at = block * (2 + BLOCK);
    view.setUint16(at, toHalf(scale), true);
    for (let j = 0; j < BLOCK; j++) {
      view.setInt8(at + 2 + j, roundAway(Math.fround(values[block * BLOCK + j]! * inverse)));
    }
  }
  return bytes;
}

/** C's `roundf`: halves go away from zero. */
const roundAway = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Float32 to IEEE 754 half precision, to the nearest, to even where two are as near. */
function toHalf(value: number): number {
  float[0] = value;
  const sign = (bits[0]! >>> 16) & 0x8000;
  const size = bits[0]! & 0x7fff_ffff;
  // Below 2⁻¹⁴ halves are multiples of 2⁻²⁴; the fraction of 2⁻¹ (float32's step there is 2⁻²⁴) is rounded by the addition.
  if (size < 0x3880_0000) {
    float[0] = Math.abs(value) + 0.5;
    return sign | (bits[0]! - 0x3f00_0000);
  }
  // Thirteen bits of the fraction go, and the exponent's bias falls from 127 to 15; a carry may run into the exponent.
  const rounded = size + 0xfff + ((size >>> 13) & 1);
  const half = (rounded >>> 13) - ((127 - 15) << 10);
  if (half >= 0x7c00) throw new RangeError(`${value} is beyond the range of F16`);
  return sign | half;
}
