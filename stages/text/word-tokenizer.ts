/**
 * Writes a word-level tokenizer in the Hugging Face format: `tokenizer.json` and `tokenizer_config.json` as Python's
 * `tokenizers` and `transformers` read them. One word, digit, punctuation mark or tag is one token. Nothing is learnt:
 * the vocabulary is a list.
 */
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';

/** Tokens that are no words. The tags of R1's format are ordinary text to a decoder (`special: false`), the rest is not. */
export const SPECIAL_TOKENS = {
  pad: '<|pad|>',
  end: '<|end|>',
  unknown: '<|unknown|>',
  user: '<|user|>',
  assistant: '<|assistant|>',
} as const;
export const TAGS = ['<think>', '</think>', '<answer>', '</answer>'] as const;

/** The chat format in Jinja. The assistant's turn is opened and left to the model: no `<think>` is put in its mouth. */
export const WORD_CHAT_TEMPLATE =
  '{% for message in messages %}' +
  '{% if not loop.first %} {% endif %}' +
  "{% if message['role'] == 'assistant' %}<|assistant|> {{ message['content'] }} <|end|>" +
  "{% else %}<|user|> {{ message['content'] }}{% endif %}" +
  '{% endfor %}' +
  '{% if add_generation_prompt %} <|assistant|>{% endif %}';

/**
 * Cuts text into words without asking for spaces: a known word that is more than a run of Latin letters or a single character
 * (longest first), such as a Chinese word or a number; a run of Latin letters; a single digit; a single other character. Written
 * with explicit ranges, which Oniguruma and JavaScript read alike.
 */
function splitPattern(words: readonly string[]): string {
  const known = words
    .filter((word) => !/^(?:[a-z]+|.)$/u.test(word))
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .map((word) => word.replaceAll(/[\^$\\.*+?()[\]{}|/]/g, (character) => `\\${character}`));
  return [...known, '[a-z]+', '[^\\s]'].join('|');
}

/** The two files as objects. Ids: special tokens, tags, then the words in the order given. */
export function wordTokenizer(words: readonly string[]): {tokenizer: object; config: object} {
  const {pad, end, unknown, user, assistant} = SPECIAL_TOKENS;
  const added = [...Object.values(SPECIAL_TOKENS), ...TAGS];
  const all = [...added, ...words];
  if (new Set(all).size < all.length) throw new RangeError('a vocabulary cannot list a word twice');
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: id < added.length - TAGS.length,
      })),
      normalizer: {type: 'Lowercase'},
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          {type: 'WhitespaceSplit'},
          {type: 'Split', pattern: {Regex: splitPattern(words)}, behavior: 'Isolated', invert: false},
        ],
      },
      post_processor: null,
      decoder: null,
      model: {type: 'WordLevel', vocab: Object.fromEntries(all.map((token, id) => [token, id])), unk_token: unknown},
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      pad_token: pad,
      eos_token: end,
      unk_token: unknown,
      additional_special_tokens: [user, assistant],
      clean_up_tokenization_spaces: false,
      model_max_length: 4096,
      chat_template: WORD_CHAT_TEMPLATE,
    },
  };
}

/** Writes the tokenizer's files into `folder`. Equal words give equal bytes. */
export async function writeWordTokenizer(folder: string, words: readonly string[]): Promise<void> {
  const {tokenizer, config} = wordTokenizer(words);
  const {pad, end, unknown, user, assistant} = SPECIAL_TOKENS;
  const map = {pad_token: pad, eos_token: end, unk_token: unknown, additional_special_tokens: [user, assistant]};
  const write = (name: string, value: object): Promise<void> =>
    writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await mkdir(folder, {recursive: true});
  await write('tokenizer.json', tokenizer);
  await write('tokenizer_config.json', config);
  await write('special_tokens_map.json', map);
}
