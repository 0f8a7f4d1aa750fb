/**
 * The room in which generation keeps keys and values: lines of places, one line a row and head, one place a token, written in
 * place step by step. All responses are equally long until they stop, so a step writes the same place of every line.
 *
 * The lines grow a few places at a time, because a step attends to all places that there are: with room for the longest
 * response from the start, most of the work of a short one would be done on empty places. When they grow depends on the
 * shape alone, never on what is generated.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {changedWhere} from '../tensorflow/control-flow.js';
import {raw} from '../tensorflow/ops.js';
import {MASKED} from './attention.js';

/** The keys and values of one layer. */
export interface Cache {
  readonly keys: Tf.Tensor;
  readonly values: Tf.Tensor;
}

/**
 * The part of the loop's state that the room is. `keys0`, `values0`, … of each layer, line after line, lines prompt-major:
 * (lines × places, d). `mask`, one line a prompt, of promptLength + places of responses: 0 where something is written, else
 * `MASKED`, (prompts × places, 1). `places`, (lines) int32, and `marks`, (prompts) int32: the place in keys and values, and in
 * the mask, that each line writes next.
 */
export type Lines = Readonly<Record<string, Tf.Tensor>>;

/** A step in the room. Once the keys and values of each layer are written, `next` is whole. */
export interface Step {
  readonly next: Lines;
  /** For the prompt and then the response of each prompt's samples: (prompts, 1, promptLength + places of responses) */
  readonly mask: Tf.Tensor;
  /** Puts a row into the next place of each line: (lines, d) → the lines, (lines, places, d) */
  write(name: string, rows: Tf.Tensor): Tf.Tensor;
}

export interface GenerationShape {
  readonly prompts: number;
  /** Samples of each prompt. */
  readonly group: number;
  /** Positions of a prompt, padding included. */
  readonly promptLength: number;
  /** Tokens of a response at most, of which the last is never read. */
  readonly maxNewTokens: number;
}

/** About how many places are added at a time: fewer leave less empty, but each time all that is written is copied. */
const PLACES_AT_A_TIME = 16;

export class Room {
  readonly #lines: number;
  readonly #headDim: number;
  /** Places that are added at a time. The last of them are used up by the longest response, or nearly. */
  readonly #step: number;
  readonly #names: readonly string[];
  /** What does not change from step to step. Made here, outside the loop, and so once. */
  readonly #fixed: Record<'empty' | 'masked' | 'seen' | 'before' | 'beforeMarks', Tf.Tensor>;

  /** @param first of each layer, what its lines begin with: (lines, places, d), the same number of places everywhere */
  constructor(
    private readonly shape: GenerationShape,
    private readonly first: readonly Cache[],
  ) {
    const {prompts, maxNewTokens} = shape;
    const read = Math.max(1, maxNewTokens - 1);
    const [lines, , headDim] = first[0]!.keys.shape as [number, number, number];
    this.#lines = lines;
    this.#headDim = headDim;
    this.#step = Math.ceil(read / Math.ceil(read / PLACES_AT_A_TIME));
    this.#names = first.flatMap((_, layer) => [`keys${layer}`, `values${layer}`]);
    const {tf} = tensorflow();
    this.#fixed = {
      empty: tf.zeros([lines, this.#step, headDim]),
      masked: tf.fill([prompts, this.#step], MASKED),
      seen: tf.zeros([prompts, 1]),
      before: starts(lines, this.#step),
      beforeMarks: starts(prompts, this.#step),
    };
  }

  /** For `whileLoop`: the axes along which the lines grow. */
  get growing(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#names, 'mask'].map((name) => [name, 0]));
  }

  /** Lines as they are before the first step. @param lengths real tokens of each prompt, (prompts) int32 */
  start(lengths: Tf.Tensor): Lines {
    const {tf} = tensorflow();
    const {prompts, promptLength} = this.shape;
    const flat = (x: Tf.Tensor): Tf.Tensor => raw.reshape(x, [x.shape[0] * x.shape[1]!, this.#headDim]);
    const isPadding = tf.greaterEqual(tf.range(0, promptLength, 1, 'int32'), tf.reshape(lengths, [prompts, 1]));
    const ends = (count: number, places: number): Tf.Tensor =>
      tf.add(starts(count, places), tf.scalar(places, 'int32'));
    return {
      ...Object.fromEntries(
        this.first.flatMap(({keys, values}, layer) => [
          [`keys${layer}`, flat(keys)],
          [`values${layer}`, flat(values)],
        ]),
      ),
      mask: tf.reshape(tf.mul(tf.cast(isPadding, 'float32'), MASKED), [prompts * promptLength, 1]),
      places: ends(this.#lines, this.first[0]!.keys.shape[1]!),
      marks: ends(prompts, promptLength),
    };
  }

  /**
   * A step: every line gets its next place written.
   * @param written steps that have written so far, scalar int32
   */
  step(before: Lines, written: Tf.Tensor): Step {
    const {tf} = tensorflow();
    const lines = this.#withPlaces(before, written);
    const one = tf.scalar(1, 'int32');
    const next: Record<string, Tf.Tensor> = {
      mask: raw.replaceRows(lines['mask']!, lines['marks']!, this.#fixed.seen),
      places: tf.add(lines['places']!, one),
      marks: tf.add(lines['marks']!, one),
    };
    return {
      next,
      mask: raw.reshape(next['mask']!, [this.shape.prompts, 1, -1]),
      write: (name, rows) => {
        next[name] = raw.replaceRows(lines[name]!, lines['places']!, rows);
        return raw.reshape(next[name], [this.#lines, -1, this.#headDim]);
      },
    };
  }

  /** The lines with an empty place for what the step writes. */
  #withPlaces(lines: Lines, written: Tf.Tensor): Lines {
    const {tf} = tensorflow();
    const full = tf.equal(tf.mod(written, tf.scalar(this.#step, 'int32')), tf.scalar(0, 'int32'));
    const {empty, masked, before, beforeMarks} = this.#fixed;
    return changedWhere(lines, this.growing, full, (lines) => ({
      ...Object.fromEntries(
        this.#names.map((name) => {
          const inLines = raw.reshape(lines[name]!, [this.#lines, -1, this.#headDim]);
          return [name, raw.reshape(raw.concat([inLines, empty], 1), [-1, this.#headDim])];
        }),
      ),
      mask: raw.reshape(raw.concat([raw.reshape(lines['mask']!, [this.shape.prompts, -1]), masked], 1), [-1, 1]),
      places: tf.add(lines['places']!, before),
      marks: tf.add(lines['marks']!, beforeMarks),
    }));
  }
}

/** The first place of each line where every line has so many: (lines) int32 */
const starts = (lines: number, places: number): Tf.Tensor =>
  tensorflow().tf.tensor1d(
    Int32Array.from({length: lines}, (_, line) => line * places),
    'int32',
  );
