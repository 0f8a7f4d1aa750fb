/**
 * A checkpoint from outside: a local Hugging Face folder of the Qwen2 or Llama family, with its own tokenizer, checked
 * tensor by tensor and written again as float32 safetensors. Nothing is fetched.
 */
import {defineStage} from '../pipeline/stage.js';

/**
 * Takes a model folder of Hugging Face into the store, as float32.
 *
 * @throws {StageFailure} from `run`, naming the file, field, tensor or part of the tokenizer that is missing, wrong or
 * not implemented
 */
export const importModel = defineStage({
  module: import.meta.url,
  name: 'import-model',
  summary: 'A model from a local Hugging Face folder (Qwen2 or Llama family, safetensors)',
  seedless: true,
  inputs: {folder: 'folder'},
  outputs: {model: 'model'},
  params: {},
  async run({inputs, outputs, note}) {
    const [{openModel, saveModel}, {countParameters}, {openTokenizer}] = await Promise.all([
      import('./model/hf-folder/index.js'),
      import('./model/parameters.js'),
      import('./text/tokenizer.js'),
    ]);
    const {config, weights} = await openModel(inputs.folder);
    const tokenizer = await openTokenizer(inputs.folder); // a model without a usable tokenizer fails here, not a stage later
    await saveModel(outputs.model, {config, weights, tokenizerFrom: inputs.folder});
    note(`${config.family}, ${countParameters(config)} parameters, vocabulary ${tokenizer.size}`);
  },
});
