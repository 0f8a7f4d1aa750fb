/**
 * Generation with a cache: prompts are read once, each shared by its group; then one token a step for every sample,
 * until all have stopped or reached the length limit. A plain function, which runs as a loop of the graph when recorded.
 *
 * Keys and values are kept in a cache that grows with the responses (`kv-cache.ts`). Samples lie prompt-major:
 * row = prompt × group + member.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {whileLoop} from '../tensorflow/control-flow.js';
import {callOne, raw} from '../tensorflow/ops.js';
import {causalMask, headsOf, merged, rotationTable} from './attention.js';
import {cachedAttention} from './cached-attention.js';
import type {ModelConfig} from './config.js';
import type {Multiplied} from './generation-weights.js';
import {layOutWeights} from './generation-weights.js';
import type {Precision} from '../tensorflow/matmul.js';
import type {GenerationShape, LayerCache} from './kv-cache.js';
import {KvCache} from './kv-cache.js';
import type {Sampling} from './pick-token.js';
import {pickToken} from './pick-token.js';
import type {Parameters} from './transformer.js';
import {layers, rightPadded, rotationWidth} from './transformer.js';

/** What one call of `generate` is given; rows = prompts × group. */
export interface GenerationInputs {
  /** (prompts × promptLength) int32, padded on the right. */
  readonly tokens: Tf.Tensor;
  /** Real tokens of each prompt, at least 1. (prompts) int32 */
  readonly lengths: Tf.Tensor;
  /** Rows that are only there to fill the chunk count as stopped from the start. (rows) bool */
  readonly idle: Tf.Tensor;
  /** One number in [0, 1) for each token that may be drawn: (maxNewTokens, rows) */
  readonly uniforms: Tf.Tensor;
}

/** What came out: one column a step that was made. What a row holds after its stop token means nothing. */
export interface Generated {
  /** (rows, steps) int32 */
  readonly tokens: Tf.Tensor;
  /** (rows, steps) */
  readonly logProbs: Tf.Tensor;
}

/**
 * Samples responses, a token at a time, until every row has stopped or has `maxNewTokens`.
 *
 * @param parameters packed (`packing.ts`), of a model with a language head
 * @param options.stopIds a row ends with the first of these, which is part of it; at least one
 */
