/**
 * A sum that needs no second matrix. Where an embedding is the output matrix as well, its gradient is that of the output,
 * to which few rows are added; as a matrix of its own, mostly of zeros, the second part would be as large as the first:
 * 108 MiB for a vocabulary of 49,152 and a width of 576.
 */
import {DataType} from './backend.js';
import type {Graph, GraphNode, Output} from './graph.js';
import {withOwnMemory} from './graph.js';
import {runtimeClass} from './runtime-class.js';

/** What the operator UnsortedSegmentSum was given: rows (N, …), and the segment that each goes to, (N) int32. */
export interface SegmentSum {
  readonly rows: Output;
  readonly ids: Output;
}

/** matrix + segment sum of `rows`. (V, …) → (V, …) */
export function scatterAdd(graph: Graph, matrix: Output, {rows, ids}: SegmentSum): Output {
  const count = rows.shape[0]!;
  const type = (value: DataType) => ({kind: 'type', value}) as const;
  const shape = graph.constant({dtype: DataType.int32, shape: [2], values: Int32Array.of(count, 1)});
  const indices = graph.addOne({
    op: 'Reshape',
    inputs: [ids, shape],
    attributes: {T: type(DataType.int32), Tshape: type(DataType.int32)},
    outputs: [{dtype: DataType.int32, shape: [count, 1]}],
  });
  return graph.addOne({
    op: 'TensorScatterAdd',
    inputs: [matrix, indices, rows],
    attributes: {T: type(DataType.float), Tindices: type(DataType.int32)},
    outputs: [{dtype: matrix.dtype, shape: matrix.shape}],
  });
}

/** Operators whose results have memory of their own, and those that have it if what they add up has. */
const FRESH = new Set(['MatMul', 'BatchMatMulV2', 'Cast']);
const SUMS = new Set(['Add', 'AddV2']);

/**
 * The nodes of a function, with these sums written into the matrix in place where it is a product, or a sum of products, that nothing
 * else uses: TensorScatterAdd would copy it first. Not on a GPU, whose threads could add two rows of one token at once, and lose one of them.
 *
 * @param nodes all of the function @param outputs all that it returns
 */
export function addInPlace(nodes: readonly GraphNode[], outputs: readonly Output[]): readonly GraphNode[] {
  if (runtimeClass(1).device.startsWith('gpu')) return nodes;
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const used = new Map<string, number>();
  const uses = [...outputs.map(({node}) => node), ...nodes.flatMap(({inputs}) => inputs.map(nodeOf))];
  for (const name of uses) used.set(name, (used.get(name) ?? 0) + 1);
  // TensorFlow passes on a variable to which zeros are added as it is; a product it always makes.
  const isFresh = (input: string): boolean => {
    const maker = byName.get(nodeOf(input));
    return maker !== undefined && (FRESH.has(maker.op) || (SUMS.has(maker.op) && maker.inputs.every(isFresh)));
  };
  const written = new Set<string>();
  const sums = nodes.map((node) => {
    const [matrix, indices, rows] = node.inputs as [string, string, string];
    if (node.op !== 'TensorScatterAdd' || used.get(nodeOf(matrix)) !== 1 || !isFresh(matrix)) return node;
    written.add(nodeOf(matrix));
    const [ids] = byName.get(nodeOf(indices))!.inputs as [string];
    return {...node, op: 'InplaceAdd', inputs: [matrix, ids, rows], attributes: {T: node.attributes['T']!}};
  });
  return sums.map((node) => (written.has(node.name) ? withOwnMemory(node) : node));
}

/** The node of `name:index` or `^name`. */
const nodeOf = (input: string): string => input.replace(/^\^|:\d+$/g, '');
