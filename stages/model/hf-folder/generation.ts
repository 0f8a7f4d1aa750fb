/**
 * `generation_config.json`: which tokens end a response, and how its author means the model to be sampled. What ends a
 * response is also said by `config.json` and by the tokenizer; all of them count.
 */
import {join} from 'node:path';
import {z} from 'zod';
import {StageFailure} from '../../../pipeline/stage.js';
import type {ModelConfig} from '../config.js';
import {readJsonIfThere} from './json.js';

/** A `generation_config.json` as it was read: fields that are not known here are carried along. */
export type Generation = Readonly<Record<string, unknown>>;

/** How the paper samples its models (DeepSeek-R1, arXiv 2501.12948, §3): the default of a model that is to be sampled from. */
export const PAPER_SAMPLING: Generation = {do_sample: true, temperature: 0.6, top_p: 0.95};

const FILE = 'generation_config.json';

const id = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const schema = z.looseObject({
  eos_token_id: z.union([id, z.array(id)]).nullish(),
  bos_token_id: id.nullish(),
  pad_token_id: z.int().nullish(),
});

/**
 * The file of a folder, if there is one.
 *
 * @throws {StageFailure} naming the file and the field that is wrong
 */
export async function readGeneration(folder: string): Promise<Generation | undefined> {
  const file = join(folder, FILE);
  const json = await readJsonIfThere(file);
  if (json === undefined) return undefined;
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new StageFailure(`${file}: ${issue!.path.join('.') || 'the file'}: ${issue!.message}`);
  }
  return json as Generation;
}

/** Ids that end a response, as both files have them: first those of `generation_config.json`. */
export function endIdsOf(config: Pick<ModelConfig, 'eosIds'>, generation: Generation | undefined): number[] {
  const said = generation?.['eos_token_id'] as number | number[] | null | undefined;
  return [...new Set([said ?? [], config.eosIds].flat())];
}

/** The file with other ends of a response: what a model without one samples by is still what its config says. */
export const endingAt = (ids: readonly number[], generation: Generation | undefined): Generation => ({
  ...(generation ?? {_from_model_config: true}),
  eos_token_id: ids,
});

/** Fields that say how to sample; a file without any of them leaves it to whoever samples. */
const SAMPLING =
  /^(?:do_sample|temperature|top_[kph]|min_p|typical_p|(?:epsilon|eta)_cutoff|repetition_penalty|no_repeat_ngram_size|num_beams|penalty_alpha)$/;

/** What a trained model carries on of the model that it comes from; the paper's sampling where that says nothing. */
export function carriedOn(generation: Generation | undefined): Generation {
  if (generation !== undefined && Object.keys(generation).some((name) => SAMPLING.test(name))) return generation;
  return {...generation, ...PAPER_SAMPLING};
}

/** What the file has from the config, too. */
const WRITTEN: ReadonlySet<string> = new Set(['_from_model_config', 'bos_token_id', 'eos_token_id', 'pad_token_id']);

/** The object that goes into the file: ids as config and file have them, then everything else that was given. */
export function generationFile(config: ModelConfig, generation: Generation | undefined): Record<string, unknown> {
  const ends = endIdsOf(config, generation);
  const bos = generation?.['bos_token_id'] ?? config.bosId;
  const pad = generation?.['pad_token_id'] ?? config.padId;
  const rest = Object.entries(generation ?? {}).filter(([name]) => !WRITTEN.has(name));
  const isFromConfig = generation === undefined || generation['_from_model_config'] === true;
  return {
    _from_model_config: isFromConfig && rest.every(([name]) => !SAMPLING.test(name)),
    ...(bos !== undefined && {bos_token_id: bos}),
    ...(ends.length > 0 && {eos_token_id: ends.length === 1 ? ends[0] : ends}),
    ...(pad !== undefined && {pad_token_id: pad}),
    ...Object.fromEntries(rest),
  };
}
