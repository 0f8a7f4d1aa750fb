/**
 * How the rows of a call become micro-batches: like lengths together, each padded to the smallest bucket that holds its
 * longest row. Depends on the rows alone, so equal calls compute equal bytes.
 */
import type {BatchShape} from '../../train/objective.js';
import type {Output} from '../graph.js';
import type {ProgramContext} from '../program.js';
import type {Fitted, Shaped, Template} from '../template.js';
import {declareTemplate} from '../template.js';

/** Rows of a micro-batch in the longest bucket, and the lengths (positions) that rows are padded to. */
export interface Buckets {
  /** Buckets of half the length take twice as many rows. */
  readonly rows: number;
  readonly lengths: readonly number[];
}

export interface MicroBatch {
  /** Which rows of the call, in the order in which they lie in the batch. */
  readonly indices: readonly number[];
  readonly shape: BatchShape;
}

/** A function declared for all buckets of a program. */
export interface Bucketed<T> {
  /** @param positions how many positions each row of the call takes */
  cut(positions: readonly number[]): MicroBatch[];
  at(shape: BatchShape): Fitted & {readonly attached: T};
}

/**
 * Declares a function for the buckets.
 * @param attach adds what hangs on the outputs, once for each graph that is made
 * @param together rows of a batch that belong to one row of the call
 */
export function declareBuckets<T>(
  context: ProgramContext,
  name: string,
  {rows, lengths}: Buckets,
  shaped: Shaped,
  attach: (outputs: Readonly<Record<string, Output>>) => T,
  together = 1,
): Bucketed<T> {
  const sound =
    lengths.length > 0 && lengths.every((each, i) => Number.isInteger(each) && each > (lengths[i - 1] ?? 1));
  if (!sound)
    throw new Error(`Internal error: ${name} needs ascending bucket lengths above 1, not [${lengths.join(', ')}]`);
  if (!Number.isInteger(rows) || rows < together || rows % together !== 0) {
    throw new Error(`Internal error: ${name} needs a multiple of ${together} rows, not ${rows}`);
  }
  const longest = lengths.at(-1)!;
  const declare = (scope: string, examples: readonly [BatchShape, ...BatchShape[]]) =>
    context.graph.scoped(scope, () => {
      const template = declareTemplate(context, shaped, examples);
      return template && {template, attached: attach(template.outputs)};
    });
  const one = declare(name, [{rows, length: longest}, smallShape({rows, length: longest}, lengths[0]!, together)]);
  if (one !== undefined) {
    return {
      cut: (positions) => cutRows(positions, lengths, (length) => roomFor(length, longest, rows, together), together),
      at: (shape) => ({...one.template.fit(shape), attached: one.attached}),
    };
  }
  // The function takes another course for another shape (large vocabularies are cut into parts): a graph for each.
  const each = new Map<number, {template: Template; attached: T}>(
    lengths.map((length) => [length, declare(`${name}/${length}`, [{rows, length}])!]),
  );
  return {
    cut: (positions) => cutRows(positions, lengths, () => ({most: rows, step: rows}), together),
    at(shape) {
      const {template, attached} = each.get(shape.length)!;
      return {...template.fit(shape), attached};
    },
  };
}

/** A small shape that differs from a large one in all that can differ: rows, length and their product. */
function smallShape(large: BatchShape, shortest: number, together: number): BatchShape {
  let rows = 2 * together;
  while (rows === large.rows || rows * shortest === large.rows * large.length) rows += together;
  return {rows, length: shortest};
}

export interface Room {
  /** Rows that a batch takes at most. */
  readonly most: number;
  /** Its rows are a multiple of this, so that few shapes are ever made. */
  readonly step: number;
}

/**
 * Twice the rows in buckets of half the length, and so on: the work of a batch stays large beside what a call costs.
 * Not in proportion to the length, because more rows in a batch differ more in length.
 */
export function roomFor(length: number, longest: number, rows: number, together: number): Room {
  const most = rows * 2 ** Math.floor(Math.log2(longest / length));
  return {most, step: Math.max(1, Math.floor(rows / 4 / together)) * together};
}

/** @param positions of each row of the call @param room how many rows a batch of a bucket takes */
export function cutRows(
  positions: readonly number[],
  lengths: readonly number[],
  room: (length: number) => Room,
  together = 1,
): MicroBatch[] {
  const order = positions.map((_, index) => index).sort((a, b) => positions[b]! - positions[a]! || a - b);
  const batches: MicroBatch[] = [];
  // From the longest down, so that a batch that is not full is one of short rows.
  for (let at = 0; at < order.length;) {
    const longest = positions[order[at]!]!;
    const length = lengths.find((bucket) => bucket >= longest);
    if (length === undefined) {
      throw new Error(
        `Internal error: a row takes ${longest} positions, the longest bucket has ${lengths.at(-1) ?? 0}`,
      );
    }
    const {most, step} = room(length);
    const indices = order.slice(at, at + most / together);
    const rows = Math.min(most, Math.ceil((indices.length * together) / step) * step);
    batches.push({indices, shape: {rows, length}});
    at += indices.length;
  }
  return batches;
}
