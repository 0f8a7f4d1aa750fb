/**
 * The keys of a GGUF file that describe the computation, as a Hugging Face `config.json`. A key of the architecture that is
 * not known here is refused by its name: it may change the numbers.
 */
import {ROPE_FACTORS} from './tensor-names.js';
import type {Metadata} from './metadata.js';
import type {GgufTensor} from './header.js';
import {llama3Factors} from './rope-factors.js';

/** GGUF architecture → family and class in transformers. Mistral is `llama` in GGUF. */
export const ARCHITECTURES: Readonly<Record<string, string>> = {
  llama: 'LlamaForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
};

/** Keys below the architecture's name that are read here, or that say nothing about the numbers. */
const KNOWN: ReadonlySet<string> = new Set([
  'block_count',
  'context_length',
  'embedding_length',
  'feed_forward_length',
  'vocab_size',
  'attention.head_count',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.value_length',
  'attention.layer_norm_rms_epsilon',
  'attention.causal',
  'attention.sliding_window',
  'expert_count',
  'expert_used_count',
  'rope.dimension_count',
  'rope.freq_base',
  'rope.scale_linear',
  'rope.scaling.type',
  'rope.scaling.factor',
  'rope.scaling.original_context_length',
  'rope.scaling.attn_factor',
  'rope.scaling.finetuned',
  'tensor_data_layout',
]);

/** A llama.cpp default: https://github.com/ggml-org/llama.cpp, `llama_model::load_hparams`. */
const DEFAULT_BASE = 10000;

interface Ids {
  readonly bos: number | undefined;
  /** What ends a turn: end of text, of turn, of message, each once. */
  readonly ends: readonly number[];
  readonly padding: number | undefined;
}

/**
 * @param factors values of `rope_freqs.weight`, where the file has it
 * @throws {StageFailure} naming the key that is missing, wrong, or asks for what is not implemented
 */
export function hfConfig(
  metadata: Metadata,
  tensors: ReadonlyMap<string, GgufTensor>,
  ids: Ids,
  factors: Float32Array | undefined,
): Record<string, unknown> {
  const architecture = metadata.text('general.architecture');
  if (!Object.hasOwn(ARCHITECTURES, architecture)) {
    const known = Object.keys(ARCHITECTURES).join(', ');
    metadata.refuse(`general.architecture is “${architecture}”; ${known} can be computed here`);
  }
  const key = (name: string): string => `${architecture}.${name}`;
  const strange = metadata
    .keys()
    .filter((each) => each.startsWith(key('')) && !KNOWN.has(each.slice(architecture.length + 1)));
  if (strange.length > 0) metadata.refuse(`${strange.join(', ')}: not known here, and may change what is computed`);
  const integer = (name: string): number => metadata.integer(key(name));

  const width = integer('embedding_length');
  const heads = integer('attention.head_count');
  const positions = integer('context_length');
  const headDim = metadata.integer(key('attention.key_length'), width / heads);
  const embeddings = tensors.get('token_embd.weight') ?? metadata.refuse('the tensor “token_embd.weight” is missing');
  refuseOtherKinds(metadata, key, {headDim, positions});
  const scaling = ropeScaling(metadata, key, factors, headDim);
  const [firstEnd, ...otherEnds] = ids.ends;
  return {
    architectures: [ARCHITECTURES[architecture]],
    model_type: architecture,
    vocab_size: embeddings.shape[0],
    hidden_size: width,
    intermediate_size: integer('feed_forward_length'),
    num_hidden_layers: integer('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: metadata.integer(key('attention.head_count_kv'), heads),
    head_dim: headDim,
    max_position_embeddings: positions,
    rope_theta: metadata.number(key('rope.freq_base'), DEFAULT_BASE),
    ...(scaling !== undefined && {rope_scaling: scaling}),
    rms_norm_eps: metadata.number(key('attention.layer_norm_rms_epsilon')),
    tie_word_embeddings: !tensors.has('output.weight'),
    hidden_act: 'silu',
    attention_dropout: 0,
    ...(architecture !== 'qwen2' && {attention_bias: tensors.has('blk.0.attn_q.bias')}),
    ...(architecture === 'llama' && {mlp_bias: false}),
    initializer_range: 0.02,
    bos_token_id: ids.bos ?? null,
    eos_token_id: otherEnds.length === 0 ? firstEnd : ids.ends,
    pad_token_id: ids.padding ?? null,
    torch_dtype: 'float32',
    use_cache: true,
  };
}

function refuseOtherKinds(
  metadata: Metadata,
  key: (name: string) => string,
  {headDim, positions}: {readonly headDim: number; readonly positions: number},
): void {
  const same = (name: string, wanted: number): void => {
    const value = metadata.integer(key(name), wanted);
    if (value !== wanted)
      metadata.refuse(`${key(name)} is ${value}, where only the size of a head, ${wanted}, is implemented`);
  };
  same('attention.value_length', headDim);
  same('rope.dimension_count', headDim);
  const experts = metadata.integer(key('expert_count'), 0);
  if (experts > 0) metadata.refuse(`${key('expert_count')} is ${experts}: mixtures of experts are not implemented`);
  if (!metadata.flag(key('attention.causal'), true))
    metadata.refuse(`${key('attention.causal')} is false: only causal attention is implemented`);
  const window = metadata.integer(key('attention.sliding_window'), 0);
  if (window > 0 && window < positions)
    metadata.refuse(`${key('attention.sliding_window')} is ${window}: sliding windows are not implemented`);
}

function ropeScaling(
  metadata: Metadata,
  key: (name: string) => string,
  factors: Float32Array | undefined,
  headDim: number,
): Record<string, unknown> | undefined {
  const older = metadata.number(key('rope.scale_linear'), undefined);
  const type = metadata.text(key('rope.scaling.type'), older === undefined ? 'none' : 'linear');
  const factor = metadata.number(key('rope.scaling.factor'), older);
  if (factors !== undefined) {
    if (type !== 'none')
      metadata.refuse(`${key('rope.scaling.type')} is “${type}”, and there is ${ROPE_FACTORS} beside it`);
    const base = metadata.number(key('rope.freq_base'), DEFAULT_BASE);
    return (
      llama3Factors(factors, {
        base,
        headDim,
        positions: metadata.integer(key('rope.scaling.original_context_length'), 8192),
      }) ?? metadata.refuse(`${ROPE_FACTORS} holds other factors than Llama 3’s, which are not implemented`)
    ).scaling;
  }
  const attention = metadata.number(key('rope.scaling.attn_factor'), 1);
  if (attention !== 1) metadata.refuse(`${key('rope.scaling.attn_factor')} is ${attention}, which is not implemented`);
  if (type === 'none' || (type === 'linear' && (factor ?? 1) === 1)) return undefined;
  if (factor === undefined) return metadata.refuse(`${key('rope.scaling.type')} is “${type}” without a factor`);
  if (type === 'linear') return {rope_type: 'linear', factor};
  if (type === 'yarn') {
    const original = metadata.integer(key('rope.scaling.original_context_length'));
    return {rope_type: 'yarn', factor, original_max_position_embeddings: original};
  }
  return metadata.refuse(`${key('rope.scaling.type')}: “${type}” is not implemented (none, linear and yarn are)`);
}
