/**
 * A checkpoint from outside, with its own tokenizer: a local Hugging Face folder or a GGUF file, checked tensor by tensor and
 * written again as a folder with float32 safetensors. Nothing is fetched.
 */
import {join} from 'node:path';
import {defineStage} from '../pipeline/stage.js';

/**
 * Takes a Hugging Face folder or a GGUF file into the store, as float32.
 *
 * @throws {StageFailure} from `run`, naming the file, field, tensor or part of the tokenizer that is missing, wrong or
 * not implemented
 */
export const importModel = defineStage({
  module: import.meta.url,
  name: 'import-model',
  summary: 'A model from a local Hugging Face folder (safetensors) or a GGUF file',
  seedless: true,
  inputs: {folder: 'folder'},
  outputs: {model: 'model'},
  params: {},
  async run({inputs, outputs, scratch, signal, note}) {
    const [
      {endIdsOf, endingAt, openModel, saveModel},
      {countParameters},
      {openTokenizer},
      {checkChatTemplate},
      {folderFromGguf, isFile},
    ] = await Promise.all([
      import('./model/hf-folder/index.js'),
      import('./model/parameters.js'),
      import('./text/tokenizer.js'),
      import('./text/templates.js'),
      import('./model/gguf/index.js'),
    ]);
    let {folder} = inputs;
    if (await isFile(folder)) {
      folder = join(scratch, 'model');
      await folderFromGguf(inputs.folder, folder, {called: 'the GGUF file', stop: signal});
    }
    const {config, weights, generation, notes} = await openModel(folder, signal);
    const tokenizer = await openTokenizer(folder); // a model without a usable tokenizer fails here, not a stage later
    // What only the chat template says is written down for whoever loads the folder.
    const isListed = tokenizer.endIds.every(
      (id) => id === tokenizer.eosId || endIdsOf(config, generation).includes(id),
    );
    const ending = isListed ? generation : endingAt(tokenizer.endIds, generation);
    await saveModel(outputs.model, {
      config,
      weights,
      tokenizerFrom: folder,
      ...(ending !== undefined && {generation: ending}),
    });
    const fault = checkChatTemplate(tokenizer);
    for (const text of [...notes, ...tokenizer.notes, ...(fault === undefined ? [] : [fault])]) note(text);
    if (config.unknownFields.length > 0) {
      note(`config.json has fields that r1 does not know and takes no account of: ${config.unknownFields.join(', ')}`);
    }
    note(`${config.family}, ${countParameters(config)} parameters, vocabulary ${tokenizer.size}`);
  },
});
