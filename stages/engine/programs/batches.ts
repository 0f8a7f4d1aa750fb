/**
 * How the rows of a call become micro-batches: like lengths together, each padded to the smallest bucket that holds its
 * longest row. Depends on the rows alone, so equal calls compute equal bytes.
 */
import type {BatchShape} from '../objective.js';
import {logitParts} from '../../model/transformer.js';
import type {TypedArray} from '../../tensorflow/backend.js';
import type {Output} from '../../tensorflow/graph.js';
import type {Feed} from '../../tensorflow/session.js';
import type {ProgramContext} from '../program.js';
import type {ShapeFeeds, ShapedFunction, PolymorphicFunction} from '../shape-polymorphic.js';
import {declarePolymorphic} from '../shape-polymorphic.js';

/** Rows of a micro-batch in the longest bucket, and the lengths (positions) that rows are padded to. */
export interface Buckets {
  /** Shorter buckets take more rows, as many as give the same number of positions. */
  readonly rows: number;
  /** Ascending. */
  readonly lengths: readonly number[];
  /**
   * Where rows begin with tokens that nothing predicts, as prompts are: the fewest positions in front of those that count, and the most
   * that count. The others then get no logits. Without it all positions do.
   */
  readonly targets?: {readonly before: number; readonly most: number};
}

/** Rows of a call that are computed together. */
export interface MicroBatch {
  /** Which rows of the call, in the order in which they lie in the batch. */
  readonly indices: readonly number[];
  readonly shape: BatchShape;
}

/** A function declared for all buckets of a program. */
export interface Bucketed<T> {
  /**
   * Which rows are computed together.
   * @param positions how many positions each row of the call takes
   * @throws {Error} for a row that is longer than the longest bucket
   */
  cut(positions: readonly number[]): MicroBatch[];
  /** What a shape that `cut` returned is fed with, and what hangs on its outputs. */
  at(shape: BatchShape): ShapeFeeds & {readonly attached: T};
}

/**
 * Declares a function for the buckets.
 *
 * @param attach adds what hangs on the outputs, once for each graph that is made
 * @param together rows of a batch that belong to one row of the call
 * @param lanes into which `shaped` cuts each batch
 * @throws {Error} where the lengths do not ascend, or rows cannot be cut into lanes
 */
export function declareBuckets<T>(
  context: ProgramContext,
  name: string,
  {rows, lengths, targets}: Buckets,
  shaped: ShapedFunction,
  attach: (outputs: Readonly<Record<string, Output>>) => T,
  {together = 1, lanes = 1}: {readonly together?: number; readonly lanes?: number} = {},
): Bucketed<T> {
  const multiple = together * lanes;
  const sound =
    lengths.length > 0 && lengths.every((each, i) => Number.isInteger(each) && each > (lengths[i - 1] ?? 1));
  if (!sound)
    throw new Error(`Internal error: ${name} needs ascending bucket lengths above 1, not [${lengths.join(', ')}]`);
  if (!Number.isInteger(rows) || rows < multiple || rows % multiple !== 0) {
    throw new Error(`Internal error: ${name} needs a multiple of ${multiple} rows, not ${rows}`);
  }
  const longest = lengths.at(-1)!;
  const declare = (scope: string, examples: readonly [BatchShape, ...BatchShape[]]) =>
    context.graph.inScope(scope, () => {
      const polymorphic = declarePolymorphic(context, shaped, examples);
      return polymorphic && {polymorphic, attached: attach(polymorphic.outputs)};
    });
  const most = Math.max(
    ...lengths.map((length) => Math.floor((rows * longest) / length) * (targetsAt(length, targets) ?? length)),
  );
  const shapeOf = ({rows, length}: BatchShape): BatchShape => {
    const counted = targetsAt(length, targets);
    return {rows, length, most, ...(counted !== undefined && {targets: counted})};
  };
  const cut = (positions: readonly number[], sizes: (length: number) => readonly number[]): MicroBatch[] =>
    cutRows(positions, lengths, sizes, together).map(({indices, shape}) => ({indices, shape: shapeOf(shape)}));
  const large = shapeOf({rows, length: longest});
  const isCut = logitParts(1, context.config.vocabSize, Math.ceil(most / lanes)) > 1;
  const small = isCut ? unevenShape(large, multiple) : smallShape(large, shapeOf, lengths[0]!, multiple);
  const one = declare(name, [large, small]);
  if (one !== undefined) {
    return {
      cut: (positions) => cut(positions, (length) => sizesFor(length, longest, rows, multiple)),
      at: (shape) => ({...one.polymorphic.feedsFor(shape), attached: one.attached}),
    };
  }
  // The function has other operators for another shape (logits are cut into very many parts): a graph for each.
  const each = new Map<number, {polymorphic: PolymorphicFunction; attached: T}>(
    lengths.map((length) => [length, declare(`${name}/${length}`, [shapeOf({rows, length})])!]),
  );
  return {
    cut: (positions) => cut(positions, () => [rows]),
    at(shape) {
      const {polymorphic, attached} = each.get(shape.length)!;
      return {...polymorphic.feedsFor(shape), attached};
    },
  };
}

/** The fewest targets that a row is computed with, where it has so many positions: logits come in up to so many parts. */
const FEWEST_TARGETS = 8;

