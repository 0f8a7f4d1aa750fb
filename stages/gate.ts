/**
 * A model is handed on if it can solve problems: reinforcement learning has nothing to reward in one that never does. What
 * `pretrain` does with a model that it trains itself, for one that comes from elsewhere: imported, fine-tuned, cut down.
 */
import {constants} from 'node:fs';
import {cp} from 'node:fs/promises';
import {StageFailure, defineStage, param} from '../pipeline/stage.js';
import {readPrompts} from './data/rows.js';
import {judgeMistakes} from './graders/judge-settings.js';
import {GRADING, gradingCautions} from './graders/settings.js';
import {REWARD_TIMEOUT} from './rewards/names.js';
import {ASKING, askingMistakes, EXTRACTIONS} from './tasks/asking.js';
import {SANDBOXES} from './sandbox/names.js';
import {taskMistakes} from './tasks/wired-tasks.js';
import {TEMPLATE_NAMES} from './text/template-names.js';
import type {TemplateName} from './text/template-names.js';

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
  params: {
    template: param<TemplateName>('chat'),
    /** Whether a control token that is typed into a question (`<|im_end|>`) counts as such; by default it is text. */
    specialInPrompts: param<boolean>(false),
    ...ASKING,
    /** Share of the problems that one of `samples` responses has to solve. */
    least: 0.3,
    /** Problems that are asked, the first ones of those with an answer that can be checked; 0 for all of them. */
    prompts: 100,
    /** Responses to each problem. */
    samples: 8,
    temperature: 0.6,
    topP: 0.95,
    /** Tokens, the end token included; a response that is cut off counts as wrong. */
    maxNewTokens: 32_768,
    /** What a person may do about a model that does not pass, as a sentence for the message. */
    advice: '',
    /** Prompts in one native call. */
    chunk: 8,
    /** Milliseconds for the judging of one response. */
    rewardTimeout: REWARD_TIMEOUT,
    ...GRADING,
    /** Seed of the sampling, in the place of a run's seed. */
    gateSeed: 20260105,
  },
  choices: {template: TEMPLATE_NAMES, extraction: EXTRACTIONS, sandbox: SANDBOXES},
  definitions: {tasks: 'task'},
  caution: (params) => gradingCautions(params, `${params.samples} a prompt`),
  check: ({params, ...wired}) => [
    ...(params.least > 0 && params.least <= 1
      ? []
      : [`least is ${params.least} and should be a share of the problems, above 0 and at most 1`]),
    ...(Number.isInteger(params.prompts) && params.prompts >= 0
      ? []
      : [`prompts is ${params.prompts} and should be a number of problems, or 0 for all of them`]),
    ...(Number.isInteger(params.samples) && params.samples > 0
      ? []
      : [`samples is ${params.samples} and should be a number of responses, 1 or more`]),
    ...askingMistakes(params),
    ...judgeMistakes(params.judge),
    ...taskMistakes(wired),
  ],
  async memory({inputs, params, threads, cores}) {
    const {samplerNeedBefore} = await import('./memory/sampling.js');
    return samplerNeedBefore({model: inputs.model, prompts: [inputs.prompts], params, threads, cores});
  },
  async run(context) {
    const {inputs, outputs, params, definitions, threads, cores, progress, metric, note} = context;
    const [{judgeRollouts}, {sampleRows}, {tasksWith}, {taskOf}] = await Promise.all([
      import('./evaluation/index.js'),
      import('./rollout/sample-from-model.js'),
      import('./tasks/load-tasks.js'),
      import('./tasks/task.js'),
    ]);
    const tasks = await tasksWith(definitions.tasks);
    const problems = (await readPrompts(inputs.prompts, tasks))
      .filter((prompt) => prompt.answer !== undefined && taskOf(tasks, prompt).answer !== undefined)
      .slice(0, params.prompts === 0 ? undefined : params.prompts);
    if (problems.length === 0) throw new StageFailure('none of the prompts has an answer that can be checked');
    const {groups} = await sampleRows(problems, {
      ...params,
      tasks,
      model: inputs.model,
      threads,
      cores,
      key: {seed: params.gateSeed, purpose: 'gate'},
      done: (step, total) => progress({step, total}),
      note,
    });
    const samples = await judgeRollouts(groups.flat(), {
      tasks,
      timeoutMs: params.rewardTimeout,
      refs: definitions,
      cores,
      grading: params,
      note,
    });
    const solved = new Set(samples.filter(({outcome}) => outcome === 'right').map(({prompt}) => prompt));
    const passed = solved.size / problems.length;
    const right = samples.filter(({outcome}) => outcome === 'right').length / samples.length;
    metric(`pass@${params.samples}`, 0, passed);
    const sentence = `pass@${params.samples} on ${problems.length} problems is ${passed.toFixed(3)}, pass@1 ${right.toFixed(3)}`;
    if (passed < params.least)
      throw new StageFailure(
        `${sentence}: below ${params.least}, reinforcement learning has too little to reward; ${params.advice === '' ? 'train the model longer, or ask it otherwise' : params.advice}`,
      );
    note(sentence);
    await cp(inputs.model, outputs.model, {recursive: true, mode: constants.COPYFILE_FICLONE});
  },
});
