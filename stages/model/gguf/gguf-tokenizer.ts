/**
 * A `tokenizer.json` as the keys of a GGUF file: the counterpart of `hf-tokenizer.ts`. llama.cpp knows tokenizers by name, so
 * one whose parts are not those of a name that is known here is refused, and what part it is.
 */
import {z} from 'zod';
import {StageFailure} from '../../../pipeline/stage.js';
import type {ModelConfig} from '../config.js';
import {TOKEN_TYPE} from './hf-tokenizer.js';
import {PRE_TOKENIZERS} from './pre-tokenizers.js';
import type {PreTokenizer} from './pre-tokenizers.js';
import {flag, int32s, text, texts, uint32} from './write-metadata.js';
import type {Value} from './write-metadata.js';

const part = z.looseObject({type: z.string()});
const tokenizerJson = z.looseObject({
  added_tokens: z
    .array(
      z.looseObject({
        id: z.int().min(0),
        content: z.string(),
        single_word: z.boolean().default(false),
        lstrip: z.boolean().default(false),
        rstrip: z.boolean().default(false),
        special: z.boolean().default(false),
      }),
    )
    .default([]),
  normalizer: part.nullish(),
  pre_tokenizer: part.nullish(),
  post_processor: part.nullish(),
  decoder: part.nullish(),
  model: z.looseObject({type: z.string()}),
});
const bpe = z.looseObject({
  vocab: z.record(z.string(), z.int().min(0)),
  merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  ignore_merges: z.boolean().nullish(),
  byte_fallback: z.boolean().nullish(),
  continuing_subword_prefix: z.string().nullish(),
  end_of_word_suffix: z.string().nullish(),
});

/** What a tokenizer needs to be told of besides its file. */
export interface TokenizerSource {
  /** `tokenizer.json`, parsed. */
  readonly json: unknown;
  /** What messages call it. */
  readonly where: string;
  readonly config: ModelConfig;
  /** Special tokens by role, where the folder names them. */
  readonly tokens: {
    readonly bos?: string | undefined;
    readonly eos: string;
    readonly pad?: string | undefined;
    readonly unknown?: string | undefined;
  };
  readonly chatTemplate: string | undefined;
}

/** @throws {StageFailure} naming the part of the tokenizer that GGUF, or llama.cpp, has nothing for */
export function tokenizerKeys({
  json,
  where,
  config,
  tokens,
  chatTemplate,
}: TokenizerSource): (readonly [string, Value])[] {
  const refuse = (problem: string): never => {
    throw new StageFailure(`${where} cannot be said in a GGUF file: ${problem}`);
  };
  const parsed = tokenizerJson.safeParse(json);
  if (!parsed.success) return refuse(`${parsed.error.issues[0]!.path.join('.')}: ${parsed.error.issues[0]!.message}`);
  const {added_tokens: added, model, decoder, ...parts} = parsed.data;
  if (model.type !== 'BPE') refuse(`its model is ${model.type}, where llama.cpp needs byte-level BPE`);
  const {vocab, merges, ...kind} = bpe.parse(model);
  for (const field of ['byte_fallback', 'continuing_subword_prefix', 'end_of_word_suffix'] as const) {
    if (Boolean(kind[field])) refuse(`its model has ${field}`);
  }
  if (decoder?.type !== 'ByteLevel') refuse(`its decoder is ${decoder?.type ?? 'missing'}, not ByteLevel`);
  const pre =
    PRE_TOKENIZERS.find((known) => isOfKind(known, {...parts, ignoreMerges: kind.ignore_merges ?? false})) ??
    refuse(
      `its normalizer, pre-tokenizer and ignore_merges together are of no kind that is known (${PRE_TOKENIZERS.map(({names}) => names[0]).join(', ')})`,
    );
  const odd = added.find((token) => token.single_word || token.lstrip || token.rstrip);
  if (odd !== undefined) refuse(`its added token “${odd.content}” has single_word, lstrip or rstrip`);

  const list = new Array<string | undefined>(config.vocabSize).fill(undefined);
  const types = new Array<number>(config.vocabSize).fill(TOKEN_TYPE.unused);
  const put = (token: string, id: number, type: number): void => {
    if (id >= config.vocabSize) refuse(`token “${token}” has id ${id}, and the model ${config.vocabSize} rows`);
    list[id] = token;
    types[id] = type;
  };
  for (const [token, id] of Object.entries(vocab)) put(token, id, TOKEN_TYPE.normal);
  for (const {content, id, special} of added) put(content, id, special ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined);
  const idOf = (token: string): number => {
    const id = list.indexOf(token);
    return id === -1 ? refuse(`it lacks the token “${token}”`) : id;
  };
  const around = whatIsAdded(parts.post_processor ?? undefined, refuse);
  for (const token of [...around.before, ...around.behind]) {
    const role = around.before.includes(token) ? tokens.bos : tokens.eos;
    if (token !== role)
      refuse(`it puts “${token}” around texts, which is neither its BOS before nor its EOS behind them`);
  }
  const eos = idOf(tokens.eos);
  const [turn, message, ...more] = config.eosIds.filter((id) => id !== eos);
  if (more.length > 0) refuse(`the model ends at ${config.eosIds.length} tokens; three can be named`);
  return [
    ['tokenizer.ggml.model', text('gpt2')],
    ['tokenizer.ggml.pre', text(pre.names[0]!)],
    ['tokenizer.ggml.tokens', texts(list.map((token, id) => token ?? `[PAD${id}]`))],
    ['tokenizer.ggml.token_type', int32s(types)],
    ['tokenizer.ggml.merges', texts(merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' '))))],
    ...(tokens.bos === undefined ? [] : [['tokenizer.ggml.bos_token_id', uint32(idOf(tokens.bos))] as const]),
    ['tokenizer.ggml.eos_token_id', uint32(eos)],
    ...(turn === undefined ? [] : [['tokenizer.ggml.eot_token_id', uint32(turn)] as const]),
    ...(message === undefined ? [] : [['tokenizer.ggml.eom_token_id', uint32(message)] as const]),
    ...(tokens.unknown === undefined
      ? []
      : [['tokenizer.ggml.unknown_token_id', uint32(idOf(tokens.unknown))] as const]),
    ...(tokens.pad === undefined ? [] : [['tokenizer.ggml.padding_token_id', uint32(idOf(tokens.pad))] as const]),
    ['tokenizer.ggml.add_bos_token', flag(around.before.length > 0)],
    ['tokenizer.ggml.add_eos_token', flag(around.behind.length > 0)],
    ...(chatTemplate === undefined ? [] : [['tokenizer.chat_template', text(chatTemplate)] as const]),
  ];
}

