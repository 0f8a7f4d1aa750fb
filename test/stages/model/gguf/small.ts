/** Small models of every family that GGUF has a name for, with a tokenizer of a kind that llama.cpp knows. */
import {copyFileSync} from 'node:fs';
import {join} from 'node:path';
import {parseConfig} from '../../../../stages/model/config.js';
import {ggufFromFolder} from '../../../../stages/model/gguf/index.js';
import {saveModel} from '../../../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../../../stages/model/parameters.js';
import {openTokenizer} from '../../../../stages/text/tokenizer.js';
import type {ExportType} from '../../../../stages/model/gguf/export-types.js';

const TOKENIZERS = join(import.meta.dirname, '../../../../../test/fixtures/tokenizers');

const LLAMA3 = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 32,
};

/** Fields of config.json by the name of the case, beside those that all have. */
export const CASES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  llama: {model_type: 'llama', architectures: ['LlamaForCausalLM']},
  'llama with biases, untied': {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    attention_bias: true,
    tie_word_embeddings: false,
  },
  'llama with stretched wavelengths': {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    rope_theta: 500000,
    rope_scaling: LLAMA3,
  },
  'llama with YaRN': {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    rope_scaling: {rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32},
  },
  'llama with linear scaling': {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    rope_scaling: {rope_type: 'linear', factor: 2},
  },
  mistral: {
    model_type: 'mistral',
    architectures: ['MistralForCausalLM'],
    tie_word_embeddings: false,
    sliding_window: null,
  },
  qwen2: {model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], rope_theta: 1000000},
  qwen3: {model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'], head_dim: 128},
};

/** Writes the model folder of a case; equal names, equal bytes. */
export async function writeSmall(
  folder: string,
  name: string,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const tokenizer = join(TOKENIZERS, 'qwen-like');
  const config = parseConfig(
    {
      vocab_size: 512,
      hidden_size: 64,
      intermediate_size: 96,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      max_position_embeddings: 128,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
      tie_word_embeddings: true,
      initializer_range: 0.2,
      eos_token_id: [2, 0], // <|im_end|> and <|endoftext|>
      ...CASES[name],
      ...fields,
    },
    name,
  );
  const weights = initialWeights(config, 7);
  // Fresh gains and biases are all alike, which would hide a mistake.
  for (const [tensor, values] of weights)
    if (!/proj\.weight|embed|head/.test(tensor)) values.forEach((_, i) => (values[i] = 0.5 + (i % 7) / 10));
  await saveModel(folder, {config, weights, tokenizerFrom: tokenizer});
}

export const exportGguf = async (folder: string, file: string, type: ExportType): Promise<number> =>
  ggufFromFolder(folder, file, {type, tokenizer: await openTokenizer(folder)});

export const copyTokenizer = (from: string, to: string): void => {
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(TOKENIZERS, from, file), join(to, file));
};
