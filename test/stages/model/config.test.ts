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
    const {headDim, keyValueHeads, maxPositions, rope, rmsNormEps, tied} = parse(family, fields);
    return {headDim, keyValueHeads, maxPositions, rope, rmsNormEps, tied};
  };
  const shared = {rope: {theta: 10000}, rmsNormEps: 1e-6, tied: false};
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

const llama3 = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 64,
};

test('positions are read from both spellings, and kinds have the defaults of transformers', () => {
  const read = (fields: Record<string, unknown>) => parse('llama', {max_position_embeddings: 256, ...fields}).rope;
  const stretched = {
    kind: 'llama3',
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalPositions: 64,
  } as const;
  assert.deepEqual(read({rope_theta: 500, rope_scaling: llama3}), {theta: 500, scaling: stretched});
  assert.deepEqual(read({rope_parameters: {...llama3, rope_theta: 500}}), {theta: 500, scaling: stretched});
  const {rope_type: type, ...others} = llama3;
  assert.deepEqual(read({rope_scaling: {type, ...others}}), {theta: 10000, scaling: stretched});
  // Twice the same is fine, and so is an empty one.
  assert.deepEqual(read({rope_scaling: llama3, rope_parameters: llama3, rope_theta: 500}).scaling, stretched);
  assert.deepEqual(read({rope_scaling: {}, rope_parameters: {rope_type: 'default', rope_theta: 7}}), {theta: 7});
  assert.deepEqual(read({rope_scaling: {type: 'linear', factor: 2}}).scaling, {kind: 'linear', factor: 2});
  // The original positions stand in the config itself, or are all that there are.
  const {original_max_position_embeddings: _, ...without} = llama3;
  assert.deepEqual(read({rope_scaling: without}).scaling, {...stretched, originalPositions: 256});
  assert.deepEqual(read({rope_scaling: without, original_max_position_embeddings: 32}).scaling, {
    ...stretched,
    originalPositions: 32,
  });

  const yarn = {type: 'yarn', factor: 4, original_max_position_embeddings: 64, finetuned: true};
  const defaults = {kind: 'yarn', factor: 4, originalPositions: 64, betaFast: 32, betaSlow: 1, truncate: true} as const;
  // 0.1 ln 4 + 1
  assert.deepEqual(read({rope_scaling: yarn}).scaling, {...defaults, attentionFactor: 0.1 * Math.log(4) + 1});
  const given = (fields: object) => {
    const {scaling} = read({rope_scaling: {...yarn, ...fields}});
    return scaling?.kind === 'yarn' ? scaling : assert.fail();
  };
  assert.equal(given({attention_factor: 0.9, mscale: 3, mscale_all_dim: 2}).attentionFactor, 0.9);
  assert.equal(
    given({mscale: 3, mscale_all_dim: 2}).attentionFactor,
    (0.3 * Math.log(4) + 1) / (0.2 * Math.log(4) + 1),
  );
  assert.equal(given({mscale: 3}).attentionFactor, 0.1 * Math.log(4) + 1);
  assert.equal(given({factor: null}).factor, 4); // 256 / 64
  assert.equal(given({beta_fast: null, beta_slow: 0}).betaSlow, 1);
});

