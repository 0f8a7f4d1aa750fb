/**
 * How text is cut before byte-pair encoding. GGUF says it by a name (`tokenizer.ggml.pre`), a `tokenizer.json` by patterns.
 * Names and patterns: `llama_vocab::impl::load` and `llm_tokenizer_bpe` of llama.cpp (https://github.com/ggml-org/llama.cpp,
 * src/llama-vocab.cpp), each beside the `tokenizer.json` that the models of that name come with.
 */

export interface PreTokenizer {
  /** `tokenizer.ggml.pre`; the first is the one that is written. */
  readonly names: readonly string[];
  readonly normalizer: object | null;
  readonly preTokenizer: object;
  /** A piece of text that is a token as it stands is taken whole, whatever the merges would make of it. */
  readonly ignoreMerges: boolean;
  /** Whether llama.cpp puts BOS before every text unless the file says otherwise. */
  readonly addsBos: boolean;
}

const byteLevel = (useRegex: boolean): object => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});

/** By a pattern, whose matches and gaps are pieces alike. */
const split = (pattern: string): object => ({
  type: 'Sequence',
  pretokenizers: [{type: 'Split', pattern: {Regex: pattern}, behavior: 'Isolated', invert: false}, byteLevel(false)],
});

/** Words with one sign before them, numbers of up to so many digits, runs of signs, runs of line ends, runs of blanks. */
const words = (digits: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

export const PRE_TOKENIZERS: readonly PreTokenizer[] = [
  {names: ['gpt-2'], normalizer: null, preTokenizer: byteLevel(true), ignoreMerges: false, addsBos: false},
  {
    names: ['smollm'],
    normalizer: null,
    preTokenizer: {
      type: 'Sequence',
      pretokenizers: [{type: 'Digits', individual_digits: true}, byteLevel(true)],
    },
    ignoreMerges: false,
    addsBos: false,
  },
  {names: ['qwen2'], normalizer: {type: 'NFC'}, preTokenizer: split(words('')), ignoreMerges: false, addsBos: false},
  {names: ['deepseek-r1-qwen'], normalizer: null, preTokenizer: split(words('')), ignoreMerges: false, addsBos: false},
  {
    names: ['llama-bpe', 'llama3', 'llama-v3'],
    normalizer: null,
    preTokenizer: split(words('{1,3}')),
    ignoreMerges: true,
    addsBos: true,
  },
];
