/**
 * The one door to TensorFlow. Loading it fixes the thread counts of the process, so no other module may import the package; they
 * ask `tensorflow()` for what was loaded, and import types only.
 */
import {createRequire} from 'node:module';
import util from 'node:util';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {Messages} from './protobuf.js';

/** TensorFlow's numbers for element types (`tensorflow/core/framework/types.proto`). */
export const DataType = {float: 1, int32: 3, complex64: 8, int64: 9, bool: 10, bfloat16: 14} as const;
export type DataType = (typeof DataType)[keyof typeof DataType];

/** An attribute as the native binding takes it; `type` is one of its `TF_ATTR_…` numbers. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

export interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

export type TypedArray = Float32Array | Int32Array | Uint8Array;

/** The part of the package's native binding that is used here. */
export interface Binding {
  createTensor(shape: readonly number[], dtype: number, values: TypedArray): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): TypedArray;
  executeOp(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputs: readonly number[], inputNames: string, outputNames: string): TensorMetadata[];
  getNumOfTensors(): number;
  isUsingGpuDevice(): boolean;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_Version: string;
}

/** What the package keeps of a tensor: on the native side under `id`, or `values` not handed over yet. */
export interface TensorEntry {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values: TypedArray | null;
}

/** The part of the package's kernel backend that is used here. */
export interface Backend {
  binding: Binding;
  getInputTensorIds(tensors: readonly Tf.TensorInfo[]): number[];
  createOutputTensor(metadata: TensorMetadata): Tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly Tf.TensorInfo[],
    outputs: number,
  ): Tf.Tensor[];
  readonly tensorMap: {get(dataId: object): TensorEntry};
}

export interface TensorFlow {
  readonly tf: typeof Tf;
  readonly backend: Backend;
  readonly binding: Binding;
  readonly messages: Messages;
  readonly threads: number;
  /** Functions that are computed side by side, each on a share of the threads. */
  readonly lanes: number;
  /** Of the npm package; TensorFlow's own is `binding.TF_Version`. */
  readonly packageVersion: string;
}

let loaded: TensorFlow | undefined;

/**
 * Loads TensorFlow with this many threads, once for the life of the process; the first call decides about lanes. With
 * one thread, operators run one after the other; with more, both an operator and independent operators may spread over
 * them. With lanes, that many independent operators run side by side, and an operator spreads over the threads that are left.
 */
export async function loadTensorFlow(threads: number, lanes = 1): Promise<TensorFlow> {
  if (!Number.isInteger(threads) || threads < 1) throw new RangeError(`TensorFlow cannot run with ${threads} threads`);
  if (loaded !== undefined) {
    if (loaded.threads !== threads) {
      throw new Error(
        `Internal error: TensorFlow runs with ${loaded.threads} threads here and cannot change to ${threads}`,
      );
    }
    return loaded;
  }
  // The thread that runs an operator computes a part of it, so each lane has a thread beside those that operators spread over.
  process.env['TF_NUM_INTRAOP_THREADS'] = String(threads - lanes + 1);
  process.env['TF_NUM_INTEROP_THREADS'] = String(lanes === 1 ? threads : lanes);
  // Both decide the bytes of results, so they must not depend on the environment that the process is started in.
  process.env['TF_ENABLE_ONEDNN_OPTS'] = '1';
  process.env['TF_DETERMINISTIC_OPS'] = '1';
  // A GPU multiplies float32 with all its bits. TensorFlow's default there is TF32 with eleven, which changes log-probabilities.
  process.env['NVIDIA_TF32_OVERRIDE'] = '0';
  // Takes only as much of a GPU's memory as is needed, so that other processes, and a second stage of the recipe, find some.
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2'; // its notes on start-up say nothing that `r1 doctor` does not
  restoreRemovedUtilities();
  // Required, not imported: to import it, Node would first search megabytes of CommonJS for names, for 0.2 s. One small
  // module of it is imported all the same, so that tools that read the imports of this file see the package.
  const {
    default: {version},
  } = (await import('@tensorflow/tfjs-node-gpu/dist/version.js')) as {default: {version: string}};
  const require = createRequire(import.meta.url);
  const tf = require('@tensorflow/tfjs-node-gpu') as typeof Tf;
  tf.enableProdMode();
  const backend = tf.backend() as unknown as Backend;
  const messages = require('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js') as Messages;
  loaded = {tf, backend, binding: backend.binding, messages, threads, lanes, packageVersion: version};
  return loaded;
}

/** What was loaded. A function that computes may rely on it: opening an engine loads it. */
export function tensorflow(): TensorFlow {
  if (loaded === undefined) throw new Error('Internal error: TensorFlow is used before it is loaded');
  return loaded;
}

/** Node 23 removed two functions that the package still calls, and Node 22 warns about them at every start. */
function restoreRemovedUtilities(): void {
  const old = util as unknown as Record<string, (value: unknown) => boolean>;
  old['isNullOrUndefined'] = (value) => value === null || value === undefined;
  old['isArray'] = Array.isArray;
}
