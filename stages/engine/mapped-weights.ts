/**
 * Weights that lie once in the memory of the machine, whoever computes with them: in a file that TensorFlow maps. One process
 * writes it, others read it without a copy of their own.
 *
 * The file is removed as soon as it is open and is reached through its writer's descriptor, so nothing is left of it when that
 * process ends, however it ends.
 */
import {closeSync, existsSync, ftruncateSync, openSync, rmSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {temporaryFolder} from '../temporary-folder.js';
import {DataType} from '../tensorflow/backend.js';
import type {Attribute, Graph, Output} from '../tensorflow/graph.js';
import type {Feed} from '../tensorflow/session.js';
import type {ModelConfig} from '../model/config.js';
import {pack, packedLayout} from '../model/packing.js';
import type {Packed} from '../model/packing.js';
import type {Weights} from '../model/parameters.js';
import {size} from '../model/parameters.js';
import {runtimeClass} from '../tensorflow/runtime-class.js';
import {workersFor} from './lanes.js';
import type {Variable} from './variables.js';

/** Where the packed tensors of a model lie, in the order of `packedLayout`. */
export interface MappedWeights {
  readonly path: string;
}

/** The writer's side. */
export interface WeightFile extends MappedWeights {
  /** Writes packed tensors, from the one of this index on. Nobody may be computing with them meanwhile. */
  write(first: number, tensors: readonly Float32Array[]): void;
  /** Writes all of them. @throws {Error} where one is missing or has another size */
  writeAll(weights: Weights): void;
  close(): void;
}

/** Whether files can be reached through the descriptors of another process. */
export const canShareWeights = (): boolean => existsSync('/proc/self/fd');

/** Makes the file of a model; nothing is in it yet. */
export function openWeightFile(config: ModelConfig): WeightFile {
  const layout = packedLayout(config);
  const {starts, total} = placesOf(layout);
  const folder = temporaryFolder('weights');
  let file: number | undefined;
  try {
    file = openSync(join(folder, 'weights'), 'w+');
    ftruncateSync(file, 4 * total);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
  const descriptor = file;
  const write = (first: number, tensors: readonly Float32Array[]): void => {
    for (const [i, {buffer, byteOffset, byteLength}] of tensors.entries()) {
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      const start = 4 * starts[first + i]!;
      for (let done = 0; done < byteLength;) {
        done += writeSync(descriptor, bytes, done, Math.min(byteLength - done, MOST_BYTES), start + done);
      }
    }
  };
  return {
    path: `/proc/${process.pid}/fd/${descriptor}`,
    write,
    writeAll: (weights) => {
      for (const [at, packed] of layout.entries()) write(at, [pack(packed, weights, config)]);
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

/** One call of the system writes less than 2 GiB. */
const MOST_BYTES = 2 ** 30;

/** Tensors begin at a multiple of 64 bytes, so that TensorFlow takes a part of what is mapped without copying it. */
const ALIGNED = 16;

/** TensorFlow computes with smaller constants, mapped or not, once and for all; twice as much as its limit of 10 MiB. */
const LEAST = 5 * 2 ** 20;

/** Where each tensor begins, and how long the file is, in numbers. */
function placesOf(layout: readonly Packed[]): {readonly starts: readonly number[]; readonly total: number} {
  let end = 0;
  const starts = layout.map(({shape}) => {
    const start = end;
    end += Math.ceil(size(shape) / ALIGNED) * ALIGNED;
    return start;
  });
  return {starts, total: Math.max(end, LEAST)};
}

/** What is mapped, as a slot's variables are to a program; nothing can be assigned to them. */
export interface MappedVariables {
  readonly variables: readonly Omit<Variable, 'handle'>[];
  /** To be fed with every call. */
  readonly feed: Feed;
}

/**
 * Adds the nodes that map the file, anew in every call.
 *
 * TensorFlow takes what is mapped for a constant, and what is computed from it for another. So it goes through a switch whose
 * position is fed: it is always the same one, but nobody can know.
 */
export function declareMapped(graph: Graph, layout: readonly Packed[], {path}: MappedWeights): MappedVariables {
  const {starts, total} = placesOf(layout);
  const type = (value: number): Attribute => ({kind: 'type', value});
  const T = type(DataType.float);
  const int = type(DataType.int32);
  const ints = (values: readonly number[]): Output =>
    graph.constant({dtype: DataType.int32, shape: [values.length], values: Int32Array.from(values)});
  const whole: Pick<Output, 'dtype' | 'shape'> = {dtype: DataType.float, shape: [total]};
  const open = graph.placeholder('mapped', DataType.bool, []);
  const mapped = graph.addOne({
    op: 'ImmutableConst',
    inputs: [],
    attributes: {
      dtype: T,
      shape: {kind: 'shape', value: whole.shape},
      memory_region_name: {kind: 'string', value: path},
    },
    outputs: [whole],
  });
  const [, all] = graph.add({op: 'Switch', inputs: [mapped, open], attributes: {T}, outputs: [whole, whole]});
  const variables = layout.map(({name, shape}, at) => {
    const length = size(shape);
    const part = graph.addOne({
      op: 'Slice',
      inputs: [all!, ints([starts[at]!]), ints([length])],
      attributes: {T, Index: int},
      outputs: [{dtype: DataType.float, shape: [length]}],
    });
    const read = graph.addOne({
      op: 'Reshape',
      name: `mapped/${name}`,
      inputs: [part, ints(shape)],
      attributes: {T, Tshape: int},
      outputs: [{dtype: DataType.float, shape}],
    });
    return {name, shape, read};
  });
  return {variables, feed: {placeholder: open, values: Uint8Array.of(1)}};
}

/** From so many bytes on weights are mapped; smaller ones are quicker in huge pages of each process's own. */
export const WORTH_SHARING = 2 ** 28;

/**
 * How many workers draw the samples of a model that is not trained meanwhile. A large one has a worker also where there is one core
 * and one thread: a native call takes many seconds there, and this process would hear nothing until it is over.
 */
export const samplersFor = (
  config: ModelConfig,
  machine: {readonly threads: number; readonly cores: number},
): number => {
  const isSlow = packedBytes(config) >= WORTH_SHARING && !runtimeClass(machine.threads).device.startsWith('gpu');
  return Math.max(workersFor(machine), isSlow ? 1 : 0);
};

export const packedBytes = (config: ModelConfig): number =>
  packedLayout(config).reduce((sum, {shape}) => sum + 4 * size(shape), 0);
