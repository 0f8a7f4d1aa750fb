/** Opens a Hugging Face folder as a model: its config, and every tensor that the config asks for. */
import {join} from 'node:path';
import {StageFailure} from '../../../pipeline/stage.js';
import type {ModelConfig} from '../config.js';
import {parseConfig} from '../config.js';
import {eachParameter} from '../parameters.js';
import type {Tensor} from '../safetensors.js';
import {endIdsOf, readGeneration} from './generation.js';
import type {Generation} from './generation.js';
import {readJsonIfThere} from './json.js';
import {noConfig} from './strangers.js';
import {readTensors} from './weights.js';

/** A model folder that was opened and checked. */
export interface Model {
  readonly folder: string;
  readonly config: ModelConfig;
  /** By Hugging Face name, complete, float32. */
  readonly weights: Map<string, Float32Array>;
  /** Its `generation_config.json`, if it has one. */
  readonly generation?: Generation;
  /** What a person who brings the model should hear: how what is odd in it was understood. */
  readonly notes: readonly string[];
}

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';

/**
 * Opens a model folder and checks that every parameter is there with the shape that the config asks for.
 *
 * @param stop ends the reading, which then rejects with its reason
 * @throws {StageFailure} naming the file, field or tensor that is wrong.
 */
export async function openModel(folder: string, stop?: AbortSignal): Promise<Model> {
  const asked = await readConfig(folder);
  const generation = await readGeneration(folder);
  requireIds(asked, generation, folder);
  const {tensors, where, notes} = await readTensors(folder, stop);
  const {config, note} = headOf(asked, tensors, where);
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
    (name) => !name.endsWith('rotary_emb.inv_freq') && !(config.tied && name === HEAD),
  );
  if (unknown.length > 0) {
    const some = unknown.slice(0, 5).join(', ') + (unknown.length > 5 ? ` and ${unknown.length - 5} more` : '');
    throw new StageFailure(`${where} has tensors that the config does not explain: ${some}`);
  }
  return {
    folder,
    config,
    weights,
    ...(generation !== undefined && {generation}),
    notes: note === undefined ? notes : [...notes, note],
  };
}

/**
 * Only the config, for those who do not need the weights.
 *
 * @throws {StageFailure} naming the file or field that is missing or wrong
 */
export async function readConfig(folder: string): Promise<ModelConfig> {
  const file = join(folder, 'config.json');
  const json = await readJsonIfThere(file);
  if (json === undefined) throw new StageFailure(await noConfig(folder));
  return parseConfig(json, file);
}

/**
 * A config that ties the output matrix to the embedding, beside a file that holds both: equal, one of them is dropped;
 * different, each is what it is, whatever the config says, as in transformers 5 (`PreTrainedModel.tie_weights`). The one
 * that is there stands for both.
 */
function headOf(
  config: ModelConfig,
  tensors: Map<string, Tensor>,
  where: string,
): {readonly config: ModelConfig; readonly note?: string} {
  if (!config.tied || config.head !== 'language') return {config};
  const [embedding, head] = [tensors.get(EMBEDDING), tensors.get(HEAD)];
  if (head === undefined) return {config};
  if (embedding === undefined) {
    tensors.set(EMBEDDING, head);
    return {config};
  }
  if (areEqual(embedding, head)) return {config};
  return {
    config: parseConfig({...config.raw, tie_word_embeddings: false}, where),
    note:
      `${where}: “${HEAD}” differs from “${EMBEDDING}”, though config.json says tie_word_embeddings: true; both are kept, ` +
      'and the config that is written says false',
  };
}

function areEqual(a: Tensor, b: Tensor): boolean {
  if (a.shape.join() !== b.shape.join()) return false;
  for (let i = 0; i < a.values.length; i++) if (a.values[i] !== b.values[i]) return false;
  return true;
}

/** @throws {StageFailure} for the id of a token that the model has no row for; those of the config are looked at there */
function requireIds(config: ModelConfig, generation: Generation | undefined, folder: string): void {
  const given = [
    ...endIdsOf({eosIds: []}, generation).map((id) => ['eos_token_id', id] as const),
    ['bos_token_id', generation?.['bos_token_id'] as number | null | undefined] as const,
  ];
  for (const [field, id] of given) {
    if (typeof id === 'number' && id >= config.vocabSize) {
      throw new StageFailure(
        `${join(folder, 'generation_config.json')}: ${field} is ${id}, but the model has ${config.vocabSize} tokens`,
      );
    }
  }
}
