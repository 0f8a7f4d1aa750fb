/**
 * What training minimizes, in two halves: how rows become arrays (JavaScript), and what is computed from them (a tfjs
 * function). Every loss is a weighted sum over tokens or rows whose weights are decided for the whole call, so that
 * micro-batches add up to exactly the loss of one large batch.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {ModelConfig} from '../model/config.js';
import type {Parameters} from '../model/transformer.js';
import type {DataType, TypedArray} from '../tensorflow/backend.js';

/** The fixed shape of one micro-batch: rows, and positions in each. */
export interface BatchShape {
  readonly rows: number;
  /** Positions of each row. */
  readonly length: number;
  /** Consecutive positions of each row at which a token is predicted; without it all of them. */
  readonly targets?: number;
  /** Targets of the largest batch of the program, all rows together; without it those of this shape. */
  readonly most?: number;
}

/** How a micro-batch is computed. */
export interface ComputeShape extends BatchShape {
  /** Layers are computed once more in the backward pass instead of being kept: less memory, a third more work. */
  readonly activationCheckpointing?: boolean;
}

/** What a call reports, by name; what cannot be said of it is absent. */
export type Measures = Readonly<Record<string, number | undefined>>;

/** A loss over rows of one kind, and what it reports. */
export interface Objective<Row, Metrics extends Measures> {
  /** How many positions a row takes. */
  positions(row: Row): number;
  /**
   * Whether a row has a part in loss or gradient; without this all have. One that has none is not computed, but stays among `all`,
   * over which weights are decided.
   */
  counts?(row: Row): boolean;
  /** Rows that must share a micro-batch, side by side. */
  readonly rowsTogether: number;
  /**
   * Element types and shapes of the arrays. Rows are the first axis of all of them, and no value depends on where in the batch a
   * row lies, so that a batch can be cut.
   */
  inputs(shape: BatchShape): Readonly<Record<string, {readonly dtype: DataType; readonly shape: readonly number[]}>>;
  /** Fills the arrays of one micro-batch. `all` is the whole call, over which weights are decided. */
  fill(rows: readonly Row[], shape: BatchShape, all: readonly Row[]): Record<string, TypedArray>;
  /**
   * The loss of one micro-batch, sums that `report` turns into metrics, and maybe `values` of each row, which the call hands on as
   * `valuesOf` reads them.
   */
  compute(
    parameters: Parameters,
    inputs: Readonly<Record<string, Tf.Tensor>>,
    config: ModelConfig,
    shape: ComputeShape,
  ): {loss: Tf.Tensor; metrics: Record<string, Tf.Tensor>; values?: Tf.Tensor};
  /**
   * Metrics of the call from those of its micro-batches (`loss` among them), in the order computed: none where no row counts.
   */
  report(parts: readonly Readonly<Record<string, number>>[], all: readonly Row[]): Metrics;
  /** Those of a row among the `values` of a micro-batch, in which it is the row `at`; needed where `compute` returns such. */
  valuesOf?(row: Row, shape: BatchShape, values: Float32Array, at: number): Float32Array;
}

/** Σ over the parts of one metric. */
export const sumOf = (parts: readonly Readonly<Record<string, number>>[], name: string): number =>
  parts.reduce((sum, part) => sum + part[name]!, 0);

/**
 * Rows of different lengths as one array, aligned left; what they do not cover keeps what `array` holds, and what is
 * longer than `length` is cut. (rows × length)
 *
 * @param array is filled and returned
 * @param skip numbers of each row that are left out at its beginning
 */
export function padRight<A extends Int32Array | Float32Array>(
  array: A,
  rows: readonly ArrayLike<number>[],
  length: number,
  skip = 0,
): A {
  rows.forEach((row, i) => {
    for (let j = skip; j < row.length && j - skip < length; j++) array[i * length + j - skip] = row[j]!;
  });
  return array;
}
