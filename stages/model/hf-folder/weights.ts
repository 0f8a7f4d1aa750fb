/** The weights of a Hugging Face folder: one safetensors file, or shards with their index. */
import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {join} from 'node:path';
import {z} from 'zod';
import {StageFailure} from '../../../pipeline/stage.js';
import type {Tensor} from '../safetensors.js';
import {readSafetensors} from '../safetensors.js';
import {requireFinite} from '../finite.js';
import {exists, readJsonIfThere} from './json.js';
import {noWeights} from './strangers.js';

const WHOLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const index = z.object({weight_map: z.record(z.string(), z.string())});

/** Where a folder's tensors are. */
interface Places {
  /** What to call them all in a message. */
  readonly where: string;
  /** Names of files, each once, sorted. */
  readonly files: readonly string[];
  /** The file of each tensor, where an index says it. */
  readonly fileOf?: Readonly<Record<string, string>>;
  /** What a person should hear of how the files were chosen. */
  readonly note?: string;
}

/**
 * SHA-256 of the weight file, which is what model hubs show for it; of its shards one after the other, by name, where there
 * are several.
 */
export async function weightsDigest(folder: string): Promise<string> {
  const {files} = await placesOf(folder);
  const hash = createHash('sha256');
  for (const file of files) {
    for await (const piece of createReadStream(join(folder, file))) hash.update(piece as Buffer);
  }
  return hash.digest('hex');
}

/**
 * All tensors of a folder, what to call the place that they come from, and what a person should hear of it.
 *
 * @throws {StageFailure} naming the file, and the tensor where there is one
 */
export async function readTensors(
  folder: string,
  stop?: AbortSignal,
): Promise<{tensors: Map<string, Tensor>; where: string; notes: readonly string[]}> {
  const {where, files, fileOf, note} = await placesOf(folder);
  const tensors = new Map<string, Tensor>();
  for (const file of files) {
    for (const [name, tensor] of (await readSafetensors(join(folder, file), stop)).tensors) {
      if (fileOf !== undefined && fileOf[name] !== file) {
        throw new StageFailure(`${join(folder, file)} holds “${name}”, which the index places elsewhere`);
      }
      requireFinite(tensor, name, join(folder, file));
      tensors.set(name, tensor);
    }
  }
  for (const name of Object.keys(fileOf ?? {})) {
    if (!tensors.has(name)) throw new StageFailure(`${where} promises “${name}”, which its shard does not hold`);
  }
  return {tensors, where, notes: note === undefined ? [] : [note]};
}

/**
 * Which files count. transformers takes `model.safetensors` where it is there and looks at no index; vLLM goes by the index.
 * Where both could be meant, nobody can know.
 */
async function placesOf(folder: string): Promise<Places> {
  const fileOf = await readIndex(folder);
  const hasWhole = await exists(join(folder, WHOLE));
  if (fileOf === undefined) {
    if (!hasWhole) throw new StageFailure(await noWeights(folder));
    return {where: join(folder, WHOLE), files: [WHOLE]};
  }
  const where = join(folder, INDEX);
  const files = [...new Set(Object.values(fileOf))].sort();
  if (files.length === 0) throw new StageFailure(`${where} places no tensor`);
  const missing: string[] = [];
  for (const file of files) if (!(await exists(join(folder, file)))) missing.push(file);
  if (hasWhole && !files.includes(WHOLE)) {
    if (missing.length === 0) {
      throw new StageFailure(
        `${folder} holds weights twice, in ${WHOLE} and in the ${files.length} files of ${INDEX}; remove those that are old`,
      );
    }
    // Whoever saved the model again in one file left the index of the former shards behind.
    const note = `${where} is left over: ${missing.length} of its ${files.length} files are not there, so ${WHOLE} is read`;
    return {where: join(folder, WHOLE), files: [WHOLE], note};
  }
  if (missing.length > 0) {
    const some = missing.slice(0, 3).join(', ') + (missing.length > 3 ? ` and ${missing.length - 3} more` : '');
    throw new StageFailure(
      `${where} needs ${files.length} files, and ${some} ${missing.length === 1 ? 'is' : 'are'} missing`,
    );
  }
  return {where, files, fileOf};
}

/** Tensor name → file name, where the weights lie in several files. */
async function readIndex(folder: string): Promise<Readonly<Record<string, string>> | undefined> {
  const file = join(folder, INDEX);
  const json = await readJsonIfThere(file);
  if (json === undefined) return undefined;
  const parsed = index.safeParse(json);
  if (!parsed.success) throw new StageFailure(`${file} has no weight_map of tensor names to file names`);
  for (const shard of Object.values(parsed.data.weight_map)) {
    if (shard.includes('/') || shard.includes('\\') || shard === '..' || shard === '')
      throw new StageFailure(`${file}: “${shard}” is outside the folder`);
  }
  return parsed.data.weight_map;
}
