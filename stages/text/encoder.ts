/**
 * The door to @huggingface/tokenizers: from text to ids, exactly as Hugging Face's Rust library has it. Merging, the
 * translation of Oniguruma's patterns and Unicode's normal forms are the package's; what it does otherwise than the
 * reference is put right here, in added-tokens.ts, decoder.ts and tokenizer-parts.ts, or refused.
 */
import {Tokenizer as HuggingFaceTokenizer} from '@huggingface/tokenizers';
import {splitter} from './added-tokens.js';
import type {AddedToken} from './added-tokens.js';
import {UnknownPart, decoderOf} from './decoder.js';
import type {Part} from './decoder.js';
import {aroundOf, exactModel, exactNormalizer, exactPreTokenizer} from './tokenizer-parts.js';
import type {Around} from './tokenizer-parts.js';

/** A tokenizer.json, as far as it is read here. */
export interface TokenizerJson {
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: Part | null;
  readonly pre_tokenizer: Part | null;
  readonly post_processor: Part | null;
  readonly decoder: Part | null;
  readonly model: Part;
}

/** What the package has inside. Its own declarations leave out file extensions, so that TypeScript cannot follow them. */
interface Package {
  encode(text: string): {ids: number[]};
  id_to_token(id: number): string | undefined;
  token_to_id(token: string): number | undefined;
  get_vocab(withAddedTokens: boolean): Map<string, number>;
  normalizer: Normalizing | null;
  pre_tokenizer: PreTokenizing | null;
  splitter_unnormalized: {split(text: string): string[]};
  splitter_normalized: {split(text: string): string[]};
  readonly added_tokens_map: Map<string, {id: number; lstrip: boolean; rstrip: boolean}>;
}
interface Normalizing {
  normalize(text: string): string;
  readonly config: {readonly type: string};
  readonly normalizers?: readonly (Normalizing | null)[];
}
type PreTokenizing = ((text: string, options: unknown) => string[]) & {
  pattern?: RegExp;
  readonly config?: {readonly type: string};
  readonly tokenizers?: readonly (PreTokenizing | null)[];
};
const PackageTokenizer = HuggingFaceTokenizer as unknown as new (tokenizer: object, config: object) => Package;

/** Text to ids and back. */
export interface Encoder {
  /** One more than the largest id. */
  readonly size: number;
  encode(text: string): number[];
  /** Ids without a token are left out, as the reference does. */
  decode(ids: readonly number[], options: {readonly skipSpecial: boolean}): string;
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
  /** What the post-processor puts around every text. */
  readonly around: Around;
  readonly added: readonly AddedToken[];
  /**
   * A text in which no special token counts as such: the first character of each is marked. `encode` takes the marks out
   * again, behind the point where it looks for added tokens.
   */
  asText(text: string): string;
}

/** A code point that is no character, so that no text has it for a reason; a person's text loses it. */
const MARK = '\uFDD0';

/** GPT-2's pattern, with the whitespace of Unicode: that of JavaScript has U+FEFF and lacks U+0085. */
const BYTE_LEVEL =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** An added token that another file than tokenizer.json names; with its id where that is said. */
export type NamedToken = Omit<AddedToken, 'id'> & {readonly id?: number};

/**
 * @param named tokens that the folder's other files name, in their order: transformers adds them, and lets their flags count
 * @throws {UnknownPart} naming a part that is not computed here as the reference does
 */
