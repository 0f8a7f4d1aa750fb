/**
 * The room in which generation keeps keys and values, one place a token. Each row and head has a line of places: the
 * prompt's, copied for each member of its group, and behind the prompt's last token those of the response, written in
 * place step by step. What is not written yet is masked, as is a prompt's padding, until the response overwrites it.
 *
 * The room grows a few places at a time, because a step attends to all places that there are: with room for the longest
 * response from the start, most of the work of a short one would be done on empty places. When it grows depends on the
 * shape alone, never on what is generated.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {changedWhere} from '../tensorflow/loop.js';
import {callOne, raw} from '../tensorflow/ops.js';
import {MASKED} from './attention.js';
import type {ModelConfig} from './config.js';

/** The keys and values of one layer. */
export interface Cache {
  readonly keys: Tf.Tensor;
  readonly values: Tf.Tensor;
}

/**
 * The part of the loop's state that grows, every tensor for all rows and heads, line after line: `keys0`, `values0`, … of
 * each layer, (rows × kv × room, d), and `mask`, (rows × kv × room): 0 where something is written, else `MASKED`. And
 * `places`, (rows × kv) int32: the place in them that each line writes next.
 */
export type Lines = Readonly<Record<string, Tf.Tensor>>;

/** One token of each row. */
export interface Newest {
  /** (rows × kv, heads / kv, d) */
  readonly queries: Tf.Tensor;
  /** (rows × kv, d) */
  readonly keys: Tf.Tensor;
  readonly values: Tf.Tensor;
}

/** A step in the room. Each layer attends once; only then is `next` whole. */
export interface Step {
  readonly next: Lines;
  /** Writes the newest keys and values, and finds what each row's heads look for: (rows, heads × d). */
  attend(layer: number, newest: Newest): Tf.Tensor;
}

/** About how many places are added at a time: fewer leave less empty, but each time all that is written is copied. */
const PLACES_AT_A_TIME = 16;

export class Room {
  /** Lines of places: rows × heads. */
  readonly #lines: number;
  /** Places that are added at a time. The last of them are used up by the longest response, or nearly. */
  readonly #step: number;
  readonly #names: readonly string[];
  /** What the lines grow by. Made here, outside the loop, and so once for all steps. */
  readonly #added: Record<'empty' | 'masked' | 'before' | 'seen', Tf.Tensor>;

  /** @param maxNewTokens tokens of a response, of which the last is never read */
  constructor(
    private readonly config: ModelConfig,
    rows: number,
    private readonly promptLength: number,
    maxNewTokens: number,
  ) {
    const read = Math.max(1, maxNewTokens - 1);
    this.#lines = rows * config.keyValueHeads;
    this.#step = Math.ceil(read / Math.ceil(read / PLACES_AT_A_TIME));
    this.#names = Array.from({length: config.layers}, (_, layer) => [`keys${layer}`, `values${layer}`]).flat();
    const {tf} = tensorflow();
    this.#added = {
      empty: tf.zeros([this.#lines, this.#step, config.headDim]),
      masked: tf.fill([this.#lines, this.#step], MASKED),
      before: this.#multiples(this.#step), // places that come in before each line
      seen: tf.zeros([this.#lines]),
    };
  }

  /** For `whileLoop`: the axes along which the lines grow. */
  get growing(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#names, 'mask'].map((name) => [name, 0]));
  }

  /**
   * Lines with room for the prompts alone.
   * @param caches of each layer, (prompts, kv, promptLength, d) @param lengths of each row's prompt, (rows) int32
   * @param ofRow the prompt of each row, (rows) int32
   */
  start(caches: readonly Cache[], lengths: Tf.Tensor, ofRow: Tf.Tensor): Lines {
    const {tf} = tensorflow();
    const {keyValueHeads: kv, headDim} = this.config;
    const [lines, length] = [this.#lines, this.promptLength];
    const forRows = (cache: Tf.Tensor): Tf.Tensor => raw.reshape(raw.gather(cache, ofRow), [lines * length, headDim]);
    const lengthOfLine = tf.reshape(tf.tile(tf.reshape(lengths, [-1, 1]), [1, kv]), [lines, 1]);
    const behind = tf.greaterEqual(tf.range(0, length, 1, 'int32'), lengthOfLine); // (lines, length)
    return {
      ...Object.fromEntries(
        caches.flatMap(({keys, values}, layer) => [
          [`keys${layer}`, forRows(keys)],
          [`values${layer}`, forRows(values)],
        ]),
      ),
      mask: raw.reshape(tf.mul(tf.cast(behind, 'float32'), MASKED), [lines * length]),
      places: tf.add(this.#multiples(length), tf.reshape(lengthOfLine, [lines])),
    };
  }

  /**
   * A step: every line gets its next place written and is attended to.
   * @param written steps that have written so far, scalar int32
   */
  step(before: Lines, written: Tf.Tensor): Step {
    const {tf} = tensorflow();
    const {keyValueHeads: kv, headDim, heads} = this.config;
    const lines = this.#withPlaces(before, written);
    const places = lines['places']!;
    const next: Record<string, Tf.Tensor> = {
      mask: raw.replaceRows(lines['mask']!, places, this.#added.seen),
      places: tf.add(places, tf.scalar(1, 'int32')),
    };
    const inLines = (x: Tf.Tensor, ...width: number[]): Tf.Tensor => raw.reshape(x, [this.#lines, -1, ...width]);
    const mask = raw.reshape(next['mask']!, [this.#lines, 1, -1]);
    return {
      next,
      attend: (layer, {queries, keys, values}) => {
        const written = (name: string, newest: Tf.Tensor): Tf.Tensor =>
          inLines((next[name] = raw.replaceRows(lines[name]!, places, newest)), headDim);
        const scores = raw.multiplySmall(queries, written(`keys${layer}`, keys), {b: true});
        const weights = callOne('Softmax', [raw.add(scores, mask)]); // (lines, heads / kv, room)
        const context = raw.multiplySmall(weights, written(`values${layer}`, values));
        return raw.reshape(context, [this.#lines / kv, heads * headDim]);
      },
    };
  }

  /** The lines with an empty place for what the step writes. */
  #withPlaces(lines: Lines, written: Tf.Tensor): Lines {
    const {tf} = tensorflow();
    const full = tf.equal(tf.mod(written, tf.scalar(this.#step, 'int32')), tf.scalar(0, 'int32'));
    const {empty, masked, before} = this.#added;
    return changedWhere(lines, this.growing, full, (lines) => {
      const longer = (flat: Tf.Tensor, added: Tf.Tensor): Tf.Tensor => {
        const width = flat.shape.slice(1);
        const inLines = raw.reshape(flat, [this.#lines, -1, ...width]);
        return raw.reshape(raw.concat([inLines, added], 1), [-1, ...width]);
      };
      return {
        ...Object.fromEntries(this.#names.map((name) => [name, longer(lines[name]!, empty)])),
        mask: longer(lines['mask']!, masked),
        places: tf.add(lines['places']!, before),
      };
    });
  }

  /** `of` times the number of each line: (lines) int32 */
  #multiples(of: number): Tf.Tensor {
    return tensorflow().tf.tensor1d(
      Int32Array.from({length: this.#lines}, (_, line) => line * of),
      'int32',
    );
  }
}
