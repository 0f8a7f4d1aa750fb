/**
 * A GGUF file as the Hugging Face folder that it was made from, as far as it still has it: weights in float32, config,
 * tokenizer, chat template, end tokens. Whoever reads Hugging Face folders then reads GGUF, too. One tensor is in memory at
 * a time.
 */
import {mkdir, open, stat, writeFile} from 'node:fs/promises';
import type {FileHandle} from 'node:fs/promises';
import {join} from 'node:path';
import {float32HeaderOf} from '../../../artifacts/formats/safetensors.js';
import {requireFinite} from '../finite.js';
import {StageFailure} from '../../../pipeline/stage.js';
import {parseConfig} from '../config.js';
import type {ModelConfig} from '../config.js';
import {eachParameter, size} from '../parameters.js';
import {readGgufHeader} from './header.js';
import type {GgufTensor} from './header.js';
import {hfConfig} from './hf-config.js';
import {hfTokenizer, tokenIds} from './hf-tokenizer.js';
import {ROPE_FACTORS, ggufName, halvesFromNeighbours, reorderedHeads} from './tensor-names.js';
import {storageOf} from './tensor-types.js';

/** A tensor of the folder, and where it comes from. */
interface Source {
  readonly name: string;
  readonly shape: readonly number[];
  readonly from: GgufTensor;
}

/** Whether a path leads to a file, which is read as GGUF whatever it is called: stages see inputs without their names. */
export const isFile = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    (error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
      throw error;
    },
  );

/**
 * Writes the folder, which `openModel` and transformers can read.
 *
 * @param called what messages call the file; its path unless given
 * @param stop ends the work between two tensors, which then rejects with its reason
 * @throws {StageFailure} naming the file, and the key or tensor that is missing, wrong or not implemented
 */
export async function folderFromGguf(
  file: string,
  folder: string,
  {called = file, stop}: {readonly called?: string; readonly stop?: AbortSignal | undefined} = {},
): Promise<void> {
  const {metadata, tensors} = await readGgufHeader(file, called);
  const handle = await open(file, 'r');
  try {
    const factors = tensors.get(ROPE_FACTORS);
    const ids = tokenIds(metadata);
    const raw = hfConfig(metadata, tensors, ids, factors && (await readTensor(handle, factors)));
    const {tokenizer, config: tokenizerConfig} = hfTokenizer(metadata, ids);
    const config = parseConfig(raw, called);
    const sources = sourcesOf(config, tensors, called);
    await mkdir(folder, {recursive: true});
    const write = (name: string, value: unknown, space?: number): Promise<void> =>
      writeFile(join(folder, name), `${JSON.stringify(value, null, space)}\n`);
    await write('config.json', raw, 2);
    await write(
      'generation_config.json',
      {
        _from_model_config: true,
        ...(ids.bos !== undefined && {bos_token_id: ids.bos}),
        eos_token_id: ids.ends.length === 1 ? ids.ends[0] : ids.ends,
        ...(ids.padding !== undefined && {pad_token_id: ids.padding}),
      },
      2,
    );
    await write('tokenizer.json', tokenizer);
    await write('tokenizer_config.json', tokenizerConfig, 2);
    await writeWeights(join(folder, 'model.safetensors'), {config, sources, handle, called: file, stop});
  } finally {
    await handle.close();
  }
}

/** Every parameter of the model, with the tensor that holds it; nothing may be missing, misshapen or left over. */
function sourcesOf(config: ModelConfig, tensors: ReadonlyMap<string, GgufTensor>, called: string): Source[] {
  const left = new Set(tensors.keys());
  left.delete(ROPE_FACTORS);
  const sources: Source[] = [];
  for (const [name, shape] of eachParameter(config)) {
    const its = ggufName(name);
    const from = its === undefined ? undefined : tensors.get(its);
    if (its === undefined || from === undefined) throw new StageFailure(`${called} lacks the tensor “${its ?? name}”`);
    if (from.shape.join() !== shape.join()) {
      throw new StageFailure(
        `${called}: tensor “${its}” has shape [${from.shape.join(', ')}], the model’s keys ask for [${shape.join(', ')}]`,
      );
    }
    left.delete(its);
    sources.push({name, shape, from});
  }
  if (left.size > 0)
    throw new StageFailure(`${called} has tensors that its keys do not explain: ${[...left].join(', ')}`);
  return sources;
}

async function writeWeights(
  file: string,
  {
    config,
    sources,
    handle,
    called,
    stop,
  }: {config: ModelConfig; sources: Source[]; handle: FileHandle; called: string; stop: AbortSignal | undefined},
): Promise<void> {
  const sorted = [...sources].sort((a, b) => (a.name < b.name ? -1 : 1));
  const target = await open(file, 'w');
  try {
    await target.writeFile(float32HeaderOf(sorted.map(({name, shape}) => [name, shape] as const)));
    for (const {name, shape, from} of sorted) {
      stop?.throwIfAborted();
      const heads = reorderedHeads(config, name);
      const values = await readTensor(handle, from);
      requireFinite({shape, values}, ggufName(name) ?? name, called);
      const ordered = heads === undefined ? values : halvesFromNeighbours(values, shape[0]!, heads);
      await target.writeFile(new Uint8Array(ordered.buffer, ordered.byteOffset, ordered.byteLength));
    }
  } finally {
    await target.close();
  }
}

async function readTensor(handle: FileHandle, {type, shape, begin, bytes}: GgufTensor): Promise<Float32Array> {
  const data = new Uint8Array(bytes);
  for (let done = 0; done < bytes;) {
    const {bytesRead} = await handle.read(data, done, Math.min(bytes - done, 1 << 30), begin + done);
    if (bytesRead === 0) throw new Error('Internal error: the file became shorter while it was read');
    done += bytesRead;
  }
  const values = storageOf(type)!.decode(data);
  if (values.length !== size(shape)) throw new Error(`Internal error: ${values.length} values for [${shape.join()}]`);
  return values;
}
