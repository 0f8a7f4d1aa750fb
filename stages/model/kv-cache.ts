/**
 * The KV cache of generation: a row for each sample and head, a slot in it for each token, written in place step by step. All
 * responses are equally long until they stop, so a step writes the same slot of every row.
 *
 * The rows grow by a few slots at a time, because a step attends to every slot there is: with slots for the longest response from
 * the start, most of the work of a short one would be done on empty slots. When they grow depends on the shape alone, never
 * on what is generated.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {changeWhere} from '../tensorflow/control-flow.js';
import {raw} from '../tensorflow/ops.js';
import {MASKED} from './attention.js';

/** The keys and values of one layer. */
export interface LayerCache {
  /** Rotated to their positions. (rows, slots, d), as `values`. */
  readonly keys: Tf.Tensor;
  readonly values: Tf.Tensor;
}

/**
 * The cache as a part of the loop's state. `keys0`, `values0`, … of each layer, row after row, rows prompt-major:
 * (rows × slots, d). `mask`, one row a prompt, of promptLength + slots of responses: 0 where something is written, else `MASKED`,
 * (prompts × slots, 1). `nextSlots`, (rows) int32, and `nextMaskSlots`, (prompts) int32: the slot that each row of the keys
 * and values, and of the mask, writes next, counted from the first slot of the first row.
 */
export type CacheState = Readonly<Record<string, Tf.Tensor>>;

/** A step with the cache. Once the keys and values of each layer are written, `next` is complete. */
export interface CacheStep {
  /** The state for the next step. */
  readonly next: CacheState;
  /** For the prompt and then the response of each prompt's samples: (prompts, 1, promptLength + slots of responses) */
  readonly mask: Tf.Tensor;
  /** Writes the next slot of each row and returns the rows: (rows, d) → (rows, slots, d) */
  write(name: string, newest: Tf.Tensor): Tf.Tensor;
}

/** What one call of generation computes: a group of samples for each of some prompts. */
export interface GenerationShape {
  readonly prompts: number;
  /** Samples of each prompt. */
  readonly group: number;
  /** Positions of a prompt, padding included. */
  readonly promptLength: number;
  /** The most tokens of a response; the last of them is never read. */
  readonly maxNewTokens: number;
}

/** About how many slots are added at a time: fewer leave less empty, but each time all that is written is copied. */
const SLOTS_AT_A_TIME = 16;

/** Slots that are added at a time for responses of at most so many tokens. The longest uses up the last of them, or nearly. */
function slotsAdded(maxNewTokens: number): number {
  const read = Math.max(1, maxNewTokens - 1);
  return Math.ceil(read / Math.ceil(read / SLOTS_AT_A_TIME));
}

/** Slots of each row once the longest response of a chunk has so many tokens. */
export function slotsAfter(tokens: number, maxNewTokens: number): number {
  const added = slotsAdded(maxNewTokens);
  return added * Math.ceil(Math.max(1, Math.min(tokens, maxNewTokens) - 1) / added);
}

/** The KV cache of one call of generation. */
export class KvCache {
  readonly #rows: number;
  readonly #headDim: number;
  readonly #added: number;
  readonly #names: readonly string[];
  /** What does not change from step to step. Made here, outside the loop, and so once. */
  readonly #fixed: Record<'empty' | 'masked' | 'unmasked' | 'rowShift' | 'maskShift', Tf.Tensor>;

