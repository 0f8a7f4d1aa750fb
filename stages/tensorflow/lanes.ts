/**
 * How the threads of a process are used. An operator that is spread over threads has to wake them up and to wait for the
 * last of them, hundreds of times a step. So a batch is cut into lanes of equal rows instead, each of which is
 * computed from its inputs to its gradients without a word from the others; only the gradients are added up. On two cores
 * that takes a quarter off a training step of a small model, and a tenth off one of twenty million parameters.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from './backend.js';
import {runtimeClass} from './runtime.js';

/** More lanes would each have few rows, and every lane adds the nodes of the whole function to the graph. */
const MOST = 4;

/**
 * With fewer positions, adding up the gradients of all lanes, and keeping them, costs as much as lanes bring. Both that and
 * the work of a step grow with the model alike, so that its size does not matter.
 */
const FEW_POSITIONS = 512;

/** Rows of the largest batch of a program that trains. */
export interface TrainedBatch {
  readonly rows: number;
  readonly length: number;
  /** Rows that have to stay side by side. */
  readonly together: number;
}

/** Lanes of a process: as many as each of its batches can be cut into; one on a GPU, whose operators use all of it. */
export function lanesFor(threads: number, batches: readonly TrainedBatch[]): number {
  if (threads === 1 || runtimeClass(threads).device.startsWith('gpu')) return 1;
  if (batches.some(({rows, length}) => rows * length < FEW_POSITIONS)) return 1;
  const most = Math.min(threads, MOST);
  return Math.min(most, ...batches.map(({rows, together}) => lanesOf(most, rows, together)));
}

/** As many lanes as the rows of a batch can be cut into evenly, with those that belong together in one lane. */
export function lanesOf(lanes: number, rows: number, together = 1): number {
  let count = lanes;
  while (rows % (count * together) !== 0) count--;
  return count;
}

/**
 * Computes each lane of a batch.
 * @param inputs cut along `axes[name]`, the first where nothing is said
 */
export function inLanes<T>(
  lanes: number,
  inputs: Readonly<Record<string, Tf.Tensor>>,
  compute: (inputs: Record<string, Tf.Tensor>, lane: number) => T,
  axes: Readonly<Record<string, number>> = {},
): T[] {
  if (lanes === 1) return [compute({...inputs}, 0)];
  const {tf} = tensorflow();
  const parts = Object.entries(inputs).map(([name, input]) => [name, tf.split(input, lanes, axes[name] ?? 0)] as const);
  return Array.from({length: lanes}, (_, lane) =>
    compute(Object.fromEntries(parts.map(([name, each]) => [name, each[lane]!])), lane),
  );
}
