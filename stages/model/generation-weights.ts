/**
 * How generation multiplies by the matrices of a model. A step has one token of each sample, so few rows that a product takes
 * as long as it takes to read the matrix; what is quickest then depends on the layout of the matrix. What another layout costs is
 * paid once per call, outside the loop.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {linear, raw} from '../tensorflow/ops.js';
import type {Precision} from '../tensorflow/matmul.js';
import {runtimeClass} from '../tensorflow/runtime-class.js';
import {transposePairs} from './attention.js';
import type {ModelConfig} from './config.js';
import type {OutputProduct} from './pick-token.js';
import {PIECE, productWith, wholePieces} from './pick-token.js';
import type {Multiply, Parameters} from './transformer.js';
import {foldGains, outputMatrix, rotationWidth} from './transformer.js';

/** Parameters of layers, and how tokens are multiplied by their matrices. */
export interface Multiplied {
  readonly parameters: Parameters;
  readonly multiply: Multiply;
}

/** The weights of a model in the layouts that generation multiplies by. */
export interface GenerationWeights {
  /** For all tokens of the prompts. */
  readonly forPrompts: Multiplied;
  /** For one token of each sample. */
  readonly forTokens: Multiplied;
  readonly output: OutputProduct;
}

/** Of the processor and of the products. */
interface Machine {
  /** That products are rounded to. */
  readonly precision?: Precision;
  /** Of the processor, as the runtime class has them. */
  readonly instructions?: string;
}

/**
 * Chooses layouts by the size of the matrices, the number of rows and the processor; all give the same products, up to
 * the last bits.
 *
 * @param rows samples that are drawn together
 * @param steps tokens of each, at most
 */
export function layOutWeights(
  parameters: Parameters,
  config: ModelConfig,
  rows: number,
  steps: number,
  machine: Machine = {},
): GenerationWeights {
  const lay = {kept: keepLayout, transposed: transposeOnce, blocks: cutIntoBlocks}[
    layoutFor(config, rows, steps, machine)
  ];
  return lay(parameters, config);
}

function layoutFor(
  config: ModelConfig,
  rows: number,
  steps: number,
  {precision = 'f32', instructions = runtimeClass(1).instructions}: Machine,
): 'kept' | 'transposed' | 'blocks' {
  // Rounded matrices are a copy already, which needs no layout of its own.
  if (precision === 'bf16') return 'kept';
  if (matrixSize(config) < LARGE) return 'transposed';
  if (config.layers * matrixSize(config) > LARGEST_COPY) return 'kept';
  if (rows > MANY_ROWS) return 'transposed';
  return areBlocksQuicker(config, rows, steps, instructions) ? 'blocks' : 'kept';
}

/** Bytes of the matrices that each call copies into the layout, or rounds to the precision, that it multiplies in. */
export function copiedBytes(config: ModelConfig, rows: number, steps: number, machine: Machine = {}): number {
  const matrices = config.layers * matrixSize(config);
  const output = config.vocabSize * config.hiddenSize;
  if (machine.precision === 'bf16') return 2 * (matrices + output);
  return 4 * {kept: 0, transposed: matrices, blocks: matrices + output}[layoutFor(config, rows, steps, machine)];
}

/**
 * For few rows oneDNN transposes a matrix (out, in) in each product from the right, which takes longer than the product. So it is
 * transposed once per call …
 */
function transposeOnce(parameters: Parameters, config: ModelConfig): GenerationWeights {
  const all = {
    parameters: eachMatrix(foldGains(parameters, config), (matrix) => raw.transpose(matrix, [1, 0])),
    multiply: raw.matMul,
  };
  return {forPrompts: all, forTokens: all, output: productWith(outputMatrix(parameters, config))};
}

/**
 * … unless it is so large that the product is bound by memory: from the left it is read just once, and transposing the result costs
 * nothing beside that. And there is no second copy of it.
 */
const keepLayout = (parameters: Parameters, config: ModelConfig): GenerationWeights => ({
  forPrompts: {parameters, multiply: linear},
  forTokens: {parameters, multiply: (x, matrix) => raw.transpose(raw.matMul(matrix, x, {b: true}), [1, 0])},
  output: productWith(outputMatrix(parameters, config)),
});

/** Columns of a block: four registers of AVX-512, and a piece of the vocabulary. */
const BLOCK = PIECE;