test('a field that nobody knows is kept and named', () => {
  const config = parse('llama', {made_up: [1], lora_alpha: 16, loss_scale: 2, dataset: 'x', unsloth_version: '1'});
  assert.deepEqual(config.unknownFields, ['made_up', 'lora_alpha', 'loss_scale', 'dataset', 'unsloth_version']);
  assert.deepEqual(parse('qwen2', {_name_or_path: 'x', attention_dropout: 0.1, use_cache: true}).unknownFields, []);
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
  ['a soft cap that is null', 'llama', {final_logit_softcapping: null}],
  ['no experts', 'llama', {num_local_experts: 0, output_router_logits: false}],
  ['multipliers of 1', 'llama', {embedding_multiplier: 1, logits_scaling: 1, attention_multiplier: 0.5}],
  ['the scale that there is anyway', 'llama', {query_pre_attn_scalar: 4, partial_rotary_factor: 1}],
  ['norms that the family has', 'qwen3', {use_qk_norm: true}],
  ['code for the tokenizer alone', 'llama', {auto_map: {AutoTokenizer: ['tokenization_x.X', null]}}],
  ['another name of the activation', 'llama', {hidden_act: 'swish'}],
  ['the kernel that computes attention', 'llama', {_attn_implementation: 'flash_attention_2', use_flash_attn: true}],
  ['a padding token of −1', 'llama', {pad_token_id: -1}],
] as const) {
  test(`${words} changes nothing`, () => {
    assert.deepEqual(parse(family, fields).unknownFields, []);
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
  ['layers of other kinds', 'qwen3', {layer_types: ['full_attention', 'linear_attention']}, /layer_types/],
  ['a window of Llama, which has none', 'llama', {sliding_window: 16}, /sliding_window/],
  ['biases that Mistral has not', 'mistral', {attention_bias: true, sliding_window: null}, /attention_bias/],
  ['biases that Qwen3 has not', 'qwen3', {mlp_bias: true}, /mlp_bias/],
  ['positions of a dynamic kind', 'llama', {rope_scaling: {type: 'dynamic', factor: 2}}, /rope_scaling: “dynamic”/],
  ['positions by LongRoPE', 'llama', {rope_parameters: {rope_type: 'longrope'}}, /rope_parameters: “longrope”/],
  ['positions of two kinds', 'llama', {rope_scaling: {type: 'yarn', rope_type: 'linear', factor: 2}}, /type is “yarn”/],
  [
    'two descriptions of positions that disagree',
    'llama',
    {rope_scaling: {type: 'linear', factor: 2}, rope_parameters: {rope_type: 'default'}},
    /rope_parameters and rope_scaling/,
  ],
  [
    'two bases',
    'llama',
    {rope_theta: 10000, rope_parameters: {rope_type: 'default', rope_theta: 500}},
    /rope_theta: .*10000/,
  ],
  [
    'two numbers of original positions',
    'llama',
    {rope_scaling: llama3, original_max_position_embeddings: 32},
    /original_max_position_embeddings: 32 is not the 64/,
  ],
  ['a factor that its kind has not', 'llama', {rope_scaling: {rope_type: 'default', factor: 2}}, /rope_scaling.factor/],
  ['a field of positions that nobody knows', 'llama', {rope_scaling: {...llama3, llama_4_beta: 2}}, /llama_4_beta/],
  ['a factor of 0', 'llama', {rope_scaling: {type: 'linear', factor: 0}}, /rope_scaling.factor/],
  ['no factor', 'llama', {rope_scaling: {type: 'linear'}}, /linear needs factor/],
  ['frequencies that cross', 'llama', {rope_scaling: {...llama3, low_freq_factor: 4}}, /low_freq_factor/],
  ['positions on a part of a head', 'llama', {partial_rotary_factor: 0.5}, /partial_rotary_factor/],
  ['a part of a head, the new way', 'llama', {rope_parameters: {partial_rotary_factor: 0.5}}, /partial_rotary_factor/],
  ['a soft cap on logits', 'llama', {final_logit_softcapping: 30}, /final_logit_softcapping: 30/],
  ['a soft cap on scores', 'qwen2', {attn_logit_softcapping: 50}, /attn_logit_softcapping: 50/],
  ['another scale of scores', 'llama', {query_pre_attn_scalar: 256}, /query_pre_attn_scalar: 256/],
  ['multipliers', 'llama', {residual_multiplier: 0.22, logits_scaling: 8}, /residual_multiplier.*logits_scaling/],
  ['norms that the family has not', 'llama', {qk_layernorm: true}, /qk_layernorm/],
  ['experts', 'mistral', {sliding_window: null, num_local_experts: 8}, /num_local_experts: 8/],
  ['attention sinks', 'llama', {attention_sink_size: 4}, /attention_sink_size: 4/],
  ['clipped projections', 'llama', {clip_qkv: 8}, /clip_qkv/],
  ['layers side by side', 'llama', {use_parallel_residual: true}, /use_parallel_residual/],
  ['layers without positions', 'llama', {no_rope_layers: [1, 0]}, /no_rope_layers/],
  ['muP', 'llama', {mup_width_scale: 2}, /mup_width_scale/],
  ['a part that nobody knows', 'llama', {fancyAttentionScale: 2}, /fancyAttentionScale: 2 is not known/],
  ['a decoder of two', 'llama', {is_encoder_decoder: true}, /is_encoder_decoder/],
  ['attention to both sides', 'llama', {is_causal: false, use_bidirectional_attention: true}, /bidirectional/],
  ['code of its own', 'llama', {auto_map: {AutoModelForCausalLM: 'modeling_x.X'}}, /auto_map/],
  ['packed weights', 'llama', {quantization_config: {bits: 4}}, /quantization_config/],
  ['another activation', 'llama', {hidden_act: 'gelu'}, /hidden_act/],
  ['no heads', 'llama', {num_attention_heads: 0}, /num_attention_heads/],
  ['a negative epsilon', 'llama', {rms_norm_eps: -1e-6}, /rms_norm_eps/],
  ['an end token beyond the vocabulary', 'llama', {eos_token_id: [2, 31]}, /eos_token_id: 31/],
  ['a padding token beyond the vocabulary', 'llama', {pad_token_id: 31}, /pad_token_id: 31/],
  [
    'several scores',
    'llama',
    {architectures: ['LlamaForSequenceClassification'], num_labels: 3},
    /num_labels: .*one score/,
  ],
] as const) {
  test(`${words} is refused by name`, () => {
    assert.throws(() => parse(family, fields), message);
  });
}
