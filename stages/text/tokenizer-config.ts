/**
 * What the files beside a tokenizer.json say of it: `tokenizer_config.json`, and in older folders `special_tokens_map.json`.
 * Read as transformers 5 does (`TokenizersBackend.__init__`): flags of a token that `added_tokens_decoder` gives count, and a
 * token with a role is a special token whether tokenizer.json lists it or not.
 */
import {join} from 'node:path';
import {readJsonIfThere} from '../model/hf-folder/index.js';
import {StageFailure} from '../../pipeline/stage.js';
import type {NamedToken} from './encoder.js';

export interface TokenizerConfig {
  /** Where roles are given: the file to name in messages. */
  readonly file: string;
  readonly eosToken?: string;
  readonly bosToken?: string;
  readonly padToken?: string;
  readonly unkToken?: string;
  /** Whether a BOS is put before every text and an EOS behind it, in the place of what tokenizer.json says. */
  readonly around?: {readonly bos: boolean; readonly eos: boolean};
  /** Flags of tokens by content; those with an id are meant to be added where tokenizer.json lacks them. */
  readonly flags: readonly NamedToken[];
  /** Tokens with a role. */
  readonly special: readonly NamedToken[];
  readonly chatTemplate: unknown;
  /** Tokens by their names, which a chat template may write. */
  readonly named: Readonly<Record<string, string>>;
}

const ROLES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const;
/** Roles that mean nothing here: a token that the tokenizer lacks is passed over. */
const UNUSED: ReadonlySet<string> = new Set(['unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token']);

/**
 * @param knows whether tokenizer.json has a token
 * @throws {StageFailure} naming the file and the field that is wrong
 */
export async function readTokenizerConfig(folder: string, knows: (token: string) => boolean): Promise<TokenizerConfig> {
  const file = join(folder, 'tokenizer_config.json');
  const config = objectIn(await readJsonIfThere(file), file);
  const mapFile = join(folder, 'special_tokens_map.json');
  const map = objectIn(await readJsonIfThere(mapFile), mapFile);
  const roles = new Map<string, NamedToken>();
  for (const role of ROLES) {
    const given = tokenIn(config[role]) ?? tokenIn(map[role]);
    if (given === undefined) continue;
    if (knows(given.content)) roles.set(role, given);
    else if (!UNUSED.has(role) && tokenIn(config[role]) !== undefined)
      throw new StageFailure(
        `${file} names ${given.content} as ${role}, but ${join(folder, 'tokenizer.json')} lacks it`,
      );
  }
  const more = ['additional_special_tokens', 'extra_special_tokens'].flatMap((field) => {
    const listed = config[field] ?? map[field];
    const tokens = Array.isArray(listed)
      ? listed
      : typeof listed === 'object' && listed !== null
        ? Object.values(listed)
        : [];
    return tokens.flatMap((one) => {
      const token = tokenIn(one);
      if (token === undefined) return [];
      if (knows(token.content)) return [token];
      if (config[field] === undefined) return []; // left over from another tokenizer
      throw new StageFailure(
        `${file} has ${token.content} among its ${field}, but ${join(folder, 'tokenizer.json')} lacks it`,
      );
    });
  });
  const listed = Object.entries((config['added_tokens_decoder'] ?? {}) as Record<string, unknown>)
    .map(([id, value]) => ({id: Number(id), value}))
    .sort((a, b) => a.id - b.id);
  const of = (role: string): string | undefined => roles.get(role)?.content;
  const hasAround = 'add_bos_token' in config || 'add_eos_token' in config;
  const eosToken = of('eos_token');
  const bosToken = of('bos_token');
  const padToken = of('pad_token');
  const unkToken = of('unk_token');
  return {
    file,
    ...(eosToken !== undefined && {eosToken}),
    ...(bosToken !== undefined && {bosToken}),
    ...(padToken !== undefined && {padToken}),
    ...(unkToken !== undefined && {unkToken}),
    ...(hasAround && {around: {bos: config['add_bos_token'] === true, eos: config['add_eos_token'] === true}}),
    flags: listed.flatMap(({id, value}) => {
      const token = tokenIn(value);
      return token === undefined ? [] : [{...token, id}];
    }),
    special: [...roles.values(), ...more],
    chatTemplate: config['chat_template'],
    named: namedIn(config, map),
  };
}

/** `special_tokens_map` of transformers: the roles, other fields called `…_token`, and extra tokens that have names. */
function namedIn(config: Record<string, unknown>, map: Record<string, unknown>): Record<string, string> {
  const extra = config['extra_special_tokens'];
  const given = {
    ...Object.fromEntries(ROLES.map((role) => [role, config[role] ?? map[role]])),
    ...Object.fromEntries(Object.entries(config).filter(([name, value]) => name.endsWith('_token') && value !== null)),
    ...(typeof extra === 'object' && !Array.isArray(extra) ? extra : {}),
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      const content = typeof value === 'string' ? value : tokenIn(value)?.content;
      return content === undefined ? [] : [[name, content]];
    }),
  );
}

function objectIn(value: unknown, file: string): Record<string, unknown> {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new StageFailure(`${file} does not hold an object`);
}

/** A token as a text, or as an object with its flags, as older files have it. A text is a special token. */
function tokenIn(value: unknown): NamedToken | undefined {
  const none = {single_word: false, lstrip: false, rstrip: false, normalized: false, special: true};
  if (typeof value === 'string' && value !== '') return {content: value, ...none};
  if (typeof value !== 'object' || value === null) return undefined;
  const {content, special, ...flags} = value as Partial<NamedToken>;
  if (typeof content !== 'string' || content === '') return undefined;
  const flag = (name: 'single_word' | 'lstrip' | 'rstrip'): boolean => flags[name] === true;
  return {
    content,
    single_word: flag('single_word'),
    lstrip: flag('lstrip'),
    rstrip: flag('rstrip'),
    normalized: flags.normalized ?? special !== true,
    special: special ?? true,
  };
}
