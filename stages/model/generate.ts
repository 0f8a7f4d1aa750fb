/**
 * Generation with a cache: prompts are read once, each shared by its group; then one token a step for every sample,
 * until all have stopped or the room is used up. A plain function, which runs as a loop of the graph when recorded.
 *
 * The prompt's keys and values stay as they are, one set a prompt; the response's grow by one a step. Samples lie
 * prompt-major: row = prompt × group + member.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from '../tensorflow/backend.js';
import {whileLoop} from '../tensorflow/loop.js';
import {callOne, INT32, raw} from '../tensorflow/ops.js';
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
  const dims = {...config, rows, length: 1};
  const {keyValueHeads: kv, headDim} = config;
  const cacheNames = Array.from({length: config.layers}, (_, layer) => [`keys${layer}`, `values${layer}`] as const);

  const last = tf.scalar(maxNewTokens, 'int32');
  const start: Progress = {
    step: one,
    token: first.token,
    done: tf.logicalOr(inputs.idle, stopped(first.token)),
    tokens: tf.reshape(first.token, [rows, 1]),
    logProbs: tf.reshape(first.logProb, [rows, 1]),
    ...Object.fromEntries(cacheNames.flat().map((name) => [name, tf.zeros([kv, 1, rows, 0, headDim])])),
  };
  const result = whileLoop(
    start,
    {tokens: 1, logProbs: 1, ...Object.fromEntries(cacheNames.flat().map((name) => [name, 3]))},
    ({step, done}) => tf.logicalAnd(tf.less(step, last), tf.logicalNot(tf.all(done))),
    (state) => {
      const next: Record<string, Tf.Tensor> = {};
      const position = tf.add(starts, tf.sub(state.step, one)); // of the token that is read now
      const turn = raw.asComplex(raw.gather(table, position)); // (rows, …)
      const hidden = layers(folded, state.token, config, (qkv, layer) => {
        const {queries, keys, values} = headsOf(qkv, turn, dims);
        const [keysName, valuesName] = cacheNames[layer]!;
        const grownKeys = raw.concat([state[keysName]!, keys], 3); // (kv, 1, rows, steps, d)
        const grownValues = raw.concat([state[valuesName]!, values], 3);
        next[keysName] = grownKeys;
        next[valuesName] = grownValues;
        return attendToBoth(
          queries,
          prompt.caches[layer]!,
          prompt.mask,
          {keys: grownKeys, values: grownValues},
          config,
          shape,
        );
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

/** The state of the loop: what follows, and each layer's grown keys and values. */
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

/** The hidden state behind each prompt's last token, and every layer's keys and values: (kv, 1, prompts, length, d). */
function readPrompts(
  folded: Parameters,
  {tokens, lengths}: GenerationInputs,
  config: ModelConfig,
  {prompts, promptLength}: GenerationShape,
): {last: Tf.Tensor; caches: Cache[]; mask: Tf.Tensor} {
  const {tf} = tensorflow();
  const dims = {...config, rows: prompts, length: promptLength};
  const {rotation} = rightPadded(config, promptLength);
  const turn = raw.asComplex(rotation);
  const causal = causalMask(promptLength);
  const caches: Cache[] = [];
  const hidden = layers(folded, tokens, config, (qkv) => {
    const {queries, keys, values} = headsOf(qkv, turn, dims);
    caches.push({keys, values});
    const weights = callOne('Softmax', [raw.add(raw.matMul(queries, keys, {b: true}), causal)]);
    return merged(raw.matMul(weights, values), dims);
  });
  const offsets = tf.tensor1d(
    Int32Array.from({length: prompts}, (_, i) => i * promptLength - 1),
    'int32',
  );
  const columns = tf.tensor2d(
    Int32Array.from({length: promptLength}, (_, i) => i),
    [1, promptLength],
    'int32',
  );
  const padding = tf.cast(tf.greaterEqual(columns, tf.reshape(lengths, [prompts, 1])), 'float32'); // (prompts, length)
  return {
    last: raw.gather(hidden, tf.add(lengths, offsets)),
    caches,
    mask: tf.reshape(tf.mul(padding, MASKED), [prompts, 1, promptLength]),
  };
}

/** One query a row against its prompt, shared by the group, and against its own response so far. (rows, heads × d) */
function attendToBoth(
  queries: Tf.Tensor,
  prompt: Cache,
  promptMask: Tf.Tensor,
  response: Cache,
  config: ModelConfig,
  {prompts, group, promptLength}: GenerationShape,
): Tf.Tensor {
  const {tf} = tensorflow();
  const {heads, keyValueHeads: kv, headDim} = config;
  const perKey = heads / kv;
  const rows = prompts * group;
  const byPrompt = raw.reshape(queries, [kv, perKey, prompts, group, headDim]);
  const promptScores = raw.add(raw.matMul(byPrompt, prompt.keys, {b: true}), promptMask); // (kv, perKey, prompts, group, length)
  const ownScores = raw.matMul(queries, response.keys, {b: true}); // (kv, perKey, rows, 1, steps)
  const scores = raw.concat([raw.reshape(promptScores, [kv, perKey, rows, 1, promptLength]), ownScores], 4);
  const weights = callOne('Softmax', [scores]);
  const ofWeights = (begin: number, size: number): Tf.Tensor =>
    callOne(
      'Slice',
      [weights, tf.tensor1d([0, 0, 0, 0, begin], 'int32'), tf.tensor1d([-1, -1, -1, -1, size], 'int32')],
      {T: {type: 1}, Index: INT32},
    );
  const promptWeights = raw.reshape(ofWeights(0, promptLength), [kv, perKey, prompts, group, promptLength]);
  const fromPrompt = raw.reshape(raw.matMul(promptWeights, prompt.values), [kv, perKey, rows, 1, headDim]);
  const fromOwn = raw.matMul(ofWeights(promptLength, -1), response.values);
  return merged(raw.add(fromPrompt, fromOwn), {...config, rows, length: 1});
}
