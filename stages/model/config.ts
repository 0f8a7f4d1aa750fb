/**
 * The shape of a model, read from and written to a Hugging Face `config.json` of the Llama, Mistral, Qwen2 and Qwen3
 * families. What a config leaves out is what transformers' config class of the family says.
 * What changes the numbers and is not implemented here is refused with the field's name rather than ignored
 * (`config-fields.ts`, `rope.ts`); fields that do not change the numbers pass through unread.
 */
import {z} from 'zod';
import {StageFailure} from '../../pipeline/stage.js';
import {sortUnread} from './config-fields.js';
import type {Rope} from './rope.js';
import {readRope, ropeFields} from './rope.js';

/** A `model_type` of transformers that can be computed here. */
export type Family = 'llama' | 'mistral' | 'qwen2' | 'qwen3';

/** The shape of a model, and what else changes its numbers. */
export interface ModelConfig {
  readonly family: Family;
  /** `language` predicts tokens; `score` has one scalar read at the last token (a reward model). */
  readonly head: 'language' | 'score';
  readonly vocabSize: number;
  /** Numbers of a token between layers: D. */
  readonly hiddenSize: number;
  /** Numbers of a token inside the feed-forward network: F. */
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  /** Numbers of a head of q, k or v; even. */
  readonly headDim: number;
  /** Tokens of the longest text. */
  readonly maxPositions: number;
  /** Rotary positions. */
  readonly rope: Rope;
  /** Added to the mean square in RMSNorm (arXiv 1910.07467). */
  readonly rmsNormEps: number;
  /** The output matrix is the embedding matrix. */
  readonly tied: boolean;
  /** Biases on q, k, v; `attention_bias` of Llama and Qwen3 also puts one on o. */
  readonly attentionBias: {readonly qkv: boolean; readonly output: boolean};
  /** Biases on the three matrices of the feed-forward network. */
  readonly mlpBias: boolean;
  /** Queries and keys of each head go through an RMSNorm before the rotation. */
  readonly headNorms: boolean;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
  readonly bosId?: number;
  readonly eosIds: readonly number[];
  readonly padId?: number;
  /** Fields that are not known here, and that do not sound as if they changed what is computed. */
  readonly unknownFields: readonly string[];
  /** The object as it was read, so that writing it back loses nothing. */
  readonly raw: Readonly<Record<string, unknown>>;
}

const ARCHITECTURES: Readonly<Record<Family, {readonly language: string; readonly score: string}>> = {
  llama: {language: 'LlamaForCausalLM', score: 'LlamaForSequenceClassification'},
  mistral: {language: 'MistralForCausalLM', score: 'MistralForSequenceClassification'},
  qwen2: {language: 'Qwen2ForCausalLM', score: 'Qwen2ForSequenceClassification'},
  qwen3: {language: 'Qwen3ForCausalLM', score: 'Qwen3ForSequenceClassification'},
};

/**
 * What a config means that leaves a field out: the defaults of transformers' `configuration_….py` of each family. Where
 * there is none, `num_key_value_heads` is the number of heads, and `head_dim` is hidden_size / heads; a `null` means that
 * everywhere. All families have rms_norm_eps 1e-6, rope_theta 10000, and untied embeddings.
 */
const DEFAULTS: Readonly<
  Record<Family, {readonly maxPositions: number; readonly keyValueHeads?: number; readonly headDim?: number}>
> = {
  llama: {maxPositions: 2048},
  mistral: {maxPositions: 131072, keyValueHeads: 8},
  qwen2: {maxPositions: 32768, keyValueHeads: 32},
  qwen3: {maxPositions: 32768, keyValueHeads: 32, headDim: 128},
};

/** Positions and ids are 32-bit numbers in a graph; whether there is as much as is asked for, the weights tell. */
const LARGEST = 2 ** 31 - 1;
const count = z.int().min(1).max(LARGEST);
const id = z.int().min(0).max(LARGEST).nullish();
const schema = z.looseObject({
  model_type: z.enum(['llama', 'mistral', 'qwen2', 'qwen3']),
  architectures: z.array(z.string()).min(1).nullish(),
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  max_position_embeddings: count.optional(),
  original_max_position_embeddings: count.nullish(),
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeFields.nullish(),
  rope_parameters: ropeFields.nullish(),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  hidden_act: z.enum(['silu', 'swish']).default('silu'), // two names for one function
  use_sliding_window: z.boolean().nullish(),
  sliding_window: count.nullish(),
  max_window_layers: z.int().min(0).nullish(),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
  initializer_range: z.number().positive().default(0.02),
  bos_token_id: id,
  eos_token_id: z.union([z.int().min(0).max(LARGEST), z.array(z.int().min(0).max(LARGEST))]).nullish(),
  // Old Llama checkpoints say −1 where there is none.
  pad_token_id: z.int().min(-1).max(LARGEST).nullish(),
});

