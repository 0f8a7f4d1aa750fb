/**
 * A model folder as a GGUF file that llama.cpp and what builds on it can run: the counterpart of `read-gguf.ts`. Equal folders
 * give equal bytes.
 */
import {open, readFile, rename, rm, stat} from 'node:fs/promises';
import type {FileHandle} from 'node:fs/promises';
import {join} from 'node:path';
import {z} from 'zod';
import {StageFailure} from '../../../pipeline/stage.js';
import {openModel} from '../hf-folder/index.js';
import {eachParameter} from '../parameters.js';
import {ggufKeys} from './gguf-keys.js';
import {tokenizerKeys} from './gguf-tokenizer.js';
import {FILE_TYPES, encode, writtenType} from './quantize.js';
import type {ExportType} from './export-types.js';
import {ropeFactors} from './rope-factors.js';
import {ROPE_FACTORS, ggufName, neighboursFromHalves, reorderedHeads} from './tensor-names.js';
import {aligned, ggufHeader, text, uint32} from './write-metadata.js';
import type {Value} from './write-metadata.js';

/** What is used of an opened tokenizer. */
export interface OpenTokenizer {
  readonly bosToken: string | undefined;
  readonly eosToken: string;
  readonly chatTemplate: string | undefined;
}

/** A special token, as tokenizer_config.json has it: a text, or an object with one, or nothing. */
const token = z
  .union([z.string(), z.looseObject({content: z.string()})])
  .nullish()
  .transform((given) => (typeof given === 'object' ? given?.content : given));

interface Written {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  readonly bytes: number;
  values(): Float32Array;
}

/**
 * Writes the file, whole or not at all.
 *
 * @param folder of a language model with a byte-level BPE tokenizer
 * @param tokenizer the folder's, opened: special tokens by role, and the chat template
 * @returns how many bytes it has
 * @throws {StageFailure} naming the field, the tensor or the part of the tokenizer that a GGUF file cannot hold
 */
export async function ggufFromFolder(
  folder: string,
  file: string,
  {type, tokenizer, stop}: {readonly type: ExportType; readonly tokenizer: OpenTokenizer; readonly stop?: AbortSignal},
): Promise<number> {
  const {config, weights} = await openModel(folder, stop);
  const {architecture, keys: configKeys, llama3} = ggufKeys(config, join(folder, 'config.json'));
  const where = join(folder, 'tokenizer.json');
  const roles = z
    .looseObject({pad_token: token, unk_token: token})
    .parse(JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8')));
  const its = tokenizerKeys({
    json: JSON.parse(await readFile(where, 'utf8')) as unknown,
    where,
    config,
    tokens: {bos: tokenizer.bosToken, eos: tokenizer.eosToken, pad: roles.pad_token, unknown: roles.unk_token},
    chatTemplate: tokenizer.chatTemplate,
  });
  const keys: (readonly [string, Value])[] = [
    ['general.architecture', text(architecture)],
    ['general.type', text('model')],
    ['general.file_type', uint32(FILE_TYPES[type])],
    ['general.quantization_version', uint32(2)],
    ...configKeys,
    ...its,
  ];
  const tensors: Written[] = [];
  if (llama3 !== undefined) {
    const factors = ropeFactors(config.rope.theta, config.headDim, llama3);
    const shape = [factors.length];
    tensors.push({name: ROPE_FACTORS, shape, ...writtenType(shape, type), values: () => factors});
  }
  for (const [name, shape] of eachParameter(config)) {
    const its = ggufName(name);
    if (its === undefined) throw new StageFailure(`${folder}: llama.cpp has no name for the tensor “${name}”`);
    const heads = reorderedHeads(config, name);
    const values = weights.get(name)!;
    const ordered = (): Float32Array => (heads === undefined ? values : neighboursFromHalves(values, shape[0]!, heads));
    tensors.push({name: its, shape, ...writtenType(shape, type), values: ordered});
  }
  return writeWhole(file, async (target) => {
    let offset = 0;
    const places = tensors.map(({bytes, ...tensor}) => {
      const place = {...tensor, offset};
      offset += aligned(bytes);
      return place;
    });
    await target.writeFile(ggufHeader(keys, places));
    for (const {name, type: stored, bytes, values} of tensors) {
      stop?.throwIfAborted();
      const data = Buffer.alloc(aligned(bytes));
      try {
        data.set(encode(values(), stored));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new StageFailure(`${folder}: tensor “${name}” cannot be written as ${type}: ${error.message}`);
      }
      await target.writeFile(data);
    }
  });
}

/** The file appears by one rename, and is gone if something went wrong. */
async function writeWhole(file: string, write: (target: FileHandle) => Promise<void>): Promise<number> {
  const temporary = `${file}.partial`;
  const target = await open(temporary, 'wx');
  try {
    try {
      await write(target);
      await target.sync();
    } finally {
      await target.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, {force: true});
    throw error;
  }
  return (await stat(file)).size;
}
