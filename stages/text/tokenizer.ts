/**
 * Opens the tokenizer that lies in a model or tokenizer folder, ours or any other in the Hugging Face format, and finds the
 * tokens that the rest of the code needs by role.
 */
import {join} from 'node:path';
import {StageFailure} from '../../pipeline/stage.js';
import {endIdsOf, readGeneration, readJsonIfThere} from '../model/hf-folder/index.js';
import {UnknownPart} from './decoder.js';
import {openEncoder} from './encoder.js';
import type {Encoder, NamedToken, TokenizerJson} from './encoder.js';
import {findTemplate} from './template-files.js';
import {readTokenizerConfig} from './tokenizer-config.js';
import type {TokenizerConfig} from './tokenizer-config.js';
import {readTokenizerJson} from './tokenizer-json.js';
import {turnEndOf} from './turn-end.js';

export interface Tokenizer {
  /** One more than the largest id. */
  readonly size: number;
  /**
   * Ids of a text. `addSpecial` puts before it what the tokenizer puts before every text (a BOS token, say), if it does not
   * begin with that. What it puts behind every text is left out: a prompt is to be continued.
   */
  encode(text: string, options?: {readonly addSpecial?: boolean}): number[];
  /** The text of ids; special tokens are kept unless `skipSpecial`. Tags of the R1 format are text and always kept. */
  decode(ids: ArrayLike<number>, options?: {readonly skipSpecial?: boolean}): string;
  idOf(token: string): number | undefined;
  /** A text of somebody else's, in which what looks like a special token is no more than its letters. */
  asText(text: string): string;
  /** Ends a response that is written to be learned from. */
  readonly eosId: number;
  /** Each of these ends a response that is sampled: `eosId`, what the model's files say, and the end of a turn. */
  readonly endIds: readonly number[];
  /** What a person should hear of it, one line each. */
  readonly notes: readonly string[];
  /** Fills batches; never one of `endIds`. */
  readonly padId: number;
  /** Stands for text that the tokenizer has no token for; absent where there is no such token, or it ends responses, too. */
  readonly unknownId?: number;
  readonly bosToken: string | undefined;
  readonly eosToken: string;
  /** Tokens by the names that a chat format knows them by (`pad_token`), as transformers gives them to it. */
  readonly specialTokens?: Readonly<Record<string, string | undefined>>;
  /** Jinja, if the tokenizer comes with a chat format. */
  readonly chatTemplate: string | undefined;
  /** The file that it stands in. */
  readonly chatTemplateFile?: string;
  /** Why there is no chat format, as the beginning of a sentence. */
  readonly chatTemplateMissing?: string;
}

export interface TokenizerOptions {
  /**
   * Whether a control token that somebody has typed into a question (`<|im_end|>`) counts as that token, as it does in most
   * other programs. By default it is text.
   */
  readonly specialInPrompts?: boolean;
}

/**
 * Opens the tokenizer of a folder.
 * @throws {StageFailure} when files are missing, broken or of an unknown kind, or when the model beside them knows fewer ids
 */
