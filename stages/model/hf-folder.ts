/**
 * A model as a Hugging Face folder: `config.json`, `model.safetensors` (or shards with their index),
 * `generation_config.json`, and the tokenizer's files, which are carried along unread.
 */
import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {copyFile, mkdir, readFile, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {z} from 'zod';
import {StageFailure} from '../../pipeline/stage.js';
import type {ModelConfig} from './config.js';
import {parseConfig, serialiseConfig} from './config.js';
import type {Weights} from './parameters.js';
import {eachParameter, parameterShapes} from './parameters.js';
import type {Tensor} from './safetensors.js';
import {readSafetensors, writeSafetensors} from './safetensors.js';

/** A model folder that was opened and checked. */
export interface Model {
  readonly folder: string;
  readonly config: ModelConfig;
  /** By Hugging Face name, complete, float32. */
  readonly weights: Map<string, Float32Array>;
}

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

const INDEX = 'model.safetensors.index.json';
const index = z.object({weight_map: z.record(z.string(), z.string())});

/**
 * Opens a model folder and checks that every parameter is there with the shape that the config asks for.
 *
 * @param stop ends the reading, which then rejects with its reason
 * @throws {StageFailure} naming the file, field or tensor that is wrong.
 */
export async function openModel(folder: string, stop?: AbortSignal): Promise<Model> {
  const config = await readConfig(folder);
  const {tensors, where} = await readTensors(folder, stop);
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of eachParameter(config)) {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      const layer = /^model\.layers\.(\d+)\./.exec(name)?.[1];
      const layers = layer === undefined ? '' : `, though the config asks for ${config.layers} layers`;
      throw new StageFailure(`${where} lacks the tensor “${name}”${layers}`);
    }
    if (tensor.shape.join() !== shape.join()) {
      throw new StageFailure(
        `${where}: tensor “${name}” has shape [${tensor.shape.join(', ')}], the config asks for [${shape.join(', ')}]`,
      );
    }
    weights.set(name, tensor.values);
    tensors.delete(name);
  }
  // Old checkpoints carry RoPE tables, and a tied output matrix may be stored twice; anything else was meant to count.
  const unknown = [...tensors.keys()].filter(
    (name) => !name.endsWith('rotary_emb.inv_freq') && !(config.tied && name === 'lm_head.weight'),
  );
  if (unknown.length > 0)
    throw new StageFailure(`${where} has tensors that the config does not explain: ${unknown.join(', ')}`);
  return {folder, config, weights};
}

/**
 * Only the config, for those who do not need the weights.
 *
 * @throws {StageFailure} naming the file or field that is missing or wrong
 */
export async function readConfig(folder: string): Promise<ModelConfig> {
  const file = join(folder, 'config.json');
  return parseConfig(await readJson(file), file);
}

/**
 * SHA-256 of the weight file, which is what model hubs show for it; of its shards one after the other, by name, where there
 * are several.
 */
export async function weightsDigest(folder: string): Promise<string> {
  const places = await readIndex(folder);
  const files = places === undefined ? ['model.safetensors'] : [...new Set(Object.values(places))].sort();
  const hash = createHash('sha256');
  for (const file of files) {
    for await (const piece of createReadStream(join(folder, file))) hash.update(piece as Buffer);
  }
  return hash.digest('hex');
}

async function readTensors(folder: string, stop?: AbortSignal): Promise<{tensors: Map<string, Tensor>; where: string}> {
  const places = await readIndex(folder);
  if (places === undefined) {
    const where = join(folder, 'model.safetensors');
    return {tensors: (await readSafetensors(where, stop)).tensors, where};
  }
  const where = join(folder, INDEX);
  const tensors = new Map<string, Tensor>();
  for (const shard of new Set(Object.values(places))) {
    const {tensors: some} = await readSafetensors(join(folder, shard), stop);
    for (const [name, tensor] of some) {
      if (places[name] !== shard) {
        throw new StageFailure(`${join(folder, shard)} holds “${name}”, which the index places elsewhere`);
      }
      tensors.set(name, tensor);
    }
  }
  for (const name of Object.keys(places)) {
    if (!tensors.has(name)) throw new StageFailure(`${where} promises “${name}”, which its shard does not hold`);
  }
  return {tensors, where};
}

/** Tensor name → file name, where the weights lie in several files. */
async function readIndex(folder: string): Promise<Readonly<Record<string, string>> | undefined> {
  const file = join(folder, INDEX);
  if (!(await exists(file))) return undefined;
  const parsed = index.safeParse(await readJson(file));
  if (!parsed.success) throw new StageFailure(`${file} has no weight_map of tensor names to file names`);
  for (const shard of Object.values(parsed.data.weight_map)) {
    if (shard.includes('/') || shard.includes('\\'))
      throw new StageFailure(`${file}: “${shard}” is outside the folder`);
  }
  return parsed.data.weight_map;
}

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

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    },
  );

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new StageFailure(`there is no ${file}`);
    if (code === 'EISDIR') throw new StageFailure(`${file} is a folder and should be a file`);
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StageFailure(`${file} is not JSON: ${(error as Error).message}`);
  }
}

const writeJson = async (file: string, value: unknown): Promise<void> =>
  writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
