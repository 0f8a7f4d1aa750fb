/**
 * How the rows of a call become micro-batches of fixed shapes: like lengths together, each in the smallest bucket that
 * holds its longest row. Depends on the rows alone, so equal calls compute equal bytes.
 */

export interface MicroBatch {
  /** Which rows of the call, in the order in which they lie in the batch. */
  readonly indices: readonly number[];
  /** The bucket: positions of each row. */
  readonly length: number;
}

/** @param lengths bucket lengths, ascending @param perBatch rows of the call that go into one micro-batch */
export function microBatches(positions: readonly number[], perBatch: number, lengths: readonly number[]): MicroBatch[] {
  const order = positions.map((_, index) => index).sort((a, b) => positions[b]! - positions[a]! || a - b);
  const batches: MicroBatch[] = [];
  // From the longest down, so that a batch that is not full is one of short rows.
  for (let at = 0; at < order.length; at += perBatch) {
    const indices = order.slice(at, at + perBatch);
    const longest = positions[indices[0]!]!;
    const length = lengths.find((bucket) => bucket >= longest);
    if (length === undefined) {
      throw new Error(
        `Internal error: a row takes ${longest} positions, the longest bucket has ${lengths.at(-1) ?? 0}`,
      );
    }
    batches.push({indices, length});
  }
  return batches;
}

/** The buckets of a program, checked. */
export function checkedLengths(name: string, lengths: readonly number[]): readonly number[] {
  const sound =
    lengths.length > 0 && lengths.every((length, i) => Number.isInteger(length) && length > (lengths[i - 1] ?? 0));
  if (!sound) throw new Error(`Internal error: ${name} needs ascending bucket lengths, not [${lengths.join(', ')}]`);
  return lengths;
}
