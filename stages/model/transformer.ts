/**
 * A decoder-only transformer of the Llama, Mistral, Qwen2 and Qwen3 families, as a plain tfjs function of its packed
 * parameters. Left out: dropout (no family trains with it here), sliding windows, other activations.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {
  gatherLogProbabilities,
  linear,
  lookUp,
  runAfter,
  checkpointActivations,
  rmsNorm,
  rmsNormalize,
  siluTimes,
  withGradient,
} from '../tensorflow/ops.js';
import {raw, softmaxAt, softmaxAtGradient} from '../tensorflow/ops.js';
import {attention, causalMask, MASKED, rotationTable} from './attention.js';
import type {ModelConfig} from './config.js';
import {normalizeHeads} from './head-norms.js';

/** The packed parameters by name (`packing.ts`). */
export type Parameters = Readonly<Record<string, Tf.Tensor>>;

/** The positions of the tokens of a batch, and which tokens each may attend to. */
export interface Placement {
  /** (1 or rows, length × width) as `attention` takes it. */
  readonly rotation: Tf.Tensor;
  /** Added to the scores; as `attention` takes it. */
  readonly mask: Tf.Tensor;
}

/**
 * Rows that start at their first token, padding on the right: position = column. A real token attends to nothing on its right, so
 * padding needs no mask, and what is computed at padding is never used.
 */
export function rightPadded(config: ModelConfig, length: number): Placement {
  const {tf} = tensorflow();
  return {
    rotation: tf.tensor2d(rotationTable(config, length), [1, length * rotationWidth(config)]),
    mask: causalMask(length),
  };
}

/**
 * Rows in which several continuations follow one prompt: each sees the prompt and itself, at positions of its own.
 *
 * @param inputs (rows × length) int32 each: `places`, the position of each token; `parts`, whose it is: 0 the prompt's, which all see
 * @param shape.longest positions are below this
 */
export function sharedPrompts(
  config: ModelConfig,
  {places, parts}: Readonly<Record<string, Tf.Tensor>>,
  {rows, length, longest}: {readonly rows: number; readonly length: number; readonly longest: number},
): Placement {
  const {tf} = tensorflow();
  const width = rotationWidth(config);
  const table = tf.tensor2d(rotationTable(config, longest), [longest, width]);
  const queries = raw.reshape(parts!, [rows, length, 1]);
  const keys = raw.reshape(parts!, [rows, 1, length]);
  const isForeign = tf.mul(tf.cast(tf.notEqual(queries, keys), 'float32'), tf.cast(tf.greater(keys, 0), 'float32'));
  return {
    rotation: raw.reshape(raw.gather(table, places!), [rows, length * width]),
    mask: tf.add(tf.mul(isForeign, MASKED), causalMask(length)), // (rows, length, length)
  };
}

/** Numbers per position in a rotation. */
export const rotationWidth = ({heads, keyValueHeads, headDim}: ModelConfig): number =>
  (heads + 2 * keyValueHeads) * headDim;

/**
 * The hidden state of each token, normalized and ready for the head: embedding, then `layers` times attention and
 * SwiGLU (arXiv 2002.05202), each behind an RMSNorm (arXiv 1910.07467) and added to what came in, and a last RMSNorm.
 *
 * @param tokens (rows × length) int32, row by row
 * @param shape.activationCheckpointing keeps only the input of each layer for the backward pass (arXiv 1604.06174):
 * about a third more work
 * @returns (rows × length, hiddenSize)
 */
export function transformer(
  parameters: Parameters,
  tokens: Tf.Tensor,
  placement: Placement,
  config: ModelConfig,
  shape: {readonly rows: number; readonly length: number; readonly activationCheckpointing?: boolean},
): Tf.Tensor {
  const attend = (qkv: Tf.Tensor, {rotation, mask}: Placement): Tf.Tensor =>
    attention(qkv, rotation, mask, {...config, ...shape});
  const fold = isFoldingCheaper(config);
  if (shape.activationCheckpointing) return checkpointedLayers(parameters, tokens, placement, config, attend, fold);
  const given = fold ? foldGains(parameters, config) : parameters;
  return layers(given, tokens, config, (qkv) => attend(qkv, placement));
}

/** Tokens of a batch, about: one graph serves all batches, so what it does cannot depend on how many there are. */
const TOKENS = 1024;

/**
 * Whether the gains of a layer's two normalizations are better multiplied into the matrices behind them than into all
 * tokens: with large matrices that would be more work, and a copy of each matrix.
 */
const isFoldingCheaper = (config: ModelConfig): boolean =>
  rotationWidth(config) + 2 * config.intermediateSize <= 2 * TOKENS;

/** A product with a layer's matrix. (N, in) → (N, out) */
export type Multiply = (x: Tf.Tensor, matrix: Tf.Tensor) => Tf.Tensor;

