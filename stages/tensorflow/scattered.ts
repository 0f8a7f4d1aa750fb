/**
 * A sum that needs no second matrix. Where an embedding is the output matrix as well, its gradient is that of the output,
 * to which few rows are added; as a matrix of its own, mostly of zeros, the second part would be as large as the first:
 * 108 MiB for a vocabulary of 49,152 and a width of 576.
 */
import {DataType} from './backend.js';
import type {Graph, Output} from './graph.js';

/** What the operator UnsortedSegmentSum was given: rows (N, …), and the segment that each goes to, (N) int32. */
export interface SegmentSum {
  readonly rows: Output;
  readonly ids: Output;
}

/** matrix + segment sum of `rows`, written into the memory of `matrix` where nobody else needs it. (V, …) → (V, …) */
export function scattered(graph: Graph, matrix: Output, {rows, ids}: SegmentSum): Output {
  const count = rows.shape[0]!;
  const type = (value: DataType) => ({kind: 'type', value}) as const;
  const shape = graph.constant({dtype: DataType.int32, shape: [2], values: Int32Array.of(count, 1)});
  const places = graph.addOne({
    op: 'Reshape',
    inputs: [ids, shape],
    attributes: {T: type(DataType.int32), Tshape: type(DataType.int32)},
    outputs: [{dtype: DataType.int32, shape: [count, 1]}],
  });
  return graph.addOne({
    op: 'TensorScatterAdd',
    inputs: [matrix, places, rows],
    attributes: {T: type(DataType.float), Tindices: type(DataType.int32)},
    outputs: [{dtype: matrix.dtype, shape: matrix.shape}],
  });
}