export async function openTokenizer(
  folder: string,
  {specialInPrompts = false}: TokenizerOptions = {},
): Promise<Tokenizer> {
  const file = join(folder, 'tokenizer.json');
  const json = await readTokenizerJson(file, folder);
  const tokens = new Set([...json.added_tokens.map(({content}) => content), ...Object.keys(json.model['vocab'] ?? {})]);
  const config = await readTokenizerConfig(folder, (token) => tokens.has(token));
  const encoder = open(json, config, file);
  const model = (await readJsonIfThere(join(folder, 'config.json'))) as ModelFields | undefined;
  if (typeof model?.vocab_size === 'number' && model.vocab_size < encoder.size) {
    throw new StageFailure(
      `${file} has ids up to ${encoder.size - 1}, but the model beside it has a vocabulary of ${model.vocab_size}`,
    );
  }
  const said = endIdsOf({eosIds: [model?.eos_token_id ?? []].flat()}, await readGeneration(folder));
  const {eosId, eosToken} = endOf(encoder, {config, said, folder});
  const listedEnds = [...new Set([eosId, ...said])];
  for (const id of listedEnds) {
    if (encoder.tokenOf(id) === undefined)
      throw new StageFailure(`the token ${id} ends the responses of the model in ${folder}, but ${file} lacks it`);
  }
  const {before, behind} = aroundPrompts(encoder, {config, eosId});
  const odd = behind.find((id) => !listedEnds.includes(id));
  const idOf = (token: string | undefined): number | undefined =>
    token === undefined ? undefined : encoder.idOf(token);
  const unknownId = idOf(config.unkToken ?? (json.model['unk_token'] as string | undefined));
  const template = await findTemplate(folder, config.file, config.chatTemplate);
  const turnEnd = template.source === undefined ? undefined : turnEndOf(template.source, encoder.added, config.named);
  const turnEndId = idOf(turnEnd);
  const isNewEnd = turnEnd !== undefined && turnEndId !== undefined && !listedEnds.includes(turnEndId);
  const endIds = isNewEnd ? [...listedEnds, turnEndId] : listedEnds;
  return {
    size: encoder.size,
    encode(text, {addSpecial = false} = {}) {
      const ids = encoder.encode(text);
      if (!addSpecial) return ids;
      if (odd !== undefined) {
        throw new StageFailure(
          `${file} puts “${encoder.tokenOf(odd)}” behind every text (post_processor), and a prompt is to be continued; ` +
            'use the template “chat”, or take the token out',
        );
      }
      return before.every((id, i) => ids[i] === id) ? ids : [...before, ...ids];
    },
    decode: (ids, {skipSpecial = false} = {}) => encoder.decode(Array.from(ids), {skipSpecial}),
    idOf: (token) => encoder.idOf(token),
    asText: (text) => (specialInPrompts ? text : encoder.asText(text)),
    eosId,
    endIds,
    notes: isNewEnd
      ? [`the chat template ends a turn with “${turnEnd}”, which no file lists as an end; responses end there, too`]
      : [],
    padId: padding(endIds, [config.padToken, config.unkToken, config.bosToken].map(idOf)),
    ...(unknownId === undefined || endIds.includes(unknownId) ? {} : {unknownId}),
    bosToken: config.bosToken,
    eosToken,
    specialTokens: config.named,
    chatTemplate: template.source,
    ...(template.source === undefined ? {chatTemplateMissing: template.why} : {chatTemplateFile: template.file}),
  };
}

/** What is read of a model's `config.json` here; the rest is for whoever opens the model. */
interface ModelFields {
  readonly vocab_size?: unknown;
  readonly eos_token_id?: number | readonly number[] | null;
}

function open(json: TokenizerJson, config: TokenizerConfig, file: string): Encoder {
  const listed = new Set([...json.added_tokens, ...config.flags].map(({content}) => content));
  const named: NamedToken[] = [...config.flags, ...config.special.filter(({content}) => !listed.has(content))];
  try {
    return openEncoder(json, named);
  } catch (error) {
    if (error instanceof UnknownPart) {
      throw new StageFailure(
        `${file} has ${error.message} which is not computed here as Hugging Face’s own library does; its texts would be read as other ids`,
      );
    }
    throw new StageFailure(`${file} is not a tokenizer that can be read: ${(error as Error).message}`);
  }
}

/** What ends a response: as the tokenizer says, else as the model says. */
function endOf(
  encoder: Encoder,
  {config, said, folder}: {readonly config: TokenizerConfig; readonly said: readonly number[]; readonly folder: string},
): {eosId: number; eosToken: string} {
  const token = config.eosToken;
  const id = token === undefined ? said[0] : encoder.idOf(token);
  if (id === undefined) {
    throw new StageFailure(
      `nothing says what ends a response: ${config.file} names no eos_token, and no eos_token_id is in config.json or generation_config.json of ${folder}`,
    );
  }
  return {eosId: id, eosToken: token ?? encoder.tokenOf(id) ?? ''};
}

/** Ids around a raw text: what the config says of BOS and EOS replaces the post-processor, as in transformers 5. */
function aroundPrompts(
  encoder: Encoder,
  {config, eosId}: {readonly config: TokenizerConfig; readonly eosId: number},
): {before: readonly number[]; behind: readonly number[]} {
  if (config.around === undefined) return encoder.around;
  const bos = config.bosToken === undefined ? undefined : encoder.idOf(config.bosToken);
  return {
    before: config.around.bos && bos !== undefined ? [bos] : [],
    behind: config.around.eos ? [eosId] : [],
  };
}

/**
 * Many models pad with EOS, which would make the end of a response and its padding the same thing. Padding is always
 * masked, so any other id does.
 */
function padding(endIds: readonly number[], candidates: readonly (number | undefined)[]): number {
  const free = candidates.find((id) => id !== undefined && !endIds.includes(id));
  if (free !== undefined) return free;
  let id = 0;
  while (endIds.includes(id)) id++;
  return id;
}