/**
 * The layers around any way to attend.
 * @param folded what `foldGains` returned, or parameters as they are @param tokens (N) int32
 * @param attend from a layer's projected tokens to the context of its heads: (N, qkv) → (N, heads × headDim)
 * @param multiply by matrices in the layout that they have in `folded`
 * @returns (N, hiddenSize)
 */
export function layers(
  folded: Parameters,
  tokens: Tf.Tensor,
  config: ModelConfig,
  attend: (qkv: Tf.Tensor, layer: number) => Tf.Tensor,
  multiply: Multiply = linear,
): Tf.Tensor {
  let x = lookUp(folded['model.embed_tokens.weight']!, tokens); // (N, D)
  for (let layer = 0; layer < config.layers; layer++) {
    x = oneLayer(x, ofLayer(folded, layer), config, (qkv) => attend(qkv, layer), multiply);
  }
  return lastNorm(x, folded, config);
}

/**
 * The same with activation checkpointing: only the input of each layer is kept for the backward pass, which computes the layer
 * once more, its folded gains too.
 * @param parameters as they are, not folded
 */
function checkpointedLayers(
  parameters: Parameters,
  tokens: Tf.Tensor,
  placement: Placement,
  config: ModelConfig,
  attend: (qkv: Tf.Tensor, placement: Placement) => Tf.Tensor,
  fold: boolean,
): Tf.Tensor {
  let x = lookUp(parameters['model.embed_tokens.weight']!, tokens); // (N, D)
  for (let layer = 0; layer < config.layers; layer++) {
    const own = ofLayer(parameters, layer);
    const names = Object.keys(own);
    const constants = [placement.rotation, placement.mask];
    x = checkpointActivations([x, ...Object.values(own)], constants, ([x, ...values], [rotation, mask]) => {
      const given = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      const attendHere = (qkv: Tf.Tensor): Tf.Tensor => attend(qkv, {rotation: rotation!, mask: mask!});
      return oneLayer(x!, fold ? foldGainsOfLayer(given) : given, config, attendHere);
    });
  }
  return lastNorm(x, parameters, config);
}

