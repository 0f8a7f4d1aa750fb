/**
 * A LoRA adapter that an outside trainer made with PEFT, merged into its base: a model like any other, with the base's
 * tokenizer. r1 itself trains no adapters.
 */
import {defineStage} from '../pipeline/stage.js';

/**
 * Merges an adapter folder (`adapter_config.json`, `adapter_model.safetensors`) into the model that it was trained on.
 *
 * @throws {StageFailure} from `run`, naming the field or the tensor that does not fit the base or is not implemented
 */
export const importAdapter = defineStage({
  module: import.meta.url,
  name: 'import-adapter',
  summary: 'A PEFT LoRA adapter folder, merged into the model that it was trained on',
  seedless: true,
  inputs: {model: 'model', adapter: 'folder'},
  outputs: {model: 'model'},
  params: {},
  async run({inputs, outputs, signal, note}) {
    const [{openModel, saveModel}, {mergeAdapter}] = await Promise.all([
      import('./model/hf-folder/index.js'),
      import('./model/lora-adapter.js'),
    ]);
    const base = await openModel(inputs.model, signal);
    const {weights, adapted, replaced, base: named} = await mergeAdapter(base, inputs.adapter, signal);
    await saveModel(outputs.model, {config: base.config, weights, tokenizerFrom: inputs.model});
    const trainedOn = named === undefined ? '' : `; it says that it was trained on ${named}`;
    note(`${adapted} matrices adapted, ${replaced} tensors replaced${trainedOn}`);
  },
});
