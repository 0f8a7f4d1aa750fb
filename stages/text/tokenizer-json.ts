/**
 * A `tokenizer.json`, read and looked through: a file that was cut off, written by hand or mended by a script is told by its
 * field, and not by what it does to the ids of a text.
 */
import {join} from 'node:path';
import {StageFailure} from '../../pipeline/stage.js';
import {readJsonIfThere} from '../model/hf-folder/index.js';
import type {TokenizerJson} from './encoder.js';

const SECTIONS = ['added_tokens', 'normalizer', 'pre_tokenizer', 'post_processor', 'decoder', 'model'] as const;
const FIELDS: ReadonlySet<string> = new Set(['version', 'truncation', 'padding', ...SECTIONS]);

/**
 * Reads the file; what the reference would not open is refused by its field, and so is a vocabulary that says two things.
 *
 * @throws {StageFailure} naming the file and what is wrong in it
 */
export async function readTokenizerJson(file: string, folder: string): Promise<TokenizerJson> {
  const json = await readJsonIfThere(file);
  if (json === undefined) {
    const other = (await readJsonIfThere(join(folder, 'vocab.json'))) === undefined ? '' : OLDER;
    throw new StageFailure(`${file} is missing${other}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new StageFailure(`${file} does not hold an object`);
  const given = json as Partial<Record<(typeof SECTIONS)[number], unknown>>;
  if (typeof given.model !== 'object' || given.model === null) throw new StageFailure(`${file} has no “model”`);
  for (const section of SECTIONS) {
    const part = given[section] ?? null;
    if (section === 'added_tokens' || part === null) continue;
    if (!isObject(part)) throw new StageFailure(`${file}: “${section}” should be an object`);
    requireLists(part, section, file);
  }
  const unknown = Object.keys(json).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw new StageFailure(`${file} has a field “${unknown}”, which is not known`);
  const {version} = json as {version?: unknown};
  if (version !== undefined && version !== '1.0')
    throw new StageFailure(`${file} is of version ${JSON.stringify(version)}; 1.0 is the one that is known`);
  requireVocabulary(given.model as Record<string, unknown>, file);
  requireAdded(given.added_tokens ?? [], file);
  return {
    ...Object.fromEntries(SECTIONS.map((section) => [section, given[section] ?? null])),
    added_tokens: (given.added_tokens ?? []) as TokenizerJson['added_tokens'],
  } as TokenizerJson;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const PARTS_OF: Readonly<Record<string, string>> = {
  ...{normalizer: 'normalizers', pre_tokenizer: 'pretokenizers', decoder: 'decoders', post_processor: 'processors'},
};

/** A `Sequence` has a list of parts. */
function requireLists(part: Record<string, unknown>, section: string, file: string): void {
  if (part['type'] !== 'Sequence') return;
  const field = PARTS_OF[section];
  if (field === undefined) return;
  const parts = part[field];
  if (!Array.isArray(parts)) throw new StageFailure(`${file}: “${section}” is a Sequence without a list “${field}”`);
  for (const one of parts) {
    if (!isObject(one)) throw new StageFailure(`${file}: “${section}.${field}” holds what is no object`);
    requireLists(one, section, file);
  }
}

function requireVocabulary(model: Record<string, unknown>, file: string): void {
  if (model['type'] !== 'BPE' && model['type'] !== 'WordLevel' && !('merges' in model)) return; // refused by its name
  if (!isObject(model['vocab'])) throw new StageFailure(`${file}: “model.vocab” should be an object`);
  const odd = Object.entries(model['vocab']).find(([, id]) => !Number.isSafeInteger(id) || (id as number) < 0);
  if (odd !== undefined) throw new StageFailure(`${file}: “model.vocab” has “${odd[0]}” without an id`);
  const byId = new Map<number, string>();
  for (const [token, id] of Object.entries(model['vocab'] as Record<string, number>)) {
    const other = byId.get(id);
    if (other !== undefined)
      throw new StageFailure(`${file}: “model.vocab” gives the id ${id} to “${other}” and to “${token}”`);
    byId.set(id, token);
  }
  if (byId.size === 0) throw new StageFailure(`${file}: “model.vocab” is empty`);
  if (model['type'] === 'WordLevel') return;
  const {merges} = model;
  const isText = (one: unknown): boolean => typeof one === 'string';
  if (!Array.isArray(merges) || !merges.every((one) => isText(one) || (Array.isArray(one) && one.every(isText)))) {
    throw new StageFailure(`${file}: “model.merges” should be a list of texts, or of pairs of texts`);
  }
}

const FLAGS = ['single_word', 'lstrip', 'rstrip', 'normalized', 'special'] as const;

function requireAdded(added: unknown, file: string): void {
  if (!Array.isArray(added)) throw new StageFailure(`${file}: “added_tokens” should be a list`);
  added.forEach((token: unknown, i) => {
    if (!isObject(token)) throw new StageFailure(`${file}: “added_tokens[${i}]” should be an object`);
    if (typeof token['content'] !== 'string') throw new StageFailure(`${file}: “added_tokens[${i}]” has no content`);
    if (!Number.isSafeInteger(token['id'])) throw new StageFailure(`${file}: “added_tokens[${i}]” has no id`);
    const flag = FLAGS.find((name) => typeof token[name] !== 'boolean');
    if (flag !== undefined) throw new StageFailure(`${file}: “added_tokens[${i}].${flag}” should be true or false`);
  });
}

const OLDER =
  '; its vocabulary is in vocab.json: open it with transformers’ AutoTokenizer and save it with save_pretrained(), which writes tokenizer.json';