/** How many targets a row of a bucket may have. */
const targetsAt = (length: number, targets: Buckets['targets']): number | undefined =>
  targets && Math.min(length, Math.max(FEWEST_TARGETS, Math.min(targets.most, length - targets.before)));

/** Rows, positions and targets of a shape, and how many there are in all. */
const sizesOf = ({rows, length, targets = length}: BatchShape): number[] => [rows, rows * length, rows * targets];

/**
 * A shape for recording alone, where logits are cut into parts. Of the parts of a batch the last is larger where they do not come
 * out even; here they never do, into however many it is cut. Otherwise it would be taken for one that is always as large as the others.
 */
function unevenShape(large: BatchShape, multiple: number): BatchShape {
  const shapeWith = (rows: number): BatchShape => ({
    ...large,
    rows: rows * multiple,
    length: 17,
    ...(large.targets !== undefined && {targets: 13}),
  });
  const differs = (shape: BatchShape): boolean =>
    sizesOf(shape).every((each, i) => each !== sizesOf(large)[i]) &&
    shape.length !== large.length &&
    (shape.targets === undefined || shape.targets !== large.targets);
  const shape = [11, 19, 23].map(shapeWith).find(differs);
  return shape ?? {...shapeWith(29), length: 37, ...(large.targets !== undefined && {targets: 31})};
}

/** A small shape that differs from a large one in all that can differ: rows, length, targets and their products. */
function smallShape(
  large: BatchShape,
  shapeOf: (shape: BatchShape) => BatchShape,
  shortest: number,
  multiple: number,
): BatchShape {
  let rows = 2 * multiple;
  const own = (): BatchShape => shapeOf({rows, length: shortest});
  while (sizesOf(own()).some((each, i) => each === sizesOf(large)[i])) rows += multiple;
  return own();
}

/**
 * What a call costs beside its positions, in positions: 1.7 ms against 17 µs, measured with the base of `tiny` on one core.
 * A larger model's is less, so that its rows are now and then padded where another call would have been quicker.
 */
const CALL = 100;

/**
 * How many rows a batch of a bucket may have, ascending: powers of two and half as many again, so that few shapes are ever
 * made, up to the positions that `rows` of the longest have. All are a `multiple` of some rows that lie together.
 */
export function sizesFor(length: number, longest: number, rows: number, multiple: number): number[] {
  const most = Math.floor((rows * longest) / length / multiple) * multiple;
  const least = Math.max(1, Math.floor(rows / 8 / multiple)) * multiple;
  const sizes: number[] = [];
  for (let size = least; size <= most; size *= 2) {
    sizes.push(size);
    const half = size * 1.5;
    if (half <= most && half % multiple === 0) sizes.push(half);
  }
  return sizes;
}

/**
 * Cuts rows, ordered by length, where all calls together cost least: few positions of padding against few calls.
 * @param positions of each row of the call
 * @param sizes how many rows a batch of a bucket may have, ascending
 */
export function cutRows(
  positions: readonly number[],
  lengths: readonly number[],
  sizes: (length: number) => readonly number[],
  together = 1,
): MicroBatch[] {
  const order = positions.map((_, index) => index).sort((a, b) => positions[b]! - positions[a]! || a - b);
  const count = order.length;
  const bucketOf = (longest: number): number => {
    const length = lengths.find((bucket) => bucket >= longest);
    if (length !== undefined) return length;
    throw new Error(`Internal error: a row takes ${longest} positions, the longest bucket has ${lengths.at(-1) ?? 0}`);
  };
  // From the shortest row up: the cheapest way to cut all rows from here on, by what is known of those behind. A batch is
  // always filled, since rows that are taken along cost nothing, and the fewer are left the better.
  const costs = new Array<number>(count + 1).fill(0);
  const shapes = new Array<BatchShape>(count);
  const allowed = new Map(lengths.map((length) => [length, sizes(length)]));
  for (let at = count - 1; at >= 0; at--) {
    const length = bucketOf(positions[order[at]!]!);
    costs[at] = Infinity;
    for (const rows of allowed.get(length)!) {
      const next = Math.min(count, at + rows / together);
      const cost = rows * length + CALL + costs[next]!;
      if (cost < costs[at]!) {
        costs[at] = cost;
        shapes[at] = {rows, length};
      }
      if (next === count) break;
    }
  }
  const batches: MicroBatch[] = [];
  for (let at = 0; at < count;) {
    const shape = shapes[at]!;
    const indices = order.slice(at, at + shape.rows / together);
    batches.push({indices, shape});
    at += indices.length;
  }
  return batches;
}

/** What a call feeds: the arrays of its rows, and the constants of their shape. */
export const feedsOf = ({inputs, constants}: ShapeFeeds, arrays: Readonly<Record<string, TypedArray>>): Feed[] => [
  ...Object.entries(arrays).map(([key, values]) => ({placeholder: inputs[key]!, values})),
  ...constants,
];

/** The rows of a micro-batch, in the order in which they lie in it. */
export const rowsOf = <T>({indices}: MicroBatch, rows: readonly T[]): T[] => indices.map((i) => rows[i]!);

/** The name under which the engine counts calls of a micro-batch's shape: `train/16×24`. */
export const labelOf = (name: string, {shape}: MicroBatch): string => `${name}/${shape.rows}×${shape.length}`;
