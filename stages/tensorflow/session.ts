/**
 * A graph that runs. The graph is handed to TensorFlow as a SavedModel in a folder that is removed again at once;
 * what stays is one session, whose variables every call shares.
 */
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {temporaryFolder} from '../temporary-folder.js';
import type {DataType, TypedArray} from './backend.js';
import {tensorflow} from './backend.js';
import type {Graph, Output} from './graph.js';
import {reference} from './graph.js';
import {savedModelBytes, TAG} from './graphdef.js';

/** A value handed to a placeholder. */
export interface Feed {
  readonly placeholder: Output;
  readonly values: TypedArray;
  /** The value is fed again and again and never changes: it is handed over once, and kept until the session closes. */
  readonly constant?: boolean;
}

export interface Fetched {
  readonly values: TypedArray;
  readonly shape: readonly number[];
}

export class Session {
  #id: number | undefined;
  /** Tensors of constant feeds. */
  readonly #kept = new Map<Feed, number>();

  private constructor(id: number) {
    this.#id = id;
  }

  static open(graph: Graph): Session {
    const folder = temporaryFolder('graph');
    try {
      writeFileSync(join(folder, 'saved_model.pb'), savedModelBytes(graph));
      return new Session(tensorflow().binding.loadSavedModel(folder, TAG));
    } finally {
      rmSync(folder, {recursive: true, force: true});
    }
  }

  /** Computes the outputs, and nothing that they do not need. Leaves no tensor behind. */
  run(feeds: readonly Feed[], outputs: readonly Output[]): Fetched[] {
    if (this.#id === undefined) throw new Error('Internal error: this session is closed');
    const {binding} = tensorflow();
    const ids = feeds.map((feed) => this.#kept.get(feed) ?? this.#handOver(feed));
    try {
      const names = feeds.map(({placeholder}) => reference(placeholder));
      const fetched = binding.runSavedModel(this.#id, ids, names.join(','), outputs.map(reference).join(','));
      return fetched.map(({id, shape}) => {
        const values = binding.tensorDataSync(id);
        binding.deleteTensor(id);
        return {values, shape};
      });
    } finally {
      feeds.forEach((feed, i) => {
        if (!this.#kept.has(feed)) binding.deleteTensor(ids[i]!);
      });
    }
  }

  #handOver(feed: Feed): number {
    const {placeholder, values, constant = false} = feed;
    const id = createTensor(placeholder.shape, placeholder.dtype, values);
    if (constant) this.#kept.set(feed, id);
    return id;
  }

  close(): void {
    const {binding} = tensorflow();
    for (const id of this.#kept.values()) binding.deleteTensor(id);
    this.#kept.clear();
    if (this.#id !== undefined) binding.deleteSavedModel(this.#id);
    this.#id = undefined;
  }
}

/**
 * A tensor with values of its own. The binding lends JavaScript's memory to TensorFlow when it happens to be aligned,
 * and gives it back from whichever thread drops the last reference; where a variable kept the value, that may be a
 * thread from which Node must not be called. Memory that is never aligned is always copied: a view that begins at the second
 * of two numbers, as large ones are made from the start.
 */
function createTensor(shape: readonly number[], dtype: DataType, values: TypedArray): number {
  if (values.byteOffset % 8 === 4) return tensorflow().binding.createTensor(shape, dtype, values);
  const Values = values.constructor as new (length: number) => TypedArray;
  const unaligned = new Values(values.length + 1).subarray(1);
  unaligned.set(values);
  return tensorflow().binding.createTensor(shape, dtype, unaligned);
}
