/** Where the chat template of a folder stands; the order is that of transformers 5 (`_from_pretrained`). */
import {readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {StageFailure} from '../../pipeline/stage.js';
import {exists, readJsonIfThere, readTextIfThere} from '../model/hf-folder/index.js';

/** A chat template, or why there is none. */
export type FoundTemplate =
  {readonly source: string; readonly file: string} | {readonly source: undefined; readonly why: string};

const MORE = 'additional_chat_templates';

/**
 * `chat_template.jinja` counts before the field of `tokenizer_config.json`, and that before `chat_template.json`, which
 * processors have. Where templates have names, the one called `default` is meant.
 *
 * @param field `chat_template` of the tokenizer's config
 */
export async function findTemplate(folder: string, configFile: string, field: unknown): Promise<FoundTemplate> {
  const own = join(folder, 'chat_template.jinja');
  const source = await readTextIfThere(own);
  if (source !== undefined) return {source, file: own};
  const more = join(folder, MORE);
  if (await exists(more)) {
    const names = (await readdir(more)).filter((name) => name.endsWith('.jinja')).sort();
    if (names.length > 0) return none(`${more} holds ${names.join(', ')}, and there is no ${own}`);
  }
  const inConfig = among(field, configFile);
  if (inConfig !== undefined) return inConfig;
  const file = join(folder, 'chat_template.json');
  const json = (await readJsonIfThere(file)) as {chat_template?: unknown} | undefined;
  return among(json?.chat_template, file) ?? none('this tokenizer has no chat template');
}

const none = (why: string): FoundTemplate => ({source: undefined, why});

/** One template, or a list or an object of named ones. */
function among(value: unknown, file: string): FoundTemplate | undefined {
  if (typeof value === 'string') return {source: value, file};
  if (typeof value !== 'object' || value === null) return undefined;
  const named = Array.isArray(value) ? byName(value, file) : (value as Record<string, unknown>);
  const source = named['default'];
  if (typeof source === 'string') return {source, file};
  return none(`${file} has chat templates called ${Object.keys(named).join(', ')}, and none called default`);
}

/** @throws {StageFailure} for a list that does not hold templates with names */
function byName(list: readonly unknown[], file: string): Record<string, unknown> {
  return Object.fromEntries(
    list.map((one, i) => {
      const {name, template} = (one ?? {}) as {name?: unknown; template?: unknown};
      if (typeof name !== 'string' || typeof template !== 'string')
        throw new StageFailure(`${file}: “chat_template[${i}]” should be an object with a name and a template`);
      return [name, template];
    }),
  );
}
