/**
 * The door to @huggingface/tokenizers: opens the tokenizer that lies in a model or tokenizer folder, ours or any other in
 * the Hugging Face format, and finds the tokens that the rest of the code needs by role.
 */
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';

import {Tokenizer as HuggingFaceTokenizer} from '@huggingface/tokenizers';

import {StageFailure} from '../../pipeline/stage.js';

export interface Tokenizer {
  /** One more than the largest id. */
  readonly size: number;
  /** Ids of a text. `addSpecial` also adds what the tokenizer puts around every text (a BOS token, say). */
  encode(text: string, options?: {readonly addSpecial?: boolean}): number[];
  /** The text of ids; special tokens are kept unless `skipSpecial`. Tags of the R1 format are text and always kept. */
  decode(ids: ArrayLike<number>, options?: {readonly skipSpecial?: boolean}): string;
  idOf(token: string): number | undefined;
  /** Ends a response. */
  readonly eosId: number;
  /** Fills batches; never the same as `eosId`. */
  readonly padId: number;
  /** Stands for text that the tokenizer has no token for; absent where there is no such token, or it ends responses, too. */
  readonly unknownId?: number;
  readonly bosToken: string | undefined;
  readonly eosToken: string;
  /** Jinja, if the tokenizer comes with a chat format. */
  readonly chatTemplate: string | undefined;
  /** The file that it stands in. */
  readonly chatTemplateFile?: string;
}

/** What is used of the package. Its own declarations leave out file extensions, so that TypeScript cannot follow them. */
interface Package {
  encode(text: string, options: {add_special_tokens: boolean}): {ids: number[]};
  decode(ids: number[], options: {skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean}): string;
  token_to_id(token: string): number | undefined;
  get_vocab(withAddedTokens: boolean): Map<string, number>;
}
const PackageTokenizer = HuggingFaceTokenizer as unknown as new (tokenizer: object, config: object) => Package;

/**
 * Opens the tokenizer of a folder.
 * @throws {StageFailure} when files are missing, broken or of an unknown kind, or when the model beside them knows fewer ids
 */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  const file = join(folder, 'tokenizer.json');
  const configFile = join(folder, 'tokenizer_config.json');
  const json = await readJson(file);
  const config = plainTokens(await readJson(configFile));
  let tokenizer: Package;
  try {
    tokenizer = new PackageTokenizer(json, config);
  } catch (error) {
    throw new StageFailure(`${file} is not a tokenizer that can be read: ${messageOf(error)}`);
  }
  const eosToken = config['eos_token'];
  if (typeof eosToken !== 'string') throw new StageFailure(`${configFile} names no eos_token`);
  const eosId = tokenizer.token_to_id(eosToken);
  if (eosId === undefined) throw new StageFailure(`${configFile} names ${eosToken} as eos_token, but ${file} lacks it`);
  const idOf = (token: unknown): number | undefined =>
    typeof token === 'string' ? tokenizer.token_to_id(token) : undefined;
  const size = [...tokenizer.get_vocab(true).values()].reduce((largest, id) => Math.max(largest, id), -1) + 1;
  const rows = await modelVocabulary(folder);
  if (rows !== undefined && rows < size) {
    throw new StageFailure(`${file} has ids up to ${size - 1}, but the model beside it has a vocabulary of ${rows}`);
  }
  const unknownId = idOf(config['unk_token']);
  const templateFile = join(folder, 'chat_template.jinja');
  const ownTemplate = await readOptional(templateFile);
  return {
    size,
    encode: (text, {addSpecial = false} = {}) =>
      text === '' && !addSpecial ? [] : tokenizer.encode(text, {add_special_tokens: addSpecial}).ids,
    decode: (tokens, {skipSpecial = false} = {}) =>
      tokens.length === 0
        ? '' // The package refuses an empty list.
        : tokenizer.decode(Array.from(tokens), {skip_special_tokens: skipSpecial, clean_up_tokenization_spaces: false}),
    idOf,
    eosId,
    padId: padding(eosId, [config['pad_token'], config['unk_token'], config['bos_token']].map(idOf)),
    ...(unknownId === undefined || unknownId === eosId ? {} : {unknownId}),
    bosToken: typeof config['bos_token'] === 'string' ? config['bos_token'] : undefined,
    eosToken,
    ...(ownTemplate === undefined
      ? {chatTemplate: templateOf(config['chat_template']), chatTemplateFile: configFile}
      : {chatTemplate: ownTemplate, chatTemplateFile: templateFile}),
  };
}

/** Rows of the embedding matrix of the model in the same folder, if there is one. */
async function modelVocabulary(folder: string): Promise<number | undefined> {
  const file = join(folder, 'config.json');
  if ((await readOptional(file)) === undefined) return undefined;
  const rows = ((await readJson(file)) as {vocab_size?: unknown}).vocab_size;
  return typeof rows === 'number' ? rows : undefined;
}

/**
 * Many models pad with EOS, which would make the end of a response and its padding the same thing. Padding is always
 * masked, so any other id does.
 */
function padding(eosId: number, candidates: readonly (number | undefined)[]): number {
  return candidates.find((id) => id !== undefined && id !== eosId) ?? (eosId === 0 ? 1 : 0);
}

/** Older files write special tokens as objects with a `content`; the package expects strings. */
function plainTokens(config: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]: [string, unknown]) => [
      name,
      name.endsWith('_token') && typeof value === 'object' && value !== null && 'content' in value
        ? value.content
        : value,
    ]),
  );
}

/** One template, or a list of named ones of which `default` is meant. */
function templateOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const named = value as {name?: unknown; template?: unknown}[];
  const chosen = named.find((entry) => entry.name === 'default') ?? named[0];
  return typeof chosen?.template === 'string' ? chosen.template : undefined;
}

async function readJson(file: string): Promise<object> {
  const text = await readOptional(file);
  if (text === undefined) throw new StageFailure(`${file} is missing`);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw new StageFailure(`${file} is not JSON: ${messageOf(error)}`);
  }
  throw new StageFailure(`${file} does not hold an object`);
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'EISDIR') throw new StageFailure(`${file} is a folder and should be a file`);
    throw error;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
