import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {ModelConfig} from '../../../stages/model/config.js';
import {parseConfig} from '../../../stages/model/config.js';

const ARCHITECTURES: Record<string, string> = {llama: 'Llama', mistral: 'Mistral', qwen2: 'Qwen2', qwen3: 'Qwen3'};

const parse = (family: string, fields: Record<string, unknown>): ModelConfig =>
  parseConfig(
    {
      architectures: [`${ARCHITECTURES[family]!}ForCausalLM`],
      model_type: family,
      vocab_size: 31,
      hidden_size: 128,
      intermediate_size: 24,
      num_hidden_layers: 2,
      num_attention_heads: 32,
      ...fields,
    },
    'config.json',
  );

test('a field that is left out means what it means to transformers', () => {
  const read = (family: string, fields = {}) => {
    const {headDim, keyValueHeads, maxPositions, ropeTheta, rmsNormEps, tied} = parse(family, fields);
    return {headDim, keyValueHeads, maxPositions, ropeTheta, rmsNormEps, tied};
  };
  const shared = {ropeTheta: 10000, rmsNormEps: 1e-6, tied: false};
  // configuration_llama.py, configuration_mistral.py, configuration_qwen2.py and configuration_qwen3.py
  assert.deepEqual(read('llama'), {...shared, headDim: 4, keyValueHeads: 32, maxPositions: 2048});
  assert.deepEqual(read('mistral', {sliding_window: null}), {
    ...shared,
    headDim: 4,
    keyValueHeads: 8,
    maxPositions: 131072,
  });
  assert.deepEqual(read('qwen2'), {...shared, headDim: 4, keyValueHeads: 32, maxPositions: 32768});
  assert.deepEqual(read('qwen3'), {...shared, headDim: 128, keyValueHeads: 32, maxPositions: 32768});
  // A null is not the same as nothing.
  assert.equal(parse('mistral', {num_key_value_heads: null, sliding_window: null}).keyValueHeads, 32);
});

for (const [words, family, fields] of [
  ['a window of Mistral that is null', 'mistral', {sliding_window: null}],
  ['a window that is as long as the positions', 'mistral', {sliding_window: 512, max_position_embeddings: 512}],
  ['no window where 4,096 are all positions', 'mistral', {max_position_embeddings: 4096}],
  ['a window of Qwen that is not in use', 'qwen2', {use_sliding_window: false, sliding_window: 16}],
  ['a window that no layer has', 'qwen3', {use_sliding_window: true, sliding_window: 16, max_window_layers: 2}],
  [
    'layer types that are all whole',
    'qwen3',
    {use_sliding_window: true, layer_types: ['full_attention', 'full_attention']},
  ],
] as const) {
  test(`${words} changes nothing`, () => {
    assert.ok(parse(family, fields));
  });
}

for (const [words, family, fields, message] of [
  ['a window of Mistral', 'mistral', {sliding_window: 16}, /sliding_window: .*only the 16 before it/],
  ['the window that Mistral has by default', 'mistral', {}, /sliding_window: .*only the 4096 .*131072/],
  ['a window of Qwen', 'qwen2', {use_sliding_window: true, sliding_window: 16, max_window_layers: 1}, /sliding_window/],
  [
    'a window by layer type',
    'qwen3',
    {use_sliding_window: true, sliding_window: 16, layer_types: ['full_attention', 'sliding_attention']},
    /sliding_window/,
  ],
  ['a window of Llama, which has none', 'llama', {sliding_window: 16}, /sliding_window/],
  ['biases that Mistral has not', 'mistral', {attention_bias: true, sliding_window: null}, /attention_bias/],
] as const) {
  test(`${words} is refused by name`, () => {
    assert.throws(() => parse(family, fields), message);
  });
}