export function generate(
  parameters: Parameters,
  inputs: GenerationInputs,
  config: ModelConfig,
  shape: GenerationShape,
  options: Sampling & {readonly stopIds: readonly number[]; readonly precision?: Precision},
): Generated {
  const {tf} = tensorflow();
  const {prompts, group, promptLength, maxNewTokens} = shape;
  const rows = prompts * group;
  const {forPrompts, forTokens, output} = layOutWeights(parameters, config, rows, maxNewTokens, options);
  const stopped = (token: Tf.Tensor): Tf.Tensor =>
    options.stopIds.map((id) => tf.equal(token, tf.scalar(id, 'int32'))).reduce((a, b) => tf.logicalOr(a, b));
  const sampleAt = (hidden: Tf.Tensor, step: Tf.Tensor, done: Tf.Tensor): {token: Tf.Tensor; logProb: Tf.Tensor} =>
    pickToken(hidden, output, raw.gather(inputs.uniforms, step), options, done);

  const prompt = readPrompts(forPrompts, inputs, config, shape);
  const ofRow = tf.tensor1d(
    Int32Array.from({length: rows}, (_, row) => Math.floor(row / group)),
    'int32',
  );
  const one = tf.scalar(1, 'int32');
  const first = sampleAt(raw.gather(prompt.last, ofRow), tf.scalar(0, 'int32'), inputs.idle);

  // Positions of what is generated, from the end of each prompt on.
  const positions = promptLength + maxNewTokens;
  const table = tf.tensor2d(rotationTable(config, positions), [positions, rotationWidth(config)]);
  const {prefill, attend} = cachedAttention(config, shape, prompt.caches);
  const cache = new KvCache(shape, prefill);
  const last = tf.scalar(maxNewTokens, 'int32');
  const start: Progress = {
    step: one,
    position: raw.gather(inputs.lengths, ofRow),
    token: first.token,
    done: tf.logicalOr(inputs.idle, stopped(first.token)),
    tokens: tf.reshape(first.token, [rows, 1]),
    logProbs: tf.reshape(first.logProb, [rows, 1]),
    ...cache.start(inputs.lengths),
  };
  const result = whileLoop(
    start,
    {tokens: 1, logProbs: 1, ...cache.growing},
    ({step, done}) => tf.logicalAnd(tf.less(step, last), tf.logicalNot(tf.all(done))),
    (state) => {
      const {step, position, token: read, done, tokens, logProbs, ...before} = state;
      const rotation = raw.asComplex(raw.gather(table, position)); // (rows, …)
      const cached = cache.step(before, tf.sub(step, one));
      const attendTo = (qkv: Tf.Tensor, layer: number): Tf.Tensor =>
        attend(raw.asFloats(raw.multiplyComplex(raw.asComplex(qkv), rotation)), layer, cached);
      const hidden = layers(forTokens.parameters, read, config, attendTo, forTokens.multiply);
      const {token, logProb} = sampleAt(hidden, step, done);
      return {
        step: tf.add(step, one),
        position: tf.add(position, one),
        token,
        done: tf.logicalOr(done, stopped(token)),
        tokens: raw.concat([tokens, raw.reshape(token, [rows, 1])], 1),
        logProbs: raw.concat([logProbs, raw.reshape(logProb, [rows, 1])], 1),
        ...cached.next,
      };
    },
  );
  return {tokens: result.tokens, logProbs: result.logProbs};
}

/** The state of the loop: this, and the `CacheState`. */
interface Progress extends Record<string, Tf.Tensor> {
  /** Tokens made so far, scalar int32. */
  step: Tf.Tensor;
  /** The newest of them, (rows) int32. */
  token: Tf.Tensor;
  /** Its position in its sequence, (rows) int32. */
  position: Tf.Tensor;
  /** (rows) bool */
  done: Tf.Tensor;
  /** (rows, step) */
  tokens: Tf.Tensor;
  logProbs: Tf.Tensor;
}

/** The hidden state of each prompt's last token, and every layer's keys and values: (prompts × kv, length, d). */
function readPrompts(
  {parameters, multiply}: Multiplied,
  {tokens, lengths}: GenerationInputs,
  config: ModelConfig,
  {prompts, promptLength}: GenerationShape,
): {last: Tf.Tensor; caches: LayerCache[]} {
  const {tf} = tensorflow();
  const {keyValueHeads: kv, headDim} = config;
  const dims = {...config, rows: prompts, length: promptLength};
  const rotation = raw.asComplex(rightPadded(config, promptLength).rotation);
  const causal = causalMask(promptLength);
  const caches: LayerCache[] = [];
  const hidden = layers(
    parameters,
    tokens,
    config,
    (qkv) => {
      const {queries, keys, values} = headsOf(qkv, rotation, dims);
      const byPrompt = (x: Tf.Tensor): Tf.Tensor =>
        raw.reshape(raw.transpose(raw.reshape(x, [kv, prompts, promptLength, headDim]), [1, 0, 2, 3]), [
          prompts * kv,
          promptLength,
          headDim,
        ]);
      caches.push({keys: byPrompt(keys), values: byPrompt(values)});
      const weights = callOne('Softmax', [raw.add(raw.matMul(queries, keys, {b: true}), causal)]);
      return merged(raw.matMul(weights, values), dims);
    },
    multiply,
  );
  const offsets = tf.tensor1d(
    Int32Array.from({length: prompts}, (_, i) => i * promptLength - 1),
    'int32',
  );
  return {last: raw.gather(hidden, tf.add(lengths, offsets)), caches};
}
