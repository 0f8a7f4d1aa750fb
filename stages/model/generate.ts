/**
 * Generation with a cache: prompts are read once, each shared by its group; then one token a step for every sample,
 * until all have stopped or the room is used up. A plain function, which runs as a loop of the graph when recorded.
 *
 * Every sample has room for its whole sequence from the start: the prompt's keys and values, copied for each member of
 * the group, and behind the prompt's last token those of the response, written in place step by step. What is not
 * written yet is masked, as is a prompt's padding, until the response overwrites it. Samples lie prompt-major:
 * row = prompt × group + member.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {whileLoop} from '../tensorflow/loop.js';
import {callOne, raw} from '../tensorflow/ops.js';
import {causalMask, headsOf, MASKED, merged, rotationTable} from './attention.js';
import type {ModelConfig} from './config.js';
import type {Sampling} from './sampler.js';
import {sample} from './sampler.js';
import type {Parameters} from './transformer.js';
import {foldGains, layers, outputMatrix, rightPadded, rotationWidth} from './transformer.js';

export interface GenerationShape {
  readonly prompts: number;
  readonly group: number;
  /** Positions of a prompt, padding included. */
  readonly promptLength: number;
  readonly maxNewTokens: number;
}

export interface GenerationInputs {
  /** (prompts × promptLength) int32, padded on the right. */
  readonly tokens: Tf.Tensor;
  /** Real tokens of each prompt, at least 1. (prompts) int32 */
  readonly lengths: Tf.Tensor;
  /** Rows that are only there to fill the chunk count as stopped from the start. (rows) bool */
  readonly idle: Tf.Tensor;
  /** (maxNewTokens, rows) */
  readonly uniforms: Tf.Tensor;
}

/** What came out: one column a step that was made. What a row holds after its stop token means nothing. */
export interface Generated {
  /** (rows, steps) int32 */
  readonly tokens: Tf.Tensor;
  /** (rows, steps) */
  readonly logProbs: Tf.Tensor;
}

export function generate(
  parameters: Parameters,
  inputs: GenerationInputs,
  config: ModelConfig,
  shape: GenerationShape,
  options: Sampling & {readonly stopIds: readonly number[]},
): Generated {
  const {tf} = tensorflow();
  const {prompts, group, promptLength, maxNewTokens} = shape;
  const rows = prompts * group;
  const folded = foldGains(parameters, config);
  const output = outputMatrix(parameters, config);
  const stopped = (token: Tf.Tensor): Tf.Tensor =>
    options.stopIds.map((id) => tf.equal(token, tf.scalar(id, 'int32'))).reduce((a, b) => tf.logicalOr(a, b));
  const uniformsAt = (step: Tf.Tensor): Tf.Tensor => tf.reshape(raw.gather(inputs.uniforms, step), [rows]);

  const prompt = readPrompts(folded, inputs, config, shape);
  const ofRow = tf.tensor1d(
    Int32Array.from({length: rows}, (_, row) => Math.floor(row / group)),
    'int32',
  );
  const one = tf.scalar(1, 'int32');
  const firstStep = tf.scalar(0, 'int32');
  const first = sample(raw.gather(prompt.last, ofRow), output, uniformsAt(firstStep), options);

  // Positions of what is generated, from the end of each prompt on.
  const table = tf.tensor2d(rotationTable(config, promptLength + maxNewTokens), [
    promptLength + maxNewTokens,
    rotationWidth(config),
  ]);
  const starts = raw.gather(inputs.lengths, ofRow); // (rows)
  const {keyValueHeads: kv, headDim} = config;
  const room = promptLength + maxNewTokens;
  const cacheNames = Array.from({length: config.layers}, (_, layer) => [`keys${layer}`, `values${layer}`] as const);
  const roomFor = (cache: Tf.Tensor): Tf.Tensor => {
    const ofRows = raw.gather(cache, ofRow); // (rows, kv, promptLength, d)
    return raw.reshape(raw.concat([ofRows, tf.zeros([rows, kv, maxNewTokens, headDim])], 2), [
      rows * kv * room,
      headDim,
    ]);
  };
  // Where the first place of each row and head lies in a cache, and the number of each place within its row.
  const begins = tf.tensor2d(
    Int32Array.from({length: rows * kv}, (_, i) => i * room),
    [rows, kv],
    'int32',
  );
  const columns = tf.range(0, room, 1, 'int32');

  const last = tf.scalar(maxNewTokens, 'int32');
  const start: Progress = {
    step: one,
    token: first.token,
    done: tf.logicalOr(inputs.idle, stopped(first.token)),
    tokens: tf.reshape(first.token, [rows, 1]),
    logProbs: tf.reshape(first.logProb, [rows, 1]),
    ...Object.fromEntries(
      cacheNames.flatMap(([keysName, valuesName], layer) => [
        [keysName, roomFor(prompt.caches[layer]!.keys)],
        [valuesName, roomFor(prompt.caches[layer]!.values)],
      ]),
    ),
  };
  const result = whileLoop(
    start,
    {tokens: 1, logProbs: 1},
    ({step, done}) => tf.logicalAnd(tf.less(step, last), tf.logicalNot(tf.all(done))),
    (state) => {
      const next: Record<string, Tf.Tensor> = {};
      const position = tf.add(starts, tf.sub(state.step, one)); // of the token that is read now
      const turn = raw.asComplex(raw.gather(table, position)); // (rows, …)
      const places = raw.reshape(tf.add(begins, tf.reshape(position, [rows, 1])), [rows * kv]);
      const ahead = tf.cast(tf.greater(columns, tf.reshape(position, [rows, 1])), 'float32');
      // The same for all heads, but spelt out for each: that is cheaper once than a broadcast in every layer.
      const mask = tf.tile(tf.reshape(tf.mul(ahead, MASKED), [rows, 1, room]), [1, config.heads, 1]);
      const hidden = layers(folded, state.token, config, (qkv, layer) => {
        const [keysName, valuesName] = cacheNames[layer]!;
        const {queries, keys, values} = headsOfOne(qkv, turn, config, rows);
        next[keysName] = raw.replaceRows(state[keysName]!, places, keys);
        next[valuesName] = raw.replaceRows(state[valuesName]!, places, values);
        return attendToCache(queries, {keys: next[keysName], values: next[valuesName]}, mask, config);
      });
      const {token, logProb} = sample(hidden, output, uniformsAt(state.step), options);
      return {
        ...next,
        step: tf.add(state.step, one),
        token,
        done: tf.logicalOr(state.done, stopped(token)),
        tokens: raw.concat([state.tokens, raw.reshape(token, [rows, 1])], 1),
        logProbs: raw.concat([state.logProbs, raw.reshape(logProb, [rows, 1])], 1),
      };
    },
  );
  return {tokens: result.tokens, logProbs: result.logProbs};
}

