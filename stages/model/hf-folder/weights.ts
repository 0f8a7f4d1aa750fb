/** The weights of a Hugging Face folder: one safetensors file, or shards with their index. */
import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {join} from 'node:path';
import {z} from 'zod';
import {StageFailure} from '../../../pipeline/stage.js';
import type {Tensor} from '../safetensors.js';
import {readSafetensors} from '../safetensors.js';
import {exists, readJson} from './json.js';

const INDEX = 'model.safetensors.index.json';
const index = z.object({weight_map: z.record(z.string(), z.string())});

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

/**
 * All tensors of a folder, and what to call the place that they come from.
 *
 * @throws {StageFailure} naming the file, and the tensor where there is one
 */
export async function readTensors(
  folder: string,
  stop?: AbortSignal,
): Promise<{tensors: Map<string, Tensor>; where: string}> {
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
