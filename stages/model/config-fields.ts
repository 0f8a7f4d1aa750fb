/**
 * The fields of a config.json that are not implemented: which of them change what a model computes. A field that does is
 * refused by name unless its value says that it is not in use; a field that is known not to matter passes unread; one that
 * nobody knows is refused if its name speaks of a part of a model, and reported otherwise, since fine-tuning leaves all
 * kinds of notes in a config.
 */

/** What a field's neutral value may depend on. */
export interface Shape {
  readonly headDim: number;
  /** Queries and keys are normalized. */
  readonly headNorms: boolean;
}

/** Fields that were not read. */
export interface Unread {
  /** `field: what is wrong`, for each that must be refused. */
  readonly problems: readonly string[];
  /** Names of fields that nobody knows, and that do not sound as if they changed anything. */
  readonly unknown: readonly string[];
}

/**
 * Sorts the fields of a config that `parseConfig` does not read.
 *
 * @param read names of those that it does
 */
export function sortUnread(config: Readonly<Record<string, unknown>>, read: ReadonlySet<string>, shape: Shape): Unread {
  const problems: string[] = [];
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(config)) {
    if (read.has(name) || asksForNothing(value) || isHarmless(name)) continue;
    const isNeutral = Object.hasOwn(NEUTRAL, name) ? NEUTRAL[name] : undefined;
    if (isNeutral !== undefined) {
      if (!isNeutral(value, shape)) problems.push(`${name}: ${shown(value)} is not implemented`);
    } else if (isCount(name) && value === 0) {
      continue;
    } else if (PARTS.test(`_${snake(name)}_`) && !ABOUT_TRAINING.test(`_${snake(name)}_`)) {
      problems.push(
        `${name}: ${shown(value)} is not known here, and its name says that it may change what the model computes; ` +
          'remove it from the file if it does not',
      );
    } else {
      unknown.push(name);
    }
  }
  return {problems, unknown};
}

/** Null, false and what is empty ask for nothing, whatever the field is called. */
const asksForNothing = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === false ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);

const isOne = (value: unknown): boolean => value === 1;
const isTrue = (value: unknown): boolean => value === true;
const never = (): boolean => false;
const isSilu = (value: unknown): boolean => value === 'silu' || value === 'swish';

/**
 * Fields that change what other families, or other programs, compute, and the values at which they change nothing. Null,
 * false and what is empty change nothing in any of them.
 */
const NEUTRAL: Readonly<Record<string, (value: unknown, shape: Shape) => boolean>> = {
  // Scores, logits and the residual stream: Gemma 2, Granite, Cohere, MiniCPM, Falcon-H1, muP.
  attn_logit_softcapping: never,
  final_logit_softcapping: never,
  query_pre_attn_scalar: (value, {headDim}) => value === headDim,
  attention_multiplier: (value, {headDim}) =>
    typeof value === 'number' && Math.abs(value * Math.sqrt(headDim) - 1) < 1e-6,
  embedding_multiplier: isOne,
  residual_multiplier: isOne,
  logits_scaling: isOne,
  logit_scale: isOne,
  lm_head_multiplier: isOne,
  key_multiplier: isOne,
  scale_emb: isOne,
  scale_depth: never,
  dim_model_base: never,
  use_mup: never,
  mup_enabled: never,
  rescale_every: (value) => value === 0,
  clip_qkv: never,
  use_logn_attn: never,
  use_dynamic_ntk: never,
  // Norms, and what stands beside what.
  use_qk_norm: (value, {headNorms}) => value === true && headNorms,
  qk_norm: (value, {headNorms}) => value === true && headNorms,
  qk_layernorm: (value, {headNorms}) => value === true && headNorms,
  use_qk_layernorm: (value, {headNorms}) => value === true && headNorms,
  parallel_attn: never,
  parallel_block: never,
  use_parallel_residual: never,
  new_decoder_architecture: never,
  hidden_activation: isSilu,
  activation_function: isSilu,
  // Positions.
  partial_rotary_factor: isOne,
  rotary_pct: isOne,
  rope_ratio: isOne,
  rope_interleaved: never,
  rotary_dim: (value, {headDim}) => value === headDim,
  position_embedding_type: (value) => value === 'rope' || value === 'rotary',
  no_rope_layers: (value) => Array.isArray(value) && value.every((one) => one === 1),
  alibi: never,
  // What attends to what.
  is_causal: isTrue,
  causal: isTrue,
  is_encoder_decoder: never,
  add_cross_attention: never,
  // Kinds of layers.
  first_k_dense_replace: never,
  decoder_sparse_step: never,
  q_lora_rank: never,
  hc_mult: never,
  laurel_rank: never,
  activation_sparsity_pattern: never,
  per_layer_config: never,
  pruned_heads: never,
  vision_config: never,
  audio_config: never,
  text_config: never,
  // Weights that are not what they seem, and code of the checkpoint's own.
  quantization_config: never,
  compression_config: never,
  quantization: never,
  auto_map: (value) => !Object.keys(value as object).some((name) => /^AutoModel/.test(name)),
};