  /** @param prefill of each layer, what its rows begin with: (rows, slots, d), the same number of slots everywhere */
  constructor(
    private readonly shape: GenerationShape,
    private readonly prefill: readonly LayerCache[],
  ) {
    const {prompts, maxNewTokens} = shape;
    const [rows, , headDim] = prefill[0]!.keys.shape as [number, number, number];
    this.#rows = rows;
    this.#headDim = headDim;
    this.#added = slotsAdded(maxNewTokens);
    this.#names = prefill.flatMap((_, layer) => [`keys${layer}`, `values${layer}`]);
    const {tf} = tensorflow();
    this.#fixed = {
      empty: tf.zeros([rows, this.#added, headDim]),
      masked: tf.fill([prompts, this.#added], MASKED),
      unmasked: tf.zeros([prompts, 1]),
      rowShift: firstSlots(rows, this.#added),
      maskShift: firstSlots(prompts, this.#added),
    };
  }

  /** For `whileLoop`: the axes along which the state grows. */
  get growing(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#names, 'mask'].map((name) => [name, 0]));
  }

  /** The cache before the first step. @param lengths real tokens of each prompt, (prompts) int32 */
  start(lengths: Tf.Tensor): CacheState {
    const {tf} = tensorflow();
    const {prompts, promptLength} = this.shape;
    const flat = (x: Tf.Tensor): Tf.Tensor => raw.reshape(x, [x.shape[0] * x.shape[1]!, this.#headDim]);
    const isPadding = tf.greaterEqual(tf.range(0, promptLength, 1, 'int32'), tf.reshape(lengths, [prompts, 1]));
    const ends = (count: number, slots: number): Tf.Tensor =>
      tf.add(firstSlots(count, slots), tf.scalar(slots, 'int32'));
    return {
      ...Object.fromEntries(
        this.prefill.flatMap(({keys, values}, layer) => [
          [`keys${layer}`, flat(keys)],
          [`values${layer}`, flat(values)],
        ]),
      ),
      mask: tf.reshape(tf.mul(tf.cast(isPadding, 'float32'), MASKED), [prompts * promptLength, 1]),
      nextSlots: ends(this.#rows, this.prefill[0]!.keys.shape[1]!),
      nextMaskSlots: ends(prompts, promptLength),
    };
  }

  /**
   * A step, which writes the next slot of every row.
   * @param written steps that have written so far, scalar int32
   */
  step(before: CacheState, written: Tf.Tensor): CacheStep {
    const {tf} = tensorflow();
    const state = this.#withFreeSlots(before, written);
    const one = tf.scalar(1, 'int32');
    const next: Record<string, Tf.Tensor> = {
      mask: raw.replaceRows(state['mask']!, state['nextMaskSlots']!, this.#fixed.unmasked),
      nextSlots: tf.add(state['nextSlots']!, one),
      nextMaskSlots: tf.add(state['nextMaskSlots']!, one),
    };
    return {
      next,
      mask: raw.reshape(next['mask']!, [this.shape.prompts, 1, -1]),
      write: (name, newest) => {
        next[name] = raw.replaceRows(state[name]!, state['nextSlots']!, newest);
        return raw.reshape(next[name], [this.#rows, -1, this.#headDim]);
      },
    };
  }

  /** The cache with an empty slot in each row for what the step writes. */
  #withFreeSlots(state: CacheState, written: Tf.Tensor): CacheState {
    const {tf} = tensorflow();
    const full = tf.equal(tf.mod(written, tf.scalar(this.#added, 'int32')), tf.scalar(0, 'int32'));
    const {empty, masked, rowShift, maskShift} = this.#fixed;
    return changeWhere(state, this.growing, full, (state) => ({
      ...Object.fromEntries(
        this.#names.map((name) => {
          const byRow = raw.reshape(state[name]!, [this.#rows, -1, this.#headDim]);
          return [name, raw.reshape(raw.concat([byRow, empty], 1), [-1, this.#headDim])];
        }),
      ),
      mask: raw.reshape(raw.concat([raw.reshape(state['mask']!, [this.shape.prompts, -1]), masked], 1), [-1, 1]),
      nextSlots: tf.add(state['nextSlots']!, rowShift),
      nextMaskSlots: tf.add(state['nextMaskSlots']!, maskShift),
    }));
  }
}

/** The first slot of each row where every row has this many: (rows) int32 */
const firstSlots = (rows: number, slots: number): Tf.Tensor =>
  tensorflow().tf.tensor1d(
    Int32Array.from({length: rows}, (_, row) => row * slots),
    'int32',
  );
