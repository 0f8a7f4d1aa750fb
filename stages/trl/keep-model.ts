/** What a trainer has saved, as an artifact of r1: weights and tokenizer alone, none of the trainer's own files. */
import {StageFailure} from '../../pipeline/stage.js';
import {carriedOn, openModel, saveModel} from '../model/hf-folder/index.js';
import type {Generation} from '../model/hf-folder/index.js';
import type {ModelConfig} from '../model/config.js';

/** What the model was before it was trained. */
export interface Before {
  readonly folder: string;
  readonly config: ModelConfig;
  readonly generation: Generation | undefined;
}

/**
 * @param from as the trainer has saved it
 * @throws {StageFailure} where it is another kind of model than before
 */
export async function keepModel(from: string, to: string, {folder, config, generation}: Before): Promise<void> {
  const {config: saved, weights} = await openModel(from);
  for (const field of ['vocabSize', 'hiddenSize', 'layers'] as const)
    if (saved[field] !== config[field])
      throw new StageFailure(
        `the trainer has saved a model of ${field} ${saved[field]}, and it was ${config[field]} before`,
      );
  await saveModel(to, {config, weights, tokenizerFrom: folder, generation: carriedOn(generation)});
}
