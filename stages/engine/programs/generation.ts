/**
 * The program that samples: one call is one chunk of whole groups, computed in one native call. A chunk that is not
 * full is padded to the same shape, so its bytes depend on the chunk alone.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {generate} from '../../model/generate.js';
import type {Sampling} from '../../model/pick-token.js';
import type {Parameters} from '../../model/transformer.js';
import {padRight} from '../objective.js';
import {DataType} from '../../tensorflow/backend.js';
import {inLanes, lanesOf} from '../lanes.js';
import type {Precision} from '../../tensorflow/matmul.js';
import type {Program, WeightSlot} from '../program.js';
import {placeholders, recordInto} from '../program.js';

/** What a program samples, and how. */
export interface GenerationOptions extends Sampling {
  /** Prompts of a chunk. */
  readonly prompts: number;
  /** Samples of each prompt. */
  readonly group: number;
  /** Lengths that prompts are padded to; a chunk uses the smallest that holds its longest. */
  readonly promptLengths: readonly number[];
  /** Tokens of the longest sample, the stop token included. */
  readonly maxNewTokens: number;
  /** A sample ends with the first of these. */
  readonly stopIds: readonly number[];
  /** What prompts are padded with. Attention never sees it. */
  readonly padId?: number;
  /**
   * Of products of tokens with weights; float32 unless given. With `bf16`, weights are rounded once for each call, and so are the
   * logits: the log-probabilities are those of that policy.
   */
  readonly precision?: Precision;
  /** Whose weights sample; the policy unless given. */
  readonly of?: WeightSlot;
}

/** What one call samples for. */
export interface Chunk {
  /** At most `prompts` of them. */
  readonly prompts: readonly ArrayLike<number>[];
  /** One row a sample, prompt-major: (prompts given × group, maxNewTokens), see `samplingUniforms`. */
  readonly uniforms: Float32Array;
}

/** One response. */
export interface Sample {
  /** What was generated, the stop token included. */
  readonly tokens: number[];
  /** log p of each under the policy at the sampling temperature. */
  readonly logProbs: number[];
  /** False when the length limit came before a stop token. */
  readonly finished: boolean;
}

/**
 * A program that samples. A call returns prompts given × group samples, prompt-major; equal chunks give equal samples.
 *
 * @throws {Error} when it is declared, for options that make no sense; when it is called, for a prompt that is empty or
 * longer than the longest of `promptLengths`, more prompts than `prompts`, or another number of uniforms
 */
export const generation = (options: GenerationOptions): Program<(chunk: Chunk) => Sample[]> => ({
  batch: {rows: options.prompts},
  declare(context, name) {
    const {
      prompts: count,
      group,
      promptLengths,
      maxNewTokens,
      stopIds,
      padId = 0,
      of = 'policy',
      precision = 'f32',
    } = options;
    const rows = count * group;
    const lanes = lanesOf(context.lanes, count);
    const rowsOfLane = rows / lanes;
    if (stopIds.length === 0) throw new Error(`Internal error: ${name} has no token to stop at`);
    if (!(options.temperature >= 0 && options.topP > 0 && options.topP <= 1 && options.topK >= 0)) {
      throw new Error(
        `Internal error: ${name} cannot sample at temperature ${options.temperature}, top-p ${options.topP}, top-k ${options.topK}`,
      );
    }
    const declare = (promptLength: number) => {
      const inputs = placeholders(context.graph, {
        tokens: {dtype: DataType.int32, shape: [count * promptLength]},
        lengths: {dtype: DataType.int32, shape: [count]},
        idle: {dtype: DataType.bool, shape: [rows]},
        uniforms: {dtype: DataType.float, shape: [maxNewTokens, rows]},
      });
      const shape = {prompts: count / lanes, group, promptLength, maxNewTokens};
      const run = (weights: Parameters, given: Record<string, Tf.Tensor>): Record<string, Tf.Tensor> => {
        const each = inLanes(
          lanes,
          given,
          ({tokens, lengths, idle, uniforms}) => {
            const inputs = {tokens: tokens!, lengths: lengths!, idle: idle!, uniforms: uniforms!};
            return generate(weights, inputs, context.config, shape, options);
          },
          {uniforms: 1},
        );
        return Object.fromEntries(
          each.flatMap(({tokens, logProbs}, lane) => [
            [`tokens${lane}`, tokens],
            [`logProbs${lane}`, logProbs],
          ]),
        );
      };
      const recorded = recordInto(context, of, inputs, run, precision);
      return {
        inputs,
        outputs: Array.from({length: lanes}, (_, lane) => [
          recorded[`tokens${lane}`]!,
          recorded[`logProbs${lane}`]!,
        ]).flat(),
      };
    };
    const ascending = promptLengths.every((length, i) => length > (promptLengths[i - 1] ?? 0));
    if (!ascending || promptLengths.length === 0) {
      throw new Error(`Internal error: ${name} needs ascending prompt lengths, not [${promptLengths.join(', ')}]`);
    }
    const parts = new Map(
      promptLengths.map((length) => [length, context.graph.inScope(`${name}/${length}`, () => declare(length))]),
    );

    return ({prompts, uniforms}) => {
      const used = prompts.length * group;
      if (prompts.length > count)
        throw new Error(`Internal error: ${name} takes ${count} prompts at a time, not ${prompts.length}`);
      if (uniforms.length !== used * maxNewTokens) {
        throw new Error(`Internal error: ${name} needs ${used} × ${maxNewTokens} uniforms and got ${uniforms.length}`);
      }
      const longest = Math.max(...prompts.map((prompt) => prompt.length));
      const shortest = Math.min(...prompts.map((prompt) => prompt.length));
      const length = promptLengths.find((bucket) => bucket >= longest);
      if (length === undefined || shortest < 1) {
        throw new Error(
          `Internal error: ${name} takes prompts of 1 to ${promptLengths.at(-1) ?? 0} tokens, not ${shortest} to ${longest}`,
        );
      }
      const {inputs, outputs} = parts.get(length)!;
      const arrays = {
        tokens: padRight(new Int32Array(count * length).fill(padId), prompts, length),
        lengths: Int32Array.from({length: count}, (_, i) => prompts[i]?.length ?? 1),
        idle: Uint8Array.from({length: rows}, (_, row) => (row < used ? 0 : 1)),
        uniforms: byStep(uniforms, used, rows, maxNewTokens),
      };
      const feeds = Object.entries(arrays).map(([key, values]) => ({placeholder: inputs[key]!, values}));
      const fetched = context.run(`${name}/${length}`, feeds, outputs);
      return Array.from({length: used}, (_, row) => {
        const lane = Math.floor(row / rowsOfLane);
        const [tokens, logProbs] = [fetched[2 * lane]!, fetched[2 * lane + 1]!];
        const steps = tokens.shape[1]!;
        const from = (row % rowsOfLane) * steps;
        const all = tokens.values.subarray(from, from + steps);
        const stop = all.findIndex((token) => stopIds.includes(token));
        const end = stop === -1 ? steps : stop + 1;
        return {
          tokens: Array.from(all.subarray(0, end)),
          logProbs: Array.from(logProbs.values.subarray(from, from + end)),
          finished: stop !== -1,
        };
      });
    };
  },
});

/** Uniforms by row → by step, with idle rows at 0. (used, steps) → (steps, rows) */
function byStep(uniforms: Float32Array, used: number, rows: number, steps: number): Float32Array {
  const transposed = new Float32Array(steps * rows);
  for (let row = 0; row < used; row++) {
    for (let step = 0; step < steps; step++) transposed[step * rows + row] = uniforms[row * steps + step]!;
  }
  return transposed;
}
