/** What a folder holds that is no model of Hugging Face's format, so that a person hears what to do with it. */
import {readdir, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {StageFailure} from '../../../pipeline/stage.js';

/** What people have in the place of a model, by a file that gives it away. */
const STRANGERS: readonly (readonly [file: RegExp, what: (file: string) => string])[] = [
  [
    /^adapter_(?:config\.json|model\.(?:safetensors|bin))$/,
    (file) =>
      `it is an adapter (${file}: PEFT, LoRA), which changes another model and is none by itself; merge it into its base first ` +
      'with import-adapter, or with peft’s merge_and_unload()',
  ],
  [
    /^pytorch_model(?:-\d+-of-\d+)?\.bin(?:\.index\.json)?$/,
    (file) =>
      `its weights are in PyTorch’s format (${file}), which can run code when it is read; convert them to safetensors first: ` +
      'load the model with transformers and save it with save_pretrained()',
  ],
  [/\.gguf$/i, (file) => `it holds a GGUF file (${file}): name the file itself`],
  [
    /^(?:consolidated(?:\.\d+)?\.(?:pth|safetensors)|params\.json)$/,
    (file) => `it holds the model in its maker’s own format (${file}); the folder in Hugging Face’s format is needed`,
  ],
  [/^(?:tf_model\.h5|flax_model\.msgpack)$/, (file) => `its weights are in ${file}; safetensors are needed`],
  [
    /^model\.safetensors(?:\.index\.json)?$/,
    (file) =>
      `its weights are there (${file}), but not what kind of model they are of; copy config.json from where they came from`,
  ],
  [
    /^model-\d+-of-\d+\.safetensors$/,
    (file) => `it holds shards (${file} …) without their model.safetensors.index.json; fetch that, too`,
  ],
  [/\.safetensors$/, (file) => `it holds ${file}; weights in one file are called model.safetensors`],
  [/^checkpoint-\d+$/, (file) => `it holds checkpoints of a trainer; name one of them: ${file}`],
  [/^snapshots$/, () => 'it is a folder of the hub’s cache; the model is in a folder under snapshots'],
];

/** A sentence on a folder without weights that can be read. */
export const noWeights = async (folder: string): Promise<string> =>
  `${folder} has no model.safetensors${await because(folder)}`;

/** A sentence on a folder that is no model, since it has no `config.json`. */
export async function noConfig(folder: string): Promise<string> {
  const kind = await kindOf(folder);
  if (kind === 'nothing') return `there is no folder ${folder}`;
  if (kind === 'file')
    return `${folder} is a file; a model is a folder with config.json, safetensors and tokenizer.json`;
  return `there is no ${join(folder, 'config.json')}${await because(folder)}`;
}

async function because(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort();
  for (const [pattern, what] of STRANGERS) {
    const file = names.find((name) => pattern.test(name));
    if (file !== undefined) return `: ${what(file)}`;
  }
  return names.length === 0 ? ': the folder is empty' : '';
}

async function kindOf(path: string): Promise<'folder' | 'file' | 'nothing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'nothing';
    if (code === 'EACCES') throw new StageFailure(`${path} may not be read by this user`);
    throw error;
  }
}
