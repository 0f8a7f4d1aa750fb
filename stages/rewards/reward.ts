/**
 * What a reward is: a pure function that judges a completion. The built-in rewards and those of one's own are the same thing,
 * and how much each counts is said by weights, by name.
 */
import {fileURLToPath} from 'node:url';
import type {Definition} from '../../pipeline/definition.js';
import {StageFailure} from '../../pipeline/stage.js';
import {checkFields, fieldError, type Helper} from '../tasks/check-fields.js';
import type {Prompt} from '../tasks/prompt.js';
import type {Task} from '../tasks/task.js';
import type {Completion} from '../text/completion.js';
import {graded, verdict, type Verdict} from './verdict.js';

/** What a reward may look at beside the prompt and the completion. */
export interface RewardContext {
  /** The prompt's. */
  readonly task: Task;
  /** Sampled tokens, the end token included; absent where nobody counted, as is `maxTokens`. */
  readonly tokens?: number;
  /** The most tokens that there could be. */
  readonly maxTokens?: number;
}

/** A reward, built in or of one's own. */
export interface Reward {
  readonly name: string;
  judge(prompt: Prompt, completion: Completion, context: RewardContext): Verdict;
}

/** A reward of one's own, as a module exports it. */
export interface RewardDefinition extends Definition<'reward'> {
  /** A number in [0, 1], or `undefined` where the reward has nothing to say about the prompt. */
  score(problem: Prompt, completion: Completion, context: RewardContext): number | undefined;
}

/**
 * Declares a reward of one's own, in a module beside the recipe. It is wired beside the params and weighted in them:
 *
 *     export const brevity = defineReward({
 *       module: import.meta.url, name: 'brevity',
 *       score: (problem, completion) => 1 / (1 + completion.text.length / 200),
 *     });
 *     add('zero', grpo, inputs, {rewards: {accuracy: 1, brevity: 0.2}}, {rewards: [brevity]});
 *
 * @param definition.module `import.meta.url` of the module that exports the reward
 * @param definition.score a pure function of its arguments: a number in [0, 1], or `undefined` where the reward has nothing to
 * say about the prompt. It runs in a thread that is ended when it takes too long.
 * @throws {TypeError} where a recipe that no compiler has seen brings no function, or a field that there is not
 */
export function defineReward(definition: Omit<RewardDefinition, 'kind'>): RewardDefinition {
  checkFields(HELPER, {...definition});
  if (typeof definition.score !== 'function') throw fieldError(HELPER, definition, '“score” must be a function');
  return {...definition, kind: 'reward'};
}

const HELPER: Helper = {define: defineReward, kind: 'reward', fields: ['module', 'name', 'score']};

/**
 * The reward behind a definition. What it says is looked at: it is a stranger's code.
 * @throws {StageFailure} from `judge`, with the reward's name and file, when it throws or gives no number in [0, 1]
 */
export const rewardOf = ({name, module, score}: RewardDefinition): Reward => ({
  name,
  judge(prompt, completion, context) {
    const about = `the reward “${name}” (${fileURLToPath(module)})`;
    let value: unknown;
    try {
      value = score(prompt, completion, context);
    } catch (error) {
      const thrown = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new StageFailure(`${about} failed on a completion of prompt ${prompt.id}: ${thrown}`);
    }
    if (value === undefined) return verdict('left-out');
    if (typeof value === 'number' && value >= 0 && value <= 1) return graded(value);
    const given = typeof value === 'number' ? String(value) : JSON.stringify(value);
    throw new StageFailure(
      `${about} gave ${given} for a completion of prompt ${prompt.id}; a score is a number from 0 to 1`,
    );
  },
});