/** Fields that change no number: names, ids, defaults of sampling and of training, ways to compute the same. */
const HARMLESS = new Set(
  `_name_or_path _commit_hash name_or_path transformers_version torch_dtype dtype use_cache return_dict torchscript
  output_attentions output_hidden_states output_router_logits use_return_dict id2label label2id num_labels problem_type
  finetuning_task task_specific_params tokenizer_class processor_class prefix decoder_start_token_id sep_token_id cls_token_id
  mask_token_id unk_token_id forced_bos_token_id forced_eos_token_id remove_invalid_values
  max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p typical_p
  repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids num_return_sequences
  output_scores return_dict_in_generate exponential_decay_length_penalty suppress_tokens begin_suppress_tokens
  tf_legacy_loss use_bfloat16 tie_encoder_decoder cross_attention_hidden_size is_decoder chunk_size_feed_forward
  pretraining_tp attention_softmax_in_fp32 softmax_in_fp32 residual_in_fp32 base_model_tp_plan
  max_seq_len max_sequence_length max_seq_length seq_length model_max_length n_ctx n_positions context_length
  tokenizer_model_max_length tokenizer_padding_side`.split(/\s+/),
);

/** Whole groups of them: initial values, dropout, which kernel computes attention. */
const isHarmless = (name: string): boolean =>
  HARMLESS.has(name) || /^init|initializer|dropout|drop_path|pdrop|layerdrop|flash|_implementation(_|$)/.test(name);

/** A number of something, of which there may be none. */
const isCount = (name: string): boolean => /^(num|n)_/.test(name);

/** Words for parts of a model. A field that has one of them is not passed over. */
const PARTS =
  /_(attn|attention|head|heads|kv|qk|qkv|query|norm|norms|layernorm|rmsnorm|ln|rope|nope|mrope|rotary|alibi|ntk|logn|position|positions|positional|bias|biases|act|activation|gelu|relu|glu|swiglu|mlp|ffn|expert|experts|moe|router|routed|topk|gate|gated|gating|window|sliding|sink|sinks|softcap|softcapping|cap|clamp|logit|logits|scale|scaling|scalar|multiplier|multipliers|residual|embed|embedding|embeddings|emb|hidden|layer|layers|block|blocks|mup|mamba|ssm|conv|recurrent|linear|cross|bidirectional|encoder|mtp|nextn|altup|memory|merge|sparse|sparsity)_/;

/** Words for training: what has one of them changes no answer of the model, unless it is named above. */
const ABOUT_TRAINING =
  /_(loss|train|training|trainer|optim|optimizer|lr|learning|grad|gradient|dataset|data|eval|lora|peft|dora|unsloth|wandb|freeze|frozen|trainable|finetune|finetuned|finetuning|aux|coef|jitter|checkpointing|warmup|deepspeed|fp16|bf16|amp)_/;

/** camelCase → snake_case */
const snake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

/** A value as it stands in the file, cut where it is long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