/** A layer's own parameters, by their names within it. */
function ofLayer(parameters: Parameters, layer: number): Parameters {
  const prefix = `model.layers.${layer}.`;
  const own = Object.entries(parameters).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** Attention and feed-forward, each added to what comes in. (N, D) → (N, D) */
function oneLayer(
  x: Tf.Tensor,
  folded: Parameters,
  config: ModelConfig,
  attend: (qkv: Tf.Tensor) => Tf.Tensor,
  multiply: Multiply = linear,
): Tf.Tensor {
  const {tf} = tensorflow();
  const {rmsNormEps} = config;
  const project = (input: Tf.Tensor, name: string): Tf.Tensor => {
    const bias = folded[`${name}.bias`];
    const projected = multiply(input, folded[`${name}.weight`]!);
    return bias === undefined ? projected : tf.add(projected, bias);
  };
  const normalized = (input: Tf.Tensor, name: string): Tf.Tensor => {
    const gain = folded[`${name}.weight`];
    return gain === undefined ? rmsNormalize(input, rmsNormEps) : rmsNorm(input, gain, rmsNormEps);
  };
  const projected = project(normalized(x, 'input_layernorm'), 'self_attn.qkv_proj');
  const [queryGain, keyGain] = [folded['self_attn.q_norm.weight'], folded['self_attn.k_norm.weight']];
  const qkv =
    queryGain === undefined || keyGain === undefined
      ? projected
      : normalizeHeads(projected, queryGain, keyGain, config);
  const context = attend(qkv);
  const attended = tf.add(x, project(context, 'self_attn.o_proj'));
  const normed = normalized(attended, 'post_attention_layernorm');
  const inner = siluTimes(project(normed, 'mlp.gate_proj'), project(normed, 'mlp.up_proj')); // (N, F)
  return tf.add(attended, project(inner, 'mlp.down_proj'));
}

/** Small models keep the plain operators: rmsNorm rounds differently, which would change the bytes of all of them and save no time. */
function lastNorm(x: Tf.Tensor, parameters: Parameters, config: ModelConfig): Tf.Tensor {
  const gain = parameters['model.norm.weight']!;
  return isFoldingCheaper(config)
    ? tensorflow().tf.mul(rmsNormalize(x, config.rmsNormEps), gain)
    : rmsNorm(x, gain, config.rmsNormEps);
}

/**
 * The gain of each layer's normalizations, multiplied into the matrices behind them: (x g) wᵀ = x (w g)ᵀ. They are gone
 * from what is returned.
 */
export function foldGains(parameters: Parameters, config: ModelConfig): Parameters {
  const ofLayers = Array.from({length: config.layers}, (_, layer) =>
    Object.entries(foldGainsOfLayer(ofLayer(parameters, layer))).map(([name, tensor]): [string, Tf.Tensor] => [
      `model.layers.${layer}.${name}`,
      tensor,
    ]),
  );
  const others = Object.entries(parameters).filter(([name]) => !name.startsWith('model.layers.'));
  return Object.fromEntries([...others, ...ofLayers.flat()]);
}

function foldGainsOfLayer(parameters: Parameters): Parameters {
  const {tf} = tensorflow();
  const {
    'input_layernorm.weight': beforeAttention,
    'post_attention_layernorm.weight': beforeFeedForward,
    ...folded
  } = parameters as Record<string, Tf.Tensor>;
  for (const [name, gain] of [
    ['self_attn.qkv_proj.weight', beforeAttention],
    ['mlp.gate_proj.weight', beforeFeedForward],
    ['mlp.up_proj.weight', beforeFeedForward],
  ] as const) {
    folded[name] = tf.mul(parameters[name]!, gain!);
  }
  return folded;
}

/** The output matrix: the embedding where they are tied. (V, D) */
export const outputMatrix = (parameters: Parameters, config: ModelConfig): Tf.Tensor =>
  parameters[config.tied ? 'model.embed_tokens.weight' : 'lm_head.weight']!;

/** At most this many logits exist at a time: 64 MiB of them. */
export const LOGITS_AT_A_TIME = 2 ** 24;

/**
 * With up to so many parts of logits all batches of a program have as many as the largest of them, so that one graph serves them all: a
 * graph for each length would take longer to compile than small parts to compute.
 */
const PARTS_IN_COMMON = 8;

/** In how many parts the logits of a batch are computed, where the largest of its program has `most` positions. */
export function logitParts(positions: number, vocab: number, most = positions, atATime = LOGITS_AT_A_TIME): number {
  const ofBatch = (count: number): number => Math.ceil(count / Math.max(1, Math.floor(atATime / vocab)));
  return ofBatch(most) <= PARTS_IN_COMMON ? ofBatch(most) : ofBatch(positions);
}

/**
 * log p(target) at each position, logits divided by the temperature. Where all logits would take too much memory,
 * they are computed some rows at a time, and once more for the gradient.
 * @param hidden (N, D) @param output (V, D) @param targets (N) int32 @returns (N)
 * @param most positions of the largest batch that the same graph is to serve
 */
export function targetLogProbabilities(
  hidden: Tf.Tensor,
  output: Tf.Tensor,
  targets: Tf.Tensor,
  temperature: number,
  {atATime = LOGITS_AT_A_TIME, most}: {readonly atATime?: number; readonly most?: number | undefined} = {},
): Tf.Tensor {
  const {tf} = tensorflow();
  const scaled = temperature === 1 ? hidden : tf.mul(hidden, 1 / temperature);
  const [tokens, vocab] = [hidden.shape[0], output.shape[0]];
  const count = logitParts(tokens, vocab, most, atATime);
  if (count === 1) return gatherLogProbabilities(linear(scaled, output), targets);

  const sizes = chunks(tokens, count);
  const parts = (x: Tf.Tensor): Tf.Tensor[] => tf.split(x, sizes, 0);
  return withGradient(
    [scaled, output],
    ([hidden, output], save) => {
      save([hidden!, output!, targets]);
      const targetParts = parts(targets);
      const logProbs: Tf.Tensor[] = [];
      for (const [i, part] of parts(hidden!).entries()) {
        // One after the other, or the executor would hold the logits of all parts at once.
        const some = (): Tf.Tensor => softmaxAt(raw.matMul(part, output!, {b: true}), targetParts[i]!).logProbs;
        logProbs.push(runAfter(logProbs.slice(-1), some));
      }
      return tf.concat(logProbs);
    },
    (dy, [hidden, output, targets]) => {
      const [targetParts, dyParts] = [parts(targets!), parts(dy)];
      const dHidden: Tf.Tensor[] = [];
      let dOutput: Tf.Tensor | undefined;
      for (const [i, part] of parts(hidden!).entries()) {
        const done: Tf.Tensor[] = dOutput === undefined ? [] : [dOutput];
        const [dPart, dMatrix] = runAfter(done, () => {
          const {masses, totals} = softmaxAt(raw.matMul(part, output!, {b: true}), targetParts[i]!);
          const dLogits = softmaxAtGradient(dyParts[i]!, masses, totals, targetParts[i]!);
          return [raw.matMul(dLogits, output!), raw.matMul(dLogits, part, {a: true})] as const;
        });
        dHidden.push(dPart);
        dOutput = dOutput === undefined ? dMatrix : raw.add(dOutput, dMatrix);
      }
      return [tf.concat(dHidden), dOutput!];
    },
  );
}

/** All parts but the last are alike, whatever the total: so a graph that was recorded for one total serves others. */
function chunks(total: number, count: number): number[] {
  const each = Math.floor(total / count);
  return Array.from({length: count}, (_, i) => (i < count - 1 ? each : total - i * each));
}