export function openEncoder(json: TokenizerJson, named: readonly NamedToken[]): Encoder {
  const model = exactModel(json.model);
  const normalizer = exactNormalizer(json.normalizer);
  const added = addedTokens(json.added_tokens, named, model.vocab);
  const decode = decoderOf(json.decoder);
  const around = aroundOf(json.post_processor);
  const tokenizer = new PackageTokenizer(
    {
      ...{model, normalizer, pre_tokenizer: exactPreTokenizer(json.pre_tokenizer), decoder: null},
      ...{post_processor: null, added_tokens: []},
    },
    {unk_token: model['unk_token']},
  );
  if (tokenizer.normalizer !== null) lowercaseByCharacter(tokenizer.normalizer);
  const {pre_tokenizer: preTokenizer} = tokenizer;
  if (preTokenizer !== null) putByteLevelRight(preTokenizer);
  const unmarked = (text: string): string => (text.includes(MARK) ? text.replaceAll(MARK, '') : text);
  tokenizer.pre_tokenizer = (text: string, options: unknown) => {
    const clean = unmarked(text);
    if (clean === '') return [];
    return preTokenizer === null ? [clean] : preTokenizer(clean, options);
  };
  // Tokens that are found in normalized text are looked for in their normalized form.
  const normal = (text: string): string => tokenizer.normalizer?.normalize(text) ?? text;
  const raw = added.filter(({normalized}) => !normalized).map((token) => [token.content, token] as const);
  const soft = added.filter(({normalized}) => normalized).map((token) => [normal(token.content), token] as const);
  if (soft.length > 0 && firstOnly(json.pre_tokenizer))
    throw new UnknownPart(`added token “${soft[0]![1].content}” (normalized) beside prepend_scheme “first”`);
  // The package knows added tokens by their text, and takes a piece of ordinary text that is spelled alike for one of them.
  const name = ({id}: AddedToken): string => `${MARK}${id}`;
  tokenizer.splitter_unnormalized = {split: splitter(new Map(raw), name)};
  tokenizer.splitter_normalized = {split: splitter(new Map(soft), name)};
  for (const token of added) tokenizer.added_tokens_map.set(name(token), {id: token.id, lstrip: false, rstrip: false});

  const byContent = new Map(added.map((token) => [token.content, token.id]));
  const byId = new Map(added.map((token) => [token.id, token.content]));
  const tokenOf = (id: number): string | undefined => byId.get(id) ?? tokenizer.id_to_token(id);
  const written = new Map(soft.map(([content, {id}]) => [id, content])); // the reference writes them so
  // By its text in the reference, too, which does not find what it writes in another way.
  const isLeftOut = ({special, content, id}: AddedToken): boolean =>
    special && (written.get(id) ?? content) === content;
  const special = new Set(added.filter(isLeftOut).map(({id}) => id));
  // A token of one character has no place for a mark.
  const controls = added
    .filter((token) => token.special && Array.from(token.content).length > 1)
    .map(({content}) => content);
  return {
    size:
      [...tokenizer.get_vocab(true).values(), ...byId.keys()].reduce((largest, id) => Math.max(largest, id), -1) + 1,
    encode: (text) => (text === '' ? [] : tokenizer.encode(text).ids),
    decode: (ids, {skipSpecial}) =>
      decode(ids.flatMap((id) => (skipSpecial && special.has(id) ? [] : (written.get(id) ?? tokenOf(id) ?? [])))),
    idOf: (token) => byContent.get(token) ?? tokenizer.token_to_id(token),
    tokenOf,
    around,
    added,
    asText(text) {
      let marked = unmarked(text);
      for (const control of controls) {
        if (!marked.includes(control)) continue;
        const [first = ''] = control;
        marked = marked.replaceAll(control, () => first + MARK + control.slice(first.length));
      }
      return marked;
    },
  };
}

/**
 * The added tokens with the ids that the reference gives them: that of the vocabulary, or the next that is free.
 *
 * @throws {UnknownPart} where the file says another id
 */
function addedTokens(
  given: readonly AddedToken[],
  named: readonly NamedToken[],
  vocab: Readonly<Record<string, number>>,
): AddedToken[] {
  const size = Object.keys(vocab).length;
  const tokens = new Map<string, AddedToken>();
  let largest = -1;
  const add = ({id: said, ...token}: NamedToken): void => {
    const known =
      tokens.get(token.content)?.id ?? (Object.hasOwn(vocab, token.content) ? vocab[token.content] : undefined);
    const id = known ?? Math.max(size, largest + 1);
    if (said !== undefined && said !== id)
      throw new UnknownPart(`added token “${token.content}” with the id ${said}, where ${id} comes next,`);
    largest = Math.max(largest, id);
    tokens.set(token.content, {...token, id});
  };
  for (const token of [...given, ...named]) add(token);
  return [...tokens.values()];
}

const firstOnly = (part: Part | null): boolean =>
  part !== null &&
  (part['prepend_scheme'] === 'first' ||
    ((part['pretokenizers'] as readonly Part[] | undefined)?.some((one) => firstOnly(one)) ?? false));

/** The reference lowers one character after the other, so that a sigma at the end of a word is none of a special kind. */
function lowercaseByCharacter(normalizer: Normalizing): void {
  normalizer.normalizers?.forEach((one) => one !== null && lowercaseByCharacter(one));
  if (normalizer.config.type !== 'Lowercase') return;
  normalizer.normalize = (text) =>
    text.includes('\u03A3') ? Array.from(text, (character) => character.toLowerCase()).join('') : text.toLowerCase();
}

function putByteLevelRight(preTokenizer: PreTokenizing): void {
  preTokenizer.tokenizers?.forEach((one) => one !== null && putByteLevelRight(one));
  if (preTokenizer.config?.type === 'ByteLevel') preTokenizer.pattern = BYTE_LEVEL;
}
