/** The forward pass of any function of token rows: nothing is trained. */
import type {BatchShape} from '../objective.js';
import type {TypedArray} from '../../tensorflow/backend.js';
import {inLanes, lanesOf, ofLane} from '../lanes.js';
import {raw} from '../../tensorflow/ops.js';
import type {ProgramContext} from '../program.js';
import type {ShapedFunction} from '../shape-polymorphic.js';
import type {Buckets} from './batches.js';
import {declareBuckets, feedsOf, labelOf, rowsOf} from './batches.js';

/** Tokens of one row, of any length up to the longest bucket. */
export interface TokenRow {
  readonly tokens: ArrayLike<number>;
  /** Marks the targets, where the buckets say how many there are; then nothing is computed of others. */
  readonly mask?: ArrayLike<number>;
}

/**
 * Declares a function whose one output is called `values`, and returns how it is called: for rows of any number, of which
 * `positions` says how many positions each takes, and `take` where in a micro-batch's values a row's part lies.
 */
export function forward(
  context: ProgramContext,
  name: string,
  buckets: Buckets,
  shaped: ShapedFunction,
  arrays: (rows: readonly TokenRow[], shape: BatchShape) => Record<string, TypedArray>,
) {
  const lanes = lanesOf(context.lanes, buckets.rows);
  const cut: ShapedFunction = {
    ...shaped,
    compute(weights, given, whole) {
      const shape = ofLane(whole, lanes);
      const parts = inLanes(lanes, given, (inputs) => shaped.compute(weights, inputs, shape)['values']!);
      return {values: parts.length === 1 ? parts[0]! : raw.concat(parts, 0)};
    },
  };
  const bucketed = declareBuckets(context, name, buckets, cut, ({values}) => values!, {lanes});
  return <T>(
    rows: readonly TokenRow[],
    positions: (row: TokenRow) => number,
    take: (values: Float32Array, at: number, row: TokenRow, shape: BatchShape) => T,
  ): T[] => {
    const results = new Array<T>(rows.length);
    for (const batch of bucketed.cut(rows.map(positions))) {
      const {attached, ...fitted} = bucketed.at(batch.shape);
      const feeds = feedsOf(fitted, arrays(rowsOf(batch, rows), batch.shape));
      const values = context.run(labelOf(name, batch), feeds, [attached])[0]!.values as Float32Array;
      batch.indices.forEach((row, at) => {
        results[row] = take(values, at, rows[row]!, batch.shape);
      });
    }
    return results;
  };
}
