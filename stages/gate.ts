/**
 * A model is handed on if it can solve problems: reinforcement learning has nothing to reward in one that never does. What
 * `pretrain` does with a model that it trains itself, for one that comes from elsewhere: imported, fine-tuned, cut down.
 */
import {constants} from 'node:fs';
import {cp} from 'node:fs/promises';
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, defineStage} from '../pipeline/stage.js';
import {GATE} from './evaluation/gate-params.js';
import {judgeMistakes} from './graders/judge-settings.js';
import {GRADING, gradingCautions} from './graders/settings.js';
import {SPECIAL_IN_PROMPTS} from './common-params.js';
import {ASKING, askingMistakes} from './tasks/asking.js';
import {taskMistakes} from './tasks/wired-tasks.js';
import {template} from './text/template-names.js';

/**
 * Samples a model on problems and hands it on, byte by byte, if pass@`samples` is at least `least`: the ground that
 * reinforcement learning needs (DeepSeek-R1, arXiv 2501.12948, §2.2, starts from a base that has it).
 *
 * @throws {StageFailure} from `run`: the model solves fewer problems, or none of them has an answer that can be checked
 */
export const gate = defineStage({
  module: import.meta.url,
  name: 'gate',
  summary: 'Hands a model on if it solves enough problems by sampling',
  tensor: true,
  // As of an evaluation: whether a model passes is no matter of a run's seed.
  seedless: true,
  resources: {memory: 1200},
  inputs: {model: 'model', prompts: 'prompts'},
  outputs: {model: 'model'},
  ...declareParams({
    template: template('chat'),
    ...SPECIAL_IN_PROMPTS,
    ...ASKING,
    ...GATE,
    advice: described('', 'What a person may do about a model that does not pass, as a sentence for the message.'),
    ...GRADING,
  }),
  definitions: {tasks: 'task'},
  caution: (params) => gradingCautions(params, `${params.samples} a prompt`),
  check: ({params, ...wired}) => [...askingMistakes(params), ...judgeMistakes(params.judge), ...taskMistakes(wired)],
  async memory({inputs, params, threads, cores}) {
    const {samplerNeedBefore} = await import('./memory/sampling.js');
    return samplerNeedBefore({model: inputs.model, prompts: [inputs.prompts], params, threads, cores});
  },
  async run(context) {
    const {inputs, outputs, params, metric, note} = context;
    const {solvedShare} = await import('./evaluation/solved-share.js');
    const {passed, sentence} = await solvedShare(inputs, context);
    metric(`pass@${params.samples}`, 0, passed);
    if (passed < params.least)
      throw new StageFailure(
        `${sentence}: below ${params.least}, reinforcement learning has too little to reward; ${params.advice === '' ? 'train the model longer, or ask it otherwise' : params.advice}`,
      );
    note(sentence);
    await cp(inputs.model, outputs.model, {recursive: true, mode: constants.COPYFILE_FICLONE});
  },
});
