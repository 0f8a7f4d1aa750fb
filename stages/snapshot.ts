/** The model that a training had after one of its steps, as a model like any other, which can be evaluated, exported or chatted with. */
import {join} from 'node:path';
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, defineStage} from '../pipeline/stage.js';
import {COUNT} from './common-params.js';

/**
 * Hands on one of the models that `grpo` kept while it trained (its param `snapshots`), byte by byte; curves such as DeepSeek-R1's
 * Figures 2 and 3 (arXiv 2501.12948, §2.2.4) are made of them. The files are linked where the file system allows it, and the store
 * holds equal files once.
 *
 * @throws {StageFailure} from `run`: the training kept no model after this step
 */
export const snapshot = defineStage({
  module: import.meta.url,
  name: 'snapshot',
  summary: 'The model that a training had after one of its steps',
  // A function of its input alone.
  seedless: true,
  resources: {memory: 100},
  inputs: {snapshots: 'snapshots'},
  outputs: {model: 'model'},
  ...declareParams({
    step: described(1, 'The step, one of those that grpo’s param snapshots lists.', COUNT),
  }),
  async run({inputs, outputs, params: {step: asked}, note}) {
    const [{readSnapshots}, {linkTree}] = await Promise.all([import('./train/snapshots.js'), import('./link-tree.js')]);
    const kept = await readSnapshots(inputs.snapshots);
    if (kept === undefined) throw new StageFailure('the input “snapshots” holds no snapshots.json');
    const found = kept.find((one) => one.asked === asked);
    if (found === undefined) {
      const there = kept.map((one) => one.asked).join(', ');
      throw new StageFailure(
        `the training kept no model of step ${asked}; ${there === '' ? 'it kept none at all' : `it kept those of ${there}`}`,
      );
    }
    if (found.step !== asked)
      note(`the training ended after step ${found.step}: this is the model of that step, not of step ${asked}`);
    await linkTree(join(inputs.snapshots, found.folder), outputs.model);
  },
});
