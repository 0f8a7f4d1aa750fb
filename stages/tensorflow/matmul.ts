/**
 * How the product of two matrices, tokens and weights or their gradients, is computed: in which precision, and by which of
 * TensorFlow's operators. Products of stacks of small matrices, as attention has them, are left as they are: there, rounding
 * all scores to bfloat16 takes longer than it saves.
 */
import type {Attribute, Graph, Output} from './graph.js';
import {runtimeClass} from './runtime-class.js';

export type Precision = 'f32' | 'bf16';

const FLOAT = 1;
const BFLOAT16 = 14;

/** What the operator MatMul was given, and the shape of its result. */
export interface Product {
  readonly inputs: readonly [Output, Output];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly shape: readonly [number, number];
}

/**
 * Adds the nodes of a product. The result is float32 where both matrices are, whatever the precision.
 * @param instructions of the processor, as the runtime class has them
 */
export function addProduct(
  graph: Graph,
  {inputs, attributes, shape}: Product,
  precision: Precision,
  {device, instructions}: {readonly device: string; readonly instructions: string} = runtimeClass(1),
): Output {
  const floats = inputs.every((input) => input.dtype === FLOAT);
  if (floats && precision === 'bf16') return multiplyInBfloat16(graph, {inputs, attributes, shape});
  const outputs = [{dtype: inputs[0].dtype, shape}];
  const hasKernels = device === 'cpu' && instructions.includes('avx512f');
  if (floats && hasKernels && isGradientOfWide({inputs, attributes, shape})) {
    const {T, transpose_a: left, transpose_b: right} = attributes;
    return graph.addOne({op: 'BatchMatMulV2', inputs, attributes: {T: T!, adj_x: left!, adj_y: right!}, outputs});
  }
  return graph.addOne({op: 'MatMul', inputs, attributes, outputs});
}

/** The product of the inputs rounded to bfloat16, as float32. */
function multiplyInBfloat16(graph: Graph, {inputs, attributes, shape}: Product): Output {
  const cast = (input: Output, to: typeof FLOAT | typeof BFLOAT16): Output => {
    const add = (): Output =>
      graph.addOne({
        op: 'Cast',
        inputs: [input],
        attributes: {SrcT: {kind: 'type', value: input.dtype}, DstT: {kind: 'type', value: to}},
        outputs: [{dtype: to, shape: input.shape}],
      });
    // What comes from outside a loop, as weights do, is rounded once and not in each step.
    return input.frame === '' && graph.isInLoop ? graph.inFrame(undefined, add) : add();
  };
  const rounded = graph.addOne({
    op: 'MatMul',
    inputs: inputs.map((input) => cast(input, BFLOAT16)),
    attributes: {...attributes, T: {kind: 'type', value: BFLOAT16}},
    outputs: [{dtype: BFLOAT16, shape}],
  });
  return cast(rounded, FLOAT);
}

/**
 * The gradient of a matrix is dyᵀ x, and oneDNN transposes dy before it multiplies. Rows that are a multiple of 2 KiB
 * apart fall on the same few lines of the cache then, and with few columns in x there is little work to make up for it.
 * The operator for stacks has kernels of its own for AVX-512, which transpose smaller blocks: they take up to 15 % less time at a
 * width of 512 and up to 30 % less at 256. For other shapes they take up to a quarter more.
 */
function isGradientOfWide({attributes, shape: [rows, columns]}: Product): boolean {
  const transposed = attributes['transpose_a']?.value === true && attributes['transpose_b']?.value !== true;
  return transposed && rows >= 1024 && rows % 512 === 0 && columns <= 512;
}
