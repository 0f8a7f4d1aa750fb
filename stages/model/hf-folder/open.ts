/** Opens a Hugging Face folder as a model: its config, and every tensor that the config asks for. */
import {join} from 'node:path';
import {StageFailure} from '../../../pipeline/stage.js';
import type {ModelConfig} from '../config.js';
import {parseConfig} from '../config.js';
import {eachParameter} from '../parameters.js';
import {readJson} from './json.js';
import {readTensors} from './weights.js';

/** A model folder that was opened and checked. */
export interface Model {
  readonly folder: string;
  readonly config: ModelConfig;
  /** By Hugging Face name, complete, float32. */
  readonly weights: Map<string, Float32Array>;
}

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
