/** Writes a model as a Hugging Face folder; the tokenizer's files are carried along as they are. */
import {copyFile, mkdir, readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {StageFailure} from '../../../pipeline/stage.js';
import type {ModelConfig} from '../config.js';
import {serialiseConfig} from '../config.js';
import type {Weights} from '../parameters.js';
import {parameterShapes} from '../parameters.js';
import type {Tensor} from '../safetensors.js';
import {writeSafetensors} from '../safetensors.js';
import {generationFile} from './generation.js';
import type {Generation} from './generation.js';
import {exists, writeJson} from './json.js';

/** What belongs to the tokenizer in a model folder; `tokenizer.json` must be there, the others may. */
const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'vocab.json',
  'merges.txt',
];
/** Where transformers keeps named chat templates, one a file. */
const MORE_TEMPLATES = 'additional_chat_templates';

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
    /** What `generation_config.json` says besides the ids of the config: see `carriedOn` and `PAPER_SAMPLING`. */
    readonly generation?: Generation;
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
  await writeJson(join(folder, 'config.json'), withType(serialiseConfig(config)));
  if (config.head === 'language') {
    await writeJson(join(folder, 'generation_config.json'), generationFile(config, generation));
  }
  if (tokenizerFrom !== undefined) await copyTokenizer(tokenizerFrom, folder);
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
}

/** The config says what the weights are: transformers would else convert them to the type that they once had. */
function withType(raw: Record<string, unknown>): Record<string, unknown> {
  const fields = ['dtype', 'torch_dtype'].filter((name) => name in raw);
  return {...raw, ...Object.fromEntries((fields.length === 0 ? ['dtype'] : fields).map((name) => [name, 'float32']))};
}

async function copyTokenizer(from: string, to: string): Promise<void> {
  if (!(await exists(join(from, 'tokenizer.json')))) throw new StageFailure(`${from} holds no tokenizer.json`);
  for (const name of TOKENIZER_FILES) {
    if (await exists(join(from, name))) await copyFile(join(from, name), join(to, name));
  }
  if (!(await exists(join(from, MORE_TEMPLATES)))) return;
  await mkdir(join(to, MORE_TEMPLATES));
  for (const name of (await readdir(join(from, MORE_TEMPLATES))).sort()) {
    if (name.endsWith('.jinja')) await copyFile(join(from, MORE_TEMPLATES, name), join(to, MORE_TEMPLATES, name));
  }
}
