/**
 * Prompt sets of the built-in tasks. Training prompts are drawn from the training side of the split; validation and
 * held-out sets are fixed lists, the same for every seed, which may hold harder problems than training does.
 *
 * With tasks of one's own, the sets are about these alone, those of general prompts are empty, and of the params `train` and
 * `promptSeed` count.
 */
import {declareParams, described} from '../pipeline/params.js';
import {defineStage} from '../pipeline/stage.js';
import {COUNT, SEED, SHARE} from './common-params.js';
import {writeRows} from './data/rows.js';
import {FIXED_SETS, fixedSetMistakes} from './tasks/fixed-sets.js';
import {GENERAL, choiceMistakes} from './tasks/general-choice.js';
import type {Prompt} from './tasks/prompt.js';
import {taskMistakes} from './tasks/wired-tasks.js';

/** Makes the prompt sets that other stages ask: training, validation and held-out problems, and general prompts. */
export const prompts = defineStage({
  module: import.meta.url,
  name: 'prompts',
  summary:
    "Training, validation and held-out questions of the built-in tasks, or of one's own; no problem is on two sides",
  seedless: true,
  inputs: {},
  outputs: {
    train: 'prompts',
    validation: 'prompts',
    heldOut: 'prompts',
    generalTrain: 'prompts',
    generalHeldOut: 'prompts',
  },
  ...declareParams({
    train: described(4_000, 'Training prompts.', COUNT),
    fewestSteps: described(2, 'Turns of a training problem, at the least.', COUNT),
    mostSteps: described(5, 'Turns of a training problem, at the most.', COUNT),
    ...FIXED_SETS,
    chinese: described(0.5, 'Share of the training prompts that are in Chinese.', SHARE),
    general: GENERAL,
    promptSeed: described(20260102, 'Seed of the draws, in the place of a run’s seed.', SEED),
  }),
  definitions: {tasks: 'task'},
  check: ({params, ...wired}) => [
    ...(params.fewestSteps <= params.mostSteps
      ? []
      : [`fewestSteps is ${params.fewestSteps} and should be at most mostSteps, which is ${params.mostSteps}`]),
    ...fixedSetMistakes({validationPerLevel: params.validationPerLevel, heldOutPerLevel: params.heldOutPerLevel}),
    ...choiceMistakes(params.general),
    ...taskMistakes(wired),
  ],
  async run({outputs, params, definitions, note}) {
    const {train, fewestSteps, mostSteps, levels, chinese, general: choice, promptSeed: seed} = params;
    if (definitions.tasks.length > 0) {
      const [{loadTasks}, {taskPrompts}] = await Promise.all([
        import('./tasks/load-tasks.js'),
        import('./tasks/own-data.js'),
      ]);
      const {notes, ...sets} = taskPrompts(await loadTasks(definitions.tasks), {seed, train});
      notes.forEach(note);
      await writeSets(outputs, {...sets, generalTrain: [], generalHeldOut: []});
      return;
    }
    const {dialsPrompts, heldOutDials, validationDials, generalPrompts, heldOutGeneral} =
      await import('./tasks/prompt-sets.js');
    const sets = {
      train: dialsPrompts({
        seed,
        split: 'train',
        count: train,
        steps: [fewestSteps, mostSteps],
        chinese,
        purpose: 'train',
      }),
      validation: validationDials({levels, perLevel: params.validationPerLevel}),
      heldOut: heldOutDials({levels, perLevel: params.heldOutPerLevel}),
      generalTrain: generalPrompts({seed, split: 'train', choice}),
      generalHeldOut: heldOutGeneral({choice}),
    };
    await writeSets(outputs, sets);
  },
});

/** Each set to the output of its name. */
async function writeSets<Port extends string>(
  outputs: Readonly<Record<Port, string>>,
  sets: Readonly<Record<Port, readonly Prompt[]>>,
): Promise<void> {
  for (const [port, rows] of Object.entries(sets) as [Port, readonly Prompt[]][]) {
    await writeRows(outputs[port], rows, {
      rows: rows.length,
      languages: countBy(rows, ({language}) => language ?? 'unknown'),
    });
  }
}

export function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}
