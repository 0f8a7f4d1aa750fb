/** Writes a model as a Hugging Face folder; the tokenizer's files are carried along unread. */
import {copyFile, mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {StageFailure} from '../../../pipeline/stage.js';
import type {ModelConfig} from '../config.js';
import {serialiseConfig} from '../config.js';
import type {Weights} from '../parameters.js';
import {parameterShapes} from '../parameters.js';
import type {Tensor} from '../safetensors.js';
import {writeSafetensors} from '../safetensors.js';
import {exists, writeJson} from './json.js';

/** How the paper samples its models (DeepSeek-R1, arXiv 2501.12948, §3): the default of a model that is to be sampled from. */
export const PAPER_SAMPLING = {temperature: 0.6, top_p: 0.95} as const;

/** What belongs to the tokenizer in a model folder; `tokenizer.json` must be there, the others may. */
const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'vocab.json',
  'merges.txt',
];

/**
 * Writes a whole model folder that `openModel` and transformers can read, weights as one float32 safetensors file. The
 * tokenizer's files are copied from `tokenizerFrom`, a model or tokenizer folder.
 *
 * @throws {StageFailure} where `tokenizerFrom` holds no tokenizer.json
 * @throws {Error} where the weights lack a tensor of the config
 */
export async function saveModel(
  folder: string,
  model: {
    readonly config: ModelConfig;
    readonly weights: Weights;
    readonly tokenizerFrom?: string;
    /** Defaults for those who sample from the folder, e.g. `PAPER_SAMPLING`. */
    readonly generation?: Readonly<Record<string, number | boolean>>;
  },
): Promise<void> {
  const {config, weights, tokenizerFrom, generation} = model;
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of parameterShapes(config)) {
    const values = weights.get(name);
    if (values === undefined) throw new Error(`Internal error: the weights to be saved lack ${name}`);
    tensors.set(name, {shape, values});
  }
  await mkdir(folder, {recursive: true});
  await writeJson(join(folder, 'config.json'), serialiseConfig(config));
  if (config.head === 'language') {
    await writeJson(join(folder, 'generation_config.json'), {
      _from_model_config: generation === undefined,
      ...(config.bosId !== undefined && {bos_token_id: config.bosId}),
      ...(config.eosIds.length > 0 && {eos_token_id: config.eosIds.length === 1 ? config.eosIds[0] : config.eosIds}),
      ...(config.padId !== undefined && {pad_token_id: config.padId}),
      ...(generation !== undefined && {do_sample: true, ...generation}),
    });
  }
  if (tokenizerFrom !== undefined) await copyTokenizer(tokenizerFrom, folder);
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
}

async function copyTokenizer(from: string, to: string): Promise<void> {
  if (!(await exists(join(from, 'tokenizer.json')))) throw new StageFailure(`${from} holds no tokenizer.json`);
  for (const name of TOKENIZER_FILES) {
    if (await exists(join(from, name))) await copyFile(join(from, name), join(to, name));
  }
}
