/**
 * How the parameters are packed for computing: q, k and v as one matrix, and the rows of q and k, and the gains of their
 * heads, ordered so that the two numbers of a rotary pair lie next to each other (Hugging Face keeps them half a head
 * apart). Packing moves
 * numbers and changes none, so checkpoints come back bit for bit.
 */
import type {ModelConfig} from './config.js';
import type {Weights} from './parameters.js';
import {parameterShapes, size} from './parameters.js';

/** One tensor of the packed model. */
export interface Packed {
  readonly name: string;
  readonly shape: readonly number[];
  /** Its Hugging Face tensors from top to bottom; `rotary` ones have their rows reordered within each head. */
  readonly parts: readonly {readonly name: string; readonly size: number; readonly rotary: boolean}[];
}

/** The tensors of the packed model, in the order of the forward pass. */
export function packedLayout(config: ModelConfig): Packed[] {
  const shapes = parameterShapes(config);
  const part = (name: string): Packed['parts'][number] => ({
    name,
    size: size(shapes.get(name)!),
    rotary: /\.[qk]_(proj|norm)\./.test(name),
  });
  const packed: Packed[] = [];
  for (const [name, shape] of shapes) {
    if (name.includes('.k_proj.') || name.includes('.v_proj.')) continue; // packed with q
    if (!name.includes('.q_proj.')) {
      packed.push({name, shape, parts: [part(name)]});
      continue;
    }
    const names = ['q_proj', 'k_proj', 'v_proj'].map((projection) => name.replace('q_proj', projection));
    const rows = names.reduce((sum, each) => sum + shapes.get(each)![0]!, 0);
    packed.push({name: name.replace('q_proj', 'qkv_proj'), shape: [rows, ...shape.slice(1)], parts: names.map(part)});
  }
  return packed;
}

/**
 * Hugging Face tensors → one packed tensor, row-major.
 *
 * @throws {Error} where one is missing or has another size
 */
export function pack({shape, parts}: Packed, weights: Weights, {headDim}: ModelConfig): Float32Array {
  const packed = new Float32Array(size(shape) + 1).subarray(1); // never aligned, see `createTensor`
  const width = shape.length === 2 ? shape[1]! : 1;
  let at = 0;
  for (const {name, size: length, rotary} of parts) {
    const values = weights.get(name);
    if (values === undefined) throw new Error(`Internal error: the weights lack ${name}`);
    if (values.length !== length) throw new Error(`Internal error: ${name} has ${values.length} values, not ${length}`);
    if (rotary) {
      for (let row = 0; row < length / width; row++) {
        const from = pairedRow(row, headDim) * width;
        packed.set(values.subarray(from, from + width), at + row * width);
      }
    } else {
      packed.set(values, at);
    }
    at += length;
  }
  return packed;
}

/** One packed tensor → its Hugging Face tensors, added to `weights`. */
export function unpack(
  {shape, parts}: Packed,
  packed: Float32Array,
  {headDim}: ModelConfig,
  weights: Map<string, Float32Array>,
): void {
  const width = shape.length === 2 ? shape[1]! : 1;
  let at = 0;
  for (const {name, size: length, rotary} of parts) {
    const values = new Float32Array(length);
    if (rotary) {
      for (let row = 0; row < length / width; row++) {
        const from = at + row * width;
        values.set(packed.subarray(from, from + width), pairedRow(row, headDim) * width);
      }
    } else {
      values.set(packed.subarray(at, at + length));
    }
    weights.set(name, values);
    at += length;
  }
}

/** Which Hugging Face row a packed row holds: (0, half, 1, half + 1, …) within each head. */
function pairedRow(row: number, headDim: number): number {
  const inHead = row % headDim;
  return row - inHead + (inHead % 2 === 0 ? inHead / 2 : headDim / 2 + (inHead - 1) / 2);
}