const READ: ReadonlySet<string> = new Set(Object.keys(schema.shape));

/**
 * Reads a config. `where` names its file in messages.
 * @throws {StageFailure} naming the field that is missing, wrong, or asks for what is not implemented.
 */
export function parseConfig(json: unknown, where: string): ModelConfig {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    // Another family spells everything else differently, so that its other fields say nothing.
    const type = (json as {model_type?: unknown} | null)?.model_type;
    if (typeof type === 'string' && !(type in ARCHITECTURES)) {
      const families = Object.keys(ARCHITECTURES).join(' and ');
      throw new StageFailure(
        `${where} has model_type “${type}”; models of the families ${families} can be computed here`,
      );
    }
    const problems = parsed.error.issues.map(({path, message}) => `${path.join('.') || 'the file'}: ${message}`);
    throw new StageFailure(`${where} is not a model that can be computed here: ${problems.join('; ')}`);
  }
  const config = parsed.data;
  const refuse = (problem: string): never => {
    throw new StageFailure(`${where} is not a model that can be computed here: ${problem}`);
  };

  const names = ARCHITECTURES[config.model_type];
  const architecture = config.architectures?.[0] ?? names.language;
  const head =
    architecture === names.language
      ? 'language'
      : architecture === names.score
        ? 'score'
        : refuse(`architectures: “${architecture}” is neither ${names.language} nor ${names.score}`);
  const heads = config.num_attention_heads;
  const defaults = DEFAULTS[config.model_type];
  const given = <T>(value: T | null | undefined, absent: T | undefined, none: T): T =>
    (value === undefined ? absent : value) ?? none;
  const keyValueHeads = given(config.num_key_value_heads, defaults.keyValueHeads, heads);
  const headDim = given(config.head_dim, defaults.headDim, config.hidden_size / heads);
  if (heads % keyValueHeads !== 0) refuse(`num_key_value_heads: ${keyValueHeads} does not divide ${heads} heads`);
  if (!Number.isInteger(headDim)) refuse(`hidden_size: ${config.hidden_size} is not a multiple of ${heads} heads`);
  if (headDim % 2 !== 0) refuse(`head_dim: ${headDim} is odd, and rotary embeddings need pairs`);

  const maxPositions = config.max_position_embeddings ?? defaults.maxPositions;
  const isQwen = config.model_type === 'qwen2' || config.model_type === 'qwen3';
  if (!isQwen && config.use_sliding_window) refuse(`use_sliding_window: ${config.model_type} has no such field`);
  if (!isQwen && config.layer_types?.includes('sliding_attention')) {
    refuse(`layer_types: ${config.model_type} has no layers of sliding_attention`);
  }
  const window = slidingWindow(config);
  if (window !== undefined && window < maxPositions) {
    refuse(
      `sliding_window: each token would see only the ${window} before it, which is not implemented; set it to null to let ` +
        `each of the ${maxPositions} positions see all before it, or lower max_position_embeddings to ${window}`,
    );
  }
  const attentionBias = readAttentionBias(config, refuse);
  const mlpBias = config.mlp_bias ?? false;
  if (mlpBias && config.model_type !== 'llama') refuse(`mlp_bias: ${config.model_type} has none`);

  const headNorms = config.model_type === 'qwen3';
  const {problems, unknown} = sortUnread(config, READ, {headDim, headNorms});
  if (problems.length > 0) refuse(problems.join('; '));
  if (head === 'score' && (json as {num_labels?: unknown}).num_labels !== undefined) {
    const {num_labels: labels} = json as {num_labels: unknown};
    if (labels !== 1) refuse(`num_labels: a reward model has one score, not ${JSON.stringify(labels)}`);
  }

  const eos = config.eos_token_id ?? [];
  const eosIds = typeof eos === 'number' ? [eos] : eos;
  const padId = config.pad_token_id === -1 ? null : config.pad_token_id;
  for (const [field, given] of [
    ['bos_token_id', config.bos_token_id],
    ...eosIds.map((each) => ['eos_token_id', each] as const),
    ['pad_token_id', padId],
  ] as const) {
    if (typeof given === 'number' && given >= config.vocab_size)
      refuse(`${field}: ${given} is beyond the vocabulary, whose vocab_size is ${config.vocab_size}`);
  }
  return {
    family: config.model_type,
    head,
    vocabSize: config.vocab_size,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    layers: config.num_hidden_layers,
    heads,
    keyValueHeads,
    headDim,
    maxPositions,
    rope: readRope(config, maxPositions, refuse),
    rmsNormEps: config.rms_norm_eps,
    tied: config.tie_word_embeddings,
    attentionBias,
    mlpBias,
    headNorms,
    initializerRange: config.initializer_range,
    ...(typeof config.bos_token_id === 'number' && {bosId: config.bos_token_id}),
    eosIds,
    ...(typeof padId === 'number' && {padId}),
    unknownFields: unknown,
    raw: json as Record<string, unknown>,
  };
}

