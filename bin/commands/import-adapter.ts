/** `r1 import-adapter`: a LoRA adapter merged into its base, as a model folder; the stage of this name does it in a recipe. */
import {existsSync} from 'node:fs';
import {rename, rm} from 'node:fs/promises';
import {Command} from 'commander';
import {UserError} from '../../artifacts/index.js';
import {withModelFolder} from '../access/model-folder.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';

export const importAdapterCommand = (services: Services): Command =>
  withGlobals(new Command('import-adapter'), [
    'r1 import-adapter ./SmolLM2-135M-Instruct ./adapter ./merged',
    'r1 import-adapter full-sft ./adapter ./merged',
  ])
    .description('merge a PEFT LoRA adapter into the model that it was trained on, and write the merged model')
    .argument('<base>', '[run/]node, @digest, @tag, the folder of a model (has a slash), or a .gguf file')
    .argument('<adapter>', 'folder with adapter_config.json and adapter_model.safetensors')
    .argument('<folder>', 'not yet there')
    .action(async (reference: string, adapter: string, target: string, options: GlobalOptions) => {
      if (target === '' || existsSync(target))
        throw new UserError(
          'target-not-empty',
          target === '' ? 'the target is an empty string' : `${target} exists already`,
          {
            hint: 'give a path where there is nothing yet',
          },
        );
      const [{openModel, saveModel}, {mergeAdapter}] = await Promise.all([
        import('../../stages/model/hf-folder/index.js'),
        import('../../stages/model/lora-adapter.js'),
      ]);
      await withModelFolder(services, options, reference, async (folder, stop) => {
        const base = await openModel(folder, stop);
        const {weights, adapted, replaced, base: named} = await mergeAdapter(base, adapter, stop);
        const partial = `${target}.partial`;
        try {
          await saveModel(partial, {config: base.config, weights, tokenizerFrom: folder});
          await rename(partial, target);
        } finally {
          await rm(partial, {recursive: true, force: true});
        }
        services.say(
          options.json === true
            ? JSON.stringify({base: reference, trainedOn: named ?? null, adapted, replaced, folder: target})
            : `${adapted} matrices of ${reference} adapted, ${replaced} tensors replaced, in ${target}`,
        );
      });
    });
