/**
 * What tensors are called in GGUF and in Hugging Face folders, and in which order llama.cpp keeps the rows of q and k.
 * The names are those of llama.cpp's `gguf-py/gguf/constants.py` (https://github.com/ggml-org/llama.cpp).
 */
import type {ModelConfig} from '../config.js';

const OUTER: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
};

const IN_LAYER: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/**
 * `model.layers.3.mlp.up_proj.weight` → `blk.3.ffn_up.weight`. Undefined for what GGUF has no name for: a reward model's
 * head, or a part of a family that is not known here.
 */
export function ggufName(name: string): string | undefined {
  const [, layer, part = '', kind = ''] = /^(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name) ?? [];
  const known = (layer === undefined ? OUTER : IN_LAYER)[part];
  if (known === undefined) return undefined;
  return layer === undefined ? `${known}.${kind}` : `blk.${layer}.${known}.${kind}`;
}

/** Factors by which Llama 3 stretches its rotary wavelengths: no parameter, but the form in which GGUF keeps them. */
export const ROPE_FACTORS = 'rope_freqs.weight';

/**
 * Heads whose rows llama.cpp reorders in this tensor, or undefined where it leaves them: its converter does it to q and k
 * of the Llama architecture, whose rotary embedding turns neighbours there (2i, 2i + 1), and halves (i, i + dim/2) here.
 */
export function reorderedHeads(config: ModelConfig, name: string): number | undefined {
  if (config.family !== 'llama' && config.family !== 'mistral') return undefined;
  const [, projection] = /\.self_attn\.([qk])_proj\./.exec(name) ?? [];
  if (projection === undefined) return undefined;
  return projection === 'q' ? config.heads : config.keyValueHeads;
}

/** Rows of neighbours to rows of halves, head by head: what `LlamaModel.permute` of llama.cpp's converter undone. */
export const halvesFromNeighbours = (values: Float32Array, rows: number, heads: number): Float32Array =>
  reorder(values, rows, heads, (row, dim) => (row < dim / 2 ? 2 * row : 2 * (row - dim / 2) + 1));

/** Rows of halves to rows of neighbours: what llama.cpp's converter does. */
export const neighboursFromHalves = (values: Float32Array, rows: number, heads: number): Float32Array =>
  reorder(values, rows, heads, (row, dim) => (row % 2 === 0 ? row / 2 : dim / 2 + (row - 1) / 2));

/** @param from which row of a head comes to stand at `row`; a head has `dim` rows */
function reorder(
  values: Float32Array,
  rows: number,
  heads: number,
  from: (row: number, dim: number) => number,
): Float32Array {
  const width = values.length / rows;
  const dim = rows / heads;
  const ordered = new Float32Array(values.length);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < dim; row++) {
      const at = (head * dim + from(row, dim)) * width;
      ordered.set(values.subarray(at, at + width), (head * dim + row) * width);
    }
  }
  return ordered;
}
