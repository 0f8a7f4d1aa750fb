/**
 * Prompt sets of the built-in tasks. Training prompts are drawn from the training side of the split; validation and
 * held-out sets are fixed lists, the same for every seed.
 */
import {defineStage} from '../pipeline/stage.js';
import {writeRows} from './data/rows.js';

export const prompts = defineStage({
  module: import.meta.url,
  name: 'prompts',
  summary: 'Training, validation and held-out questions of the built-in tasks; no problem is on two sides',
  seedless: true,
  inputs: {},
  outputs: {
    train: 'prompts',
    validation: 'prompts',
    heldOut: 'prompts',
    generalTrain: 'prompts',
    generalHeldOut: 'prompts',
  },
  params: {
    train: 4_000,
    /** Turns of a training problem, from and to. */
    fewestSteps: 2,
    mostSteps: 5,
    chinese: 0.5,
    promptSeed: 20260102,
  },
  async run({outputs, params}) {
    const {dialsPrompts, heldOutDials, validationDials, generalPrompts, heldOutGeneral} =
      await import('./tasks/prompt-sets.js');
    const {train, fewestSteps, mostSteps, chinese, promptSeed: seed} = params;
    const sets = {
      train: dialsPrompts({
        seed,
        split: 'train',
        count: train,
        steps: [fewestSteps, mostSteps],
        chinese,
        purpose: 'train',
      }),
      validation: validationDials(),
      heldOut: heldOutDials(),
      generalTrain: generalPrompts({seed, split: 'train'}),
      generalHeldOut: heldOutGeneral(),
    };
    for (const [port, rows] of Object.entries(sets)) {
      await writeRows(outputs[port as keyof typeof sets], rows, {
        rows: rows.length,
        languages: countBy(rows, ({language}) => language ?? 'unknown'),
      });
    }
  },
});

export function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}