/**
 * With AVX-512, oneDNN's kernel for few rows takes a matrix in the layout it has if its columns are contiguous, and reads it quickest
 * where a block of them is one piece of memory: in two thirds of the time of a product from the left. Blocks are a second
 * copy of the matrices, made in each call in the time of some ten steps.
 */
function cutIntoBlocks(parameters: Parameters, config: ModelConfig): GenerationWeights {
  const {tf} = tensorflow();
  const matrix = outputMatrix(parameters, config);
  const outputBlocks = blocksOf(wholePieces(matrix));
  const vocab = matrix.shape[0];
  return {
    forPrompts: {parameters, multiply: linear},
    forTokens: {
      // What is filled up in the feed-forward is 0 in its inner state, so it adds nothing to what comes out.
      parameters: fillUpBiases(
        eachMatrix(parameters, (each, name) => blocksOf(fillUp(each, name.includes('down_proj') ? 1 : 0))),
      ),
      multiply: (x, blocks) => {
        const product = transposePairs(byBlock(x, blocks), [1, 0, 2]);
        return raw.reshape(product, [x.shape[0], -1]);
      },
    },
    output: {
      vocab,
      byPiece: (hidden) => byBlock(hidden, outputBlocks),
      byRow: (hidden) => {
        const product = transposePairs(byBlock(hidden, outputBlocks), [1, 0, 2]);
        return tf.slice(raw.reshape(product, [hidden.shape[0], -1]), [0, 0], [-1, vocab]);
      },
    },
  };
}

/** (out, in) → (blocks, in, BLOCK) */
function blocksOf(matrix: Tf.Tensor): Tf.Tensor {
  const [outputs, inputs] = matrix.shape as [number, number];
  return raw.transpose(raw.reshape(matrix, [outputs / BLOCK, BLOCK, inputs]), [0, 2, 1]);
}

/** The matrix with rows, or columns, of zeros up to a whole number of blocks; or the vector with zeros. */
function fillUp(matrix: Tf.Tensor, axis: 0 | 1): Tf.Tensor {
  const size = matrix.shape[axis]!;
  const missing = Math.ceil(size / BLOCK) * BLOCK - size;
  if (missing === 0) return matrix;
  const shape = matrix.shape.map((each, at) => (at === axis ? missing : each));
  return raw.concat([matrix, tensorflow().tf.zeros(shape)], axis);
}

/** Biases of the feed-forward's inner state, as long as what they are added to. */
const fillUpBiases = (parameters: Parameters): Parameters =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => [
      name,
      /\.mlp\.(gate|up)_proj\.bias$/.test(name) ? fillUp(tensor, 0) : tensor,
    ]),
  );

/** (R, in), (blocks, in, BLOCK) → (blocks, R, BLOCK) */
const byBlock = (x: Tf.Tensor, blocks: Tf.Tensor): Tf.Tensor => raw.matMul(raw.reshape(x, [1, ...x.shape]), blocks);

const eachMatrix = (parameters: Parameters, convert: (matrix: Tf.Tensor, name: string) => Tf.Tensor): Parameters =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => [
      name,
      name.endsWith('_proj.weight') ? convert(tensor, name) : tensor,
    ]),
  );

/** Numbers in a layer's matrices. */
const matrixSize = (config: ModelConfig): number =>
  config.hiddenSize * (rotationWidth(config) + 3 * config.intermediateSize);

/** More than a core has for itself of the processor's cache, about 2 MiB. */
const LARGE = 2 ** 19;

/** The most numbers that are copied into another layout, since each process that samples has its own copy: 1 GiB. */
const LARGEST_COPY = 2 ** 28;

/** With more rows the arithmetic takes longer than the memory: 64 rows take up to a quarter less time from the right. */
const MANY_ROWS = 32;

/** With more rows a product from the left is as quick as one with blocks. */
const FEW_ROWS = 8;
const MANY_STEPS = 32;

const areBlocksQuicker = (config: ModelConfig, rows: number, steps: number, instructions: string): boolean =>
  rows <= FEW_ROWS &&
  steps >= MANY_STEPS &&
  config.hiddenSize % BLOCK === 0 &&
  rotationWidth(config) % BLOCK === 0 &&
  instructions.includes('avx512f');