/** The state of the loop: what follows, and each layer's keys and values, (rows × kv × room, d). */
interface Progress extends Record<string, Tf.Tensor> {
  /** Tokens made so far, scalar int32. */
  step: Tf.Tensor;
  /** The newest of them, (rows) int32. */
  token: Tf.Tensor;
  /** (rows) bool */
  done: Tf.Tensor;
  /** (rows, step) */
  tokens: Tf.Tensor;
  logProbs: Tf.Tensor;
}

interface Cache {
  readonly keys: Tf.Tensor;
  readonly values: Tf.Tensor;
}

/** The hidden state behind each prompt's last token, and every layer's keys and values: (prompts, kv, length, d). */
function readPrompts(
  folded: Parameters,
  {tokens, lengths}: GenerationInputs,
  config: ModelConfig,
  {prompts, promptLength}: GenerationShape,
): {last: Tf.Tensor; caches: Cache[]} {
  const {tf} = tensorflow();
  const {keyValueHeads: kv, headDim} = config;
  const dims = {...config, rows: prompts, length: promptLength};
  const {rotation} = rightPadded(config, promptLength);
  const turn = raw.asComplex(rotation);
  const causal = causalMask(promptLength);
  const caches: Cache[] = [];
  const hidden = layers(folded, tokens, config, (qkv) => {
    const {queries, keys, values} = headsOf(qkv, turn, dims);
    const byPrompt = (x: Tf.Tensor): Tf.Tensor =>
      raw.transpose(raw.reshape(x, [kv, prompts, promptLength, headDim]), [1, 0, 2, 3]);
    caches.push({keys: byPrompt(keys), values: byPrompt(values)});
    const weights = callOne('Softmax', [raw.add(raw.matMul(queries, keys, {b: true}), causal)]);
    return merged(raw.matMul(weights, values), dims);
  });
  const offsets = tf.tensor1d(
    Int32Array.from({length: prompts}, (_, i) => i * promptLength - 1),
    'int32',
  );
  return {last: raw.gather(hidden, tf.add(lengths, offsets)), caches};
}

/** One token of each row: its query heads (rows × kv, heads / kv, d), and its keys and values (rows × kv, d), turned. */
function headsOfOne(
  qkv: Tf.Tensor,
  turn: Tf.Tensor,
  {heads, keyValueHeads: kv, headDim}: ModelConfig,
  rows: number,
): {queries: Tf.Tensor; keys: Tf.Tensor; values: Tf.Tensor} {
  const turned = raw.asFloats(raw.multiplyComplex(raw.asComplex(qkv), turn));
  const parts = raw.splitSizes(turned, [heads * headDim, kv * headDim, kv * headDim], 1);
  const [q, k, v] = parts as [Tf.Tensor, Tf.Tensor, Tf.Tensor];
  return {
    queries: raw.reshape(q, [rows * kv, heads / kv, headDim]),
    keys: raw.reshape(k, [rows * kv, headDim]),
    values: raw.reshape(v, [rows * kv, headDim]),
  };
}

/**
 * One query a row and head against all that its row has seen.
 * @param mask (rows, heads, room) @returns (rows, heads × d)
 */
function attendToCache(
  queries: Tf.Tensor,
  {keys, values}: Cache,
  mask: Tf.Tensor,
  {heads, keyValueHeads: kv, headDim}: ModelConfig,
): Tf.Tensor {
  const [rows, , room] = mask.shape as [number, number, number];
  const inRoom = (x: Tf.Tensor): Tf.Tensor => raw.reshape(x, [rows * kv, room, headDim]);
  const scores = raw.multiplySmall(queries, inRoom(keys), {b: true}); // (rows × kv, heads / kv, room)
  const weights = callOne('Softmax', [raw.add(raw.reshape(scores, [rows, heads, room]), mask)]);
  const context = raw.multiplySmall(raw.reshape(weights, [rows * kv, heads / kv, room]), inRoom(values));
  return raw.reshape(context, [rows, heads * headDim]);
}
