/**
 * The rule rewards by name, and their weighted sum. Everything here is a pure function of the prompt and the completion.
 * Reward models are another matter: their score is added by the stage that has one.
 */
import {builtInTasks} from '../tasks/built-in.js';
import type {Prompt} from '../tasks/prompt.js';
import {taskOf, type Tasks} from '../tasks/task.js';
import type {Completion} from '../text/completion.js';
import {accuracy, askOf, givenAnswer, type Ask} from './accuracy.js';
import {format} from './format.js';
import {language} from './language.js';
import {length} from './length.js';
import {BUILT_IN_REWARDS, type BuiltInReward, type RewardWeights} from './names.js';
import {repetition} from './repetition.js';
import type {Reward, RewardContext} from './reward.js';
import type {Verdict} from '../graders/verdict.js';

/** The built-in rewards by name. */
export const rewards: {readonly [name in BuiltInReward]: Reward['judge']} = {
  accuracy,
  format,
  language,
  repetition,
  length,
};

/** Who judges, and what is known of the prompts' tasks. */
export interface Judges {
  readonly tasks: Tasks;
  /** In the order in which their values are summed. */
  readonly rewards: readonly Reward[];
}

/** The built-in tasks and rewards. */
export const builtInJudges: Judges = {
  tasks: builtInTasks,
  rewards: BUILT_IN_REWARDS.map((name) => ({name, judge: rewards[name]})),
};

/** Reward → what it says of a completion. */
export type Verdicts = Readonly<Record<BuiltInReward, Verdict>> & Readonly<Record<string, Verdict>>;

/** What a completion is worth, and why. */
export interface Scored {
  /** Σ weight × value. */
  readonly total: number;
  /** By reward, in the order of the judges. */
  readonly verdicts: Verdicts;
  /** The answer in the form that votes are counted by; null where there is none. */
  readonly answer: string | null;
}

/** The same before a grader has been asked what the answer is worth: until then, `accuracy` is left out and not in the total. */
export interface ScoredByRules extends Scored {
  readonly ask?: Ask;
}

/** Σ weight × value, in the order of the judges; a reward without a weight is not summed. */
export const totalOf = (verdicts: Readonly<Record<string, Verdict>>, weights: RewardWeights): number =>
  Object.entries(verdicts).reduce((sum, [name, {value}]) => sum + (weights[name] ?? 0) * value, 0);

/**
 * Judges one completion by every reward and sums them by weight (DeepSeek-R1, arXiv 2501.12948, §2.3.2: the rewards are
 * added); a reward without a weight is judged but not summed, and `length` is then left out. An answer that takes a grader is
 * for whoever can wait for one: `openScorer`.
 *
 * @param size tokens of the completion with the end token, and the most that there could be: `length` asks for them
 * @throws {StageFailure} where a reward or task of one's own throws, or gives what it must not
 */
export function scoreCompletion(
  prompt: Prompt,
  completion: Completion,
  weights: RewardWeights,
  size: Omit<RewardContext, 'task'> = {},
  judges: Judges = builtInJudges,
): ScoredByRules {
  const task = taskOf(judges.tasks, prompt);
  const context: RewardContext = Object.freeze({...size, task});
  const {maxTokens: _, ...unlimited} = context;
  const judged = judges.rewards.map(({name, judge}) => {
    // Where `length` has no weight it is told of no limit, so that it says nothing.
    const isLeftOut = name === 'length' && weights[name] === undefined;
    return [name, judge(prompt, completion, isLeftOut ? unlimited : context)] as const;
  });
  const verdicts = Object.fromEntries(judged) as Verdicts;
  const ask = askOf(prompt, completion, task);
  return {
    total: totalOf(verdicts, weights),
    verdicts,
    answer: givenAnswer(task, completion) ?? null,
    ...(ask === undefined ? {} : {ask}),
  };
}
