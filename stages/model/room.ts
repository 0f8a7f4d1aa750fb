/**
 * The room in which generation keeps keys and values. A prompt's are there once, and the whole group attends to them
 * together; the responses' lie in lines of places, one line a row and head, one place a token, written in place step by
 * step. All responses are equally long until they stop, so place n holds the nth token of each.
 *
 * The lines grow a few places at a time, because a step attends to all places that there are: with room for the longest
 * response from the start, most of the work of a short one would be done on empty places. When they grow depends on the
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
 * The part of the loop's state that the room is. `keys0`, `values0`, … of each layer, line after line, lines prompt-major,
 * then by head, then by member of the group: (prompts × kv × group × places, d). `mask`, (promptLength + places, prompts):
 * 0 where something is written, else `MASKED`. `places`, (prompts × kv × group) int32: the place in
 * `keys` and `values` that each line writes next.
 */
export type Lines = Readonly<Record<string, Tf.Tensor>>;

/** One token of each row. */
export interface Newest {
  /** (prompts, heads, group, d) */
  readonly queries: Tf.Tensor;
  /** (prompts, kv, group, d) */
  readonly keys: Tf.Tensor;
  readonly values: Tf.Tensor;
}

/** A step in the room. Each layer attends once; only then is `next` whole. */
export interface Step {
  readonly next: Lines;
  /** Writes the newest keys and values, and finds what each row's heads look for: (prompts, heads, group, d). */
  attend(layer: number, newest: Newest): Tf.Tensor;
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
  /** Places that are added at a time. The last of them are used up by the longest response, or nearly. */
  readonly #step: number;
  readonly #names: readonly string[];
  /** What does not change from step to step. Made here, outside the loop, and so once. */
  readonly #fixed: Record<'empty' | 'masked' | 'seen' | 'before', Tf.Tensor>;

  /** @param prompt of each layer, keys and values of the prompts: (prompts × kv, promptLength, d) */
  constructor(
    private readonly config: ModelConfig,
    private readonly shape: GenerationShape,
    private readonly prompt: readonly Cache[],
  ) {
    const {prompts, group, maxNewTokens} = shape;
    const read = Math.max(1, maxNewTokens - 1);
    this.#lines = prompts * group * config.keyValueHeads;
    this.#step = Math.ceil(read / Math.ceil(read / PLACES_AT_A_TIME));
    this.#names = prompt.flatMap((_, layer) => [`keys${layer}`, `values${layer}`]);
    const {tf} = tensorflow();
    this.#fixed = {
      empty: tf.zeros([this.#lines, this.#step, config.headDim]),
      masked: tf.fill([this.#step, prompts], MASKED),
      seen: tf.zeros([1, prompts]),
      // Places that come in before each line.
      before: tf.tensor1d(
        Int32Array.from({length: this.#lines}, (_, line) => line * this.#step),
        'int32',
      ),
    };
  }

  /** For `whileLoop`: the axes along which the lines grow. */
  get growing(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#names, 'mask'].map((name) => [name, 0]));
  }

  /** Lines without a place. @param lengths real tokens of each prompt, (prompts) int32 */
  start(lengths: Tf.Tensor): Lines {
    const {tf} = tensorflow();
    const place = tf.reshape(tf.range(0, this.shape.promptLength, 1, 'int32'), [-1, 1]);
    return {
      ...Object.fromEntries(this.#names.map((name) => [name, tf.zeros([0, this.config.headDim])])),
      mask: tf.mul(tf.cast(tf.greaterEqual(place, lengths), 'float32'), MASKED),
      places: tf.zeros([this.#lines], 'int32'),
    };
  }

  /**
   * A step: every line gets its next place written and is attended to.
   * @param written steps that have written so far, scalar int32
   */
  step(before: Lines, written: Tf.Tensor): Step {
    const {tf} = tensorflow();
    const {keyValueHeads: kv, headDim, heads} = this.config;
    const {prompts, group, promptLength} = this.shape;
    const lines = this.#withPlaces(before, written);
    const place = tf.reshape(tf.add(written, tf.scalar(promptLength, 'int32')), [1]);
    const next: Record<string, Tf.Tensor> = {
      mask: raw.replaceRows(lines['mask']!, place, this.#fixed.seen),
      places: tf.add(lines['places']!, tf.scalar(1, 'int32')),
    };
    const mask = raw.reshape(raw.transpose(next['mask']!, [1, 0]), [prompts, 1, -1]);
    const together = [prompts * kv, (heads / kv) * group]; // all that look at the keys of one prompt and head
    const apart = [prompts * kv, heads / kv, group, 1];
    return {
      next,
      attend: (layer, {queries, keys, values}) => {
        const written = (name: string, newest: Tf.Tensor): Tf.Tensor => {
          const rows = raw.reshape(newest, [this.#lines, headDim]);
          next[name] = raw.replaceRows(lines[name]!, lines['places']!, rows);
          return raw.reshape(next[name], [prompts * kv, 1, group, -1, headDim]);
        };
        const prompt = this.prompt[layer]!;
        const toPrompt = raw.multiplySmall(raw.reshape(queries, [...together, headDim]), prompt.keys, {b: true});
        const toOwn = raw.multiplySmall(raw.reshape(queries, [...apart, headDim]), written(`keys${layer}`, keys), {
          b: true,
        });
        const scores = raw.concat([toPrompt, raw.reshape(toOwn, [...together, -1])], 2);
        const weights = callOne('Softmax', [raw.add(raw.reshape(scores, [prompts, heads * group, -1]), mask)]);
        const [ofPrompt, ofOwn] = raw.splitSizes(weights, [promptLength, -1], 2) as [Tf.Tensor, Tf.Tensor];
        const fromPrompt = raw.multiplySmall(raw.reshape(ofPrompt, [...together, promptLength]), prompt.values);
        const fromOwn = raw.multiplySmall(raw.reshape(ofOwn, [...apart, -1]), written(`values${layer}`, values));
        const [a, b] = [fromPrompt, fromOwn].map((part) => raw.reshape(part, [prompts, heads, group, headDim]));
        return raw.add(a!, b!);
      },
    };
  }

  /** The lines with an empty place for what the step writes. */
  #withPlaces(lines: Lines, written: Tf.Tensor): Lines {
    const {tf} = tensorflow();
    const full = tf.equal(tf.mod(written, tf.scalar(this.#step, 'int32')), tf.scalar(0, 'int32'));
    const {empty, masked, before} = this.#fixed;
    const {headDim} = this.config;
    return changedWhere(lines, this.growing, full, (lines) => ({
      ...Object.fromEntries(
        this.#names.map((name) => {
          const inLines = raw.reshape(lines[name]!, [this.#lines, -1, headDim]);
          return [name, raw.reshape(raw.concat([inLines, empty], 1), [-1, headDim])];
        }),
      ),
      mask: raw.concat([lines['mask']!, masked], 0),
      places: tf.add(lines['places']!, before),
    }));
  }
}
