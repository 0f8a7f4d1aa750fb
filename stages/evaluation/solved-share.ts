/** How many problems a model can solve by sampling: what has to be there before reinforcement learning can strengthen it. */
import type {DefinitionRef} from '../../pipeline/definition.js';
import {StageFailure} from '../../pipeline/stage.js';
import type {InputPorts, OutputPorts, Params, StageContext} from '../../pipeline/stage.js';
import {readPrompts} from '../data/rows.js';
import type {GradingSettings} from '../graders/settings.js';
import type {Asking} from '../tasks/asking.js';
import {taskOf} from '../tasks/task.js';
import type {TemplateName} from '../text/template-names.js';
import type {GateParams} from './gate-params.js';

/** Params of the stages that ask, each of which says what they mean. */
interface Asked extends Asking, Omit<GradingSettings, 'extraction'>, Omit<GateParams, 'least'> {
  readonly template: TemplateName;
  readonly specialInPrompts: boolean;
}

/**
 * Samples a model on the first problems that have an answer to check.
 *
 * @param inputs folders
 * @returns `passed`, the share of problems that one of the responses solves (pass@`samples`), and a sentence with it
 * @throws {StageFailure} where none of the prompts has an answer that can be checked
 */
export async function solvedShare(
  {model, prompts}: {readonly model: string; readonly prompts: string},
  {
    params,
    definitions,
    threads,
    cores,
    progress,
    note,
  }: Pick<StageContext<InputPorts, OutputPorts, Params>, 'threads' | 'cores' | 'progress' | 'note'> & {
    readonly params: Asked;
    readonly definitions: {readonly tasks: readonly DefinitionRef[]};
  },
): Promise<{passed: number; sentence: string}> {
  const [{judgeRollouts}, {sampleRows}, {tasksWith}] = await Promise.all([
    import('./judge-rollouts.js'),
    import('../rollout/sample-from-model.js'),
    import('../tasks/load-tasks.js'),
  ]);
  const tasks = await tasksWith(definitions.tasks);
  const problems = (await readPrompts(prompts, tasks))
    .filter((prompt) => prompt.answer !== undefined && taskOf(tasks, prompt).answer !== undefined)
    .slice(0, params.prompts === 0 ? undefined : params.prompts);
  if (problems.length === 0) throw new StageFailure('none of the prompts has an answer that can be checked');
  const {groups} = await sampleRows(problems, {
    ...params,
    tasks,
    model,
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
  const right = samples.filter(({outcome}) => outcome === 'right');
  const passed = new Set(right.map(({prompt}) => prompt)).size / problems.length;
  const one = right.length / samples.length;
  return {
    passed,
    sentence: `pass@${params.samples} on ${problems.length} problems is ${passed.toFixed(3)}, pass@1 ${one.toFixed(3)}`,
  };
}