interface Parts {
  readonly normalizer?: unknown;
  readonly pre_tokenizer?: unknown;
  readonly ignoreMerges: boolean;
}

const isOfKind = (known: PreTokenizer, parts: Parts): boolean =>
  plain(known.normalizer) === plain(parts.normalizer) &&
  plain(known.preTokenizer) === plain(parts.pre_tokenizer) &&
  known.ignoreMerges === parts.ignoreMerges;

/** A part in one spelling: without what changes no id, keys sorted, a sequence of none or of one taken for what it is. */
function plain(value: unknown): string {
  const reduced = (each: unknown): unknown => {
    if (typeof each !== 'object' || each === null) return each ?? null;
    const {trim_offsets: _, ...fields} = each as Readonly<Record<string, unknown>>;
    const inner = fields['pretokenizers'] ?? fields['normalizers'];
    if (Array.isArray(inner) && inner.length < 2) return reduced(inner[0]);
    if (Array.isArray(inner)) return inner.map(reduced);
    return Object.fromEntries(
      Object.entries(fields)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, field]) => [name, reduced(field)]),
    );
  };
  return JSON.stringify(reduced(value));
}

const template = z.looseObject({
  single: z.array(
    z.union([
      z.looseObject({SpecialToken: z.looseObject({id: z.string()})}),
      z.looseObject({Sequence: z.looseObject({id: z.literal('A')})}),
    ]),
  ),
});
const sequence = z.looseObject({processors: z.array(part)});

/** The tokens that the tokenizer puts before and behind every text. */
function whatIsAdded(
  processor: z.infer<typeof part> | undefined,
  refuse: (problem: string) => never,
): {readonly before: readonly string[]; readonly behind: readonly string[]} {
  if (processor === undefined || processor.type === 'ByteLevel') return {before: [], behind: []};
  if (processor.type === 'Sequence') {
    const inner = sequence.parse(processor).processors.filter(({type}) => type !== 'ByteLevel');
    if (inner.length > 1) refuse('its post-processor is a sequence of several');
    return whatIsAdded(inner[0], refuse);
  }
  const parsed = template.safeParse(processor);
  if (processor.type !== 'TemplateProcessing' || !parsed.success)
    return refuse(`its post-processor is ${processor.type}`);
  const names = parsed.data.single.map((each) =>
    'SpecialToken' in each ? (each.SpecialToken as {id: string}).id : undefined,
  );
  const text = names.indexOf(undefined);
  const [before, behind] = [names.slice(0, text), names.slice(text + 1)] as [string[], string[]];
  if (text === -1 || before.length > 1 || behind.length > 1)
    refuse('its post-processor adds more than a BOS and an EOS');
  return {before, behind};
}