/** Qwen2 has biases on q, k and v whatever the field says, Mistral none; the others where it says so, and then on o, too. */
function readAttentionBias(
  {model_type: family, attention_bias: asked}: z.infer<typeof schema>,
  refuse: (problem: string) => never,
): ModelConfig['attentionBias'] {
  if (family === 'mistral' && asked === true) refuse('attention_bias: mistral has none');
  return family === 'qwen2' ? {qkv: true, output: false} : {qkv: asked ?? false, output: asked ?? false};
}

/** Mistral's window where the config says nothing. */
const MISTRAL_WINDOW = 4096;

/**
 * How many tokens the layers with a window see, as transformers reads the fields: Mistral's `sliding_window` is in use
 * unless it is null, Qwen's only with `use_sliding_window`, from layer `max_window_layers` (28) on or where `layer_types`
 * says so. Llama has none, and one that is asked for all the same counts.
 */
function slidingWindow(config: z.infer<typeof schema>): number | undefined {
  const {model_type: family, sliding_window: window, layer_types: types} = config;
  if (family === 'mistral') return window === undefined ? MISTRAL_WINDOW : (window ?? undefined);
  if (family === 'llama') return window ?? undefined;
  const sliding = types?.includes('sliding_attention') ?? (config.max_window_layers ?? 28) < config.num_hidden_layers;
  return config.use_sliding_window && sliding ? (window ?? (window === undefined ? 4096 : undefined)) : undefined;
}

/** The object that goes into `config.json`: the one that was read, so `parseConfig` gives the same config again. */
export function serialiseConfig(config: ModelConfig): Record<string, unknown> {
  return {architectures: [ARCHITECTURES[config.family][config.head]], ...config.raw};
}

/**
 * A fresh config from the few numbers that matter. Of the Llama family, or of Qwen3's, which is the same with normalized heads; not of
 * Qwen2's, because transformers 5 replaces the tokenizer class that a folder declares by its own where the model type is `qwen2`, and
 * then misreads a word-level tokenizer.
 *
 * @throws {StageFailure} naming the number that cannot be
 */
export function newConfig(numbers: {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads?: number;
  readonly maxPositions: number;
  readonly ropeTheta?: number;
  readonly tied?: boolean;
  /** Queries and keys of each head go through an RMSNorm before the rotation. */
  readonly headNorms?: boolean;
  readonly initializerRange?: number;
  readonly bosId?: number;
  readonly eosId: number;
  readonly padId: number;
}): ModelConfig {
  const family = numbers.headNorms === true ? 'qwen3' : 'llama';
  const headDim = numbers.hiddenSize / numbers.heads;
  const raw = {
    architectures: [ARCHITECTURES[family].language],
    model_type: family,
    vocab_size: numbers.vocabSize,
    hidden_size: numbers.hiddenSize,
    intermediate_size: numbers.intermediateSize,
    num_hidden_layers: numbers.layers,
    num_attention_heads: numbers.heads,
    num_key_value_heads: numbers.keyValueHeads ?? numbers.heads,
    max_position_embeddings: numbers.maxPositions,
    rope_theta: numbers.ropeTheta ?? 10000,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: numbers.tied ?? true,
    hidden_act: 'silu',
    attention_dropout: 0,
    attention_bias: false,
    // What only one of the two has: Qwen3's heads are 128 wide unless it says otherwise.
    ...(family === 'qwen3' ? {head_dim: Number.isInteger(headDim) ? headDim : null} : {mlp_bias: false}),
    initializer_range: numbers.initializerRange ?? 0.02,
    bos_token_id: numbers.bosId ?? null,
    eos_token_id: numbers.eosId,
    pad_token_id: numbers.padId,
    torch_dtype: 'float32',
    use_cache: true,
  };
  return parseConfig(raw, 'a new config');
}

/** The same body under a scalar head, as transformers' `…ForSequenceClassification` with one label has it. */
export function withScoreHead(config: ModelConfig): ModelConfig {
  const raw = {
    ...config.raw,
    architectures: [ARCHITECTURES[config.family].score],
    num_labels: 1,
    id2label: {'0': 'LABEL_0'},
    label2id: {LABEL_0: 0},
  };
  return parseConfig(raw, 'a reward model’s config');
}
