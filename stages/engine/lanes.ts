/**
 * How the threads of a process are used. An operator that is spread over threads has to wake them up and to wait for the
 * last of them, hundreds of times a step. So a batch is cut into lanes of equal rows instead, and each lane is computed
 * from its inputs to its gradients independently; only the gradients are added up. On two cores that takes a quarter off a
 * training step of a small model, and a tenth off one of twenty million parameters; more than two threads were not
 * measured. Training cuts large batches into more lanes than there are threads, for the sake of the cache.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import type {BatchShape} from './objective.js';
import {runtimeClass} from '../tensorflow/runtime-class.js';

/** How many rollout workers share the chunks of a node with so many cores; 0 where this process, computing on its one thread, has the only core. */
export function workersFor({threads, cores}: {readonly threads: number; readonly cores: number}): number {
  const most = Math.max(1, Math.floor(cores));
  if (most === 1 && threads === 1) return 0;
  // Processes would share the one device, and each takes all the memory of it that is free.
  return runtimeClass(threads).device.startsWith('gpu') ? 0 : most;
}

/** Every lane adds the nodes of the whole function to the graph, which take time to compile. */
const MAX_LANES = 4;
const MAX_TRAINING_LANES = 8;

/**
 * The fewest positions of a lane, where the model is not wider still. Each lane has gradients of its own for a while, which take
 * memory and have to be added up; beside what the lane keeps and computes for this many positions, that is little.
 */
const MIN_POSITIONS = 256;

/** What a layer computes for this many positions about fits a core's own cache. */
const CACHED_POSITIONS = 1024;

/** The largest batch of a program. */
export interface LargestBatch {
  readonly rows: number;
  /** Rows that must stay in one lane, side by side; 1 if left out. */
  readonly together?: number;
  /** Positions of all rows, where gradients are computed. */
  readonly trained?: number;
}

/**
 * Lanes of a process: as many as each of its batches can be cut into; one on a GPU, whose operators use all of it.
 * @param width of the model, its `hiddenSize`
 */
export function lanesFor(threads: number, width: number, batches: readonly LargestBatch[]): number {
  if (threads === 1 || runtimeClass(threads).device.startsWith('gpu')) return 1;
  let lanes = Math.min(threads, MAX_LANES);
  const serves = ({rows, together, trained = Infinity}: LargestBatch): boolean =>
    lanesOf(lanes, rows, together) === lanes && trained >= lanes * Math.max(MIN_POSITIONS, width);
  while (lanes > 1 && !batches.every(serves)) lanes--;
  return lanes;
}

/** The most lanes, up to `lanes`, into which the rows of a batch can be cut evenly, with `together` rows staying in one. */
export function lanesOf(lanes: number, rows: number, together = 1): number {
  let count = lanes;
  while (count > 1 && rows % (count * together) !== 0) count--;
  return count;
}

/**
 * Lanes of a batch that is trained on: each lane of the process cut in two for as long as both halves have enough
 * positions. On two threads that takes a sixth off a step of 8,448 positions of a model 64 wide, and 3 % off one 512 wide
 * with 4,096: with all positions in one lane, those that one operator has written are out of the cache when the next one
 * reads them.
 *
 * @param lanes of the process @param width of the model, its `hiddenSize`
 */
export function lanesOfTraining(lanes: number, {rows, together = 1, trained = 0}: LargestBatch, width: number): number {
  let count = lanesOf(lanes, rows, together);
  if (count === 1) return 1;
  const least = Math.max(CACHED_POSITIONS, 2 * width);
  while (2 * count <= MAX_TRAINING_LANES && rows % (2 * count * together) === 0 && trained >= 2 * count * least) {
    count *= 2;
  }
  return count;
}

/** The shape of one lane of a batch. */
export const ofLane = ({rows, most, ...shape}: BatchShape, lanes: number): BatchShape => ({
  ...shape,
  rows: rows / lanes,
  ...(most !== undefined && {most: Math.ceil(most / lanes)}),
});

/**
 * Computes each lane of a batch.
 *
 * @param inputs cut into `lanes` equal parts along `axes[name]`, the first axis unless given
 * @returns what `compute` returned, lane by lane
 */
export function inLanes<T>(
  lanes: number,
  inputs: Readonly<Record<string, Tf.Tensor>>,
  compute: (inputs: Record<string, Tf.Tensor>) => T,
  axes: Readonly<Record<string, number>> = {},
): T[] {
  if (lanes === 1) return [compute({...inputs})];
  const {tf} = tensorflow();
  const parts = Object.entries(inputs).map(([name, input]) => [name, tf.split(input, lanes, axes[name] ?? 0)] as const);
  return Array.from({length: lanes}, (_, lane) =>
    compute(Object.fromEntries(parts.map(([name, each]) => [name, each[lane]!]))),
  );
}
