/**
 * The tokenizer that a GGUF file carries, as `tokenizer.json` and `tokenizer_config.json`: byte-level BPE of the kinds in
 * `pre-tokenizers.ts`. Other kinds are refused by name; a tokenizer that is nearly right gives a model that is nearly right.
 */
import type {Metadata} from './metadata.js';
import {PRE_TOKENIZERS} from './pre-tokenizers.js';
import type {PreTokenizer} from './pre-tokenizers.js';

/** `tokenizer.ggml.token_type`: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
export const TOKEN_TYPE = {normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6} as const;

/** The special tokens by id. */
export interface TokenIds {
  readonly bos: number | undefined;
  /** What ends a turn: end of text, of turn, of message, each once, the first first. */
  readonly ends: readonly number[];
  readonly padding: number | undefined;
  readonly unknown: number | undefined;
}

/** @throws {StageFailure} where an id lies outside of the vocabulary, or nothing ends a text */
export function tokenIds(metadata: Metadata): TokenIds {
  const size = metadata.texts('tokenizer.ggml.tokens').length;
  const id = (name: string): number | undefined => {
    const key = `tokenizer.ggml.${name}_token_id`;
    const value = metadata.integer(key, undefined);
    if (value !== undefined && value >= size)
      metadata.refuse(`${key} is ${value}, and the vocabulary has ${size} tokens`);
    return value;
  };
  const end =
    id('eos') ?? metadata.refuse('the key tokenizer.ggml.eos_token_id is missing: nothing would end a response');
  const ends = new Set([end, id('eot'), id('eom')].filter((each) => each !== undefined));
  return {bos: id('bos'), ends: [...ends], padding: id('padding'), unknown: id('unknown')};
}

/**
 * Both files as objects.
 * @throws {StageFailure} naming the key, or the kind of tokenizer that is not implemented
 */
export function hfTokenizer(metadata: Metadata, ids: TokenIds): {tokenizer: object; config: object} {
  const kind = preTokenizerOf(metadata);
  const tokens = metadata.texts('tokenizer.ggml.tokens');
  const types = metadata.has('tokenizer.ggml.token_type')
    ? metadata.integers('tokenizer.ggml.token_type')
    : tokens.map(() => TOKEN_TYPE.normal);
  if (types.length !== tokens.length)
    metadata.refuse(`tokenizer.ggml.token_type has ${types.length} entries for ${tokens.length} tokens`);
  const vocabulary: Record<string, number> = {};
  const seen = new Set<string>();
  tokens.forEach((token, id) => {
    // Rows of the matrix that no token belongs to are named in GGUF, so that the list is as long as the matrix.
    if (types[id] === TOKEN_TYPE.unused) return;
    if (seen.has(token)) metadata.refuse(`tokenizer.ggml.tokens lists “${token}” twice`);
    seen.add(token);
    vocabulary[token] = id;
  });
  const added = tokens.flatMap((content, id) =>
    ([TOKEN_TYPE.unknown, TOKEN_TYPE.control, TOKEN_TYPE.userDefined] as readonly number[]).includes(types[id]!)
      ? [
          {
            id,
            content,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: types[id] !== TOKEN_TYPE.userDefined,
          },
        ]
      : [],
  );
  const merges = metadata.texts('tokenizer.ggml.merges').map((merge) => {
    const pair = merge.split(' ');
    return pair.length === 2 ? pair : metadata.refuse(`tokenizer.ggml.merges: “${merge}” is not two tokens`);
  });
  const named = (id: number | undefined): string | null => (id === undefined ? null : tokens[id]!);
  const template = metadata.text('tokenizer.chat_template', undefined);
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: kind.normalizer,
      pre_tokenizer: kind.preTokenizer,
      post_processor: postProcessor(metadata, kind, {bos: ids.bos, end: ids.ends[0]!, tokens}),
      decoder: {type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true},
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: kind.ignoreMerges,
        vocab: vocabulary,
        merges,
      },
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: named(ids.bos),
      eos_token: named(ids.ends[0]),
      pad_token: named(ids.padding),
      unk_token: named(ids.unknown),
      clean_up_tokenization_spaces: false,
      model_max_length: metadata.integer(`${metadata.text('general.architecture')}.context_length`),
      ...(template !== undefined && {chat_template: template}),
    },
  };
}

function preTokenizerOf(metadata: Metadata): PreTokenizer {
  const model = metadata.text('tokenizer.ggml.model');
  if (model === 'llama') {
    metadata.refuse(
      'tokenizer.ggml.model is “llama” (SentencePiece), which is not implemented; import the model’s Hugging Face folder, ' +
        'whose tokenizer.json is read',
    );
  }
  if (model !== 'gpt2') metadata.refuse(`tokenizer.ggml.model is “${model}”; gpt2 (byte-level BPE) is implemented`);
  const name = metadata.text('tokenizer.ggml.pre', undefined);
  const known = PRE_TOKENIZERS.flatMap(({names}) => names).join(', ');
  if (name === undefined) {
    return metadata.refuse(
      `the key tokenizer.ggml.pre is missing, so it is not known how text is cut; convert the model again with a llama.cpp from May 2024 on (known: ${known})`,
    );
  }
  return (
    PRE_TOKENIZERS.find(({names}) => names.includes(name)) ??
    metadata.refuse(`tokenizer.ggml.pre is “${name}”, which is not implemented (${known} are)`)
  );
}

/** What is put around every text: BOS before it, EOS behind it, as the file says. */
function postProcessor(
  metadata: Metadata,
  kind: PreTokenizer,
  {bos, end, tokens}: {readonly bos: number | undefined; readonly end: number; readonly tokens: readonly string[]},
): object | null {
  const before = metadata.flag('tokenizer.ggml.add_bos_token', kind.addsBos)
    ? [
        bos ??
          metadata.refuse('tokenizer.ggml.add_bos_token asks for a BOS, and tokenizer.ggml.bos_token_id is missing'),
      ]
    : [];
  const behind = metadata.flag('tokenizer.ggml.add_eos_token', false) ? [end] : [];
  if (before.length + behind.length === 0) return null;
  const special = (type: number) => (id: number) => ({SpecialToken: {id: tokens[id], type_id: type}});
  const around = (sequence: string, type: number): object[] => [
    ...before.map(special(type)),
    {Sequence: {id: sequence, type_id: type}},
    ...behind.map(special(type)),
  ];
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(
      [...before, ...behind].map((id) => [tokens[id]!, {id: tokens[id]!, ids: [id], tokens: [tokens[id]!]}]),
    ),
  };
}
