/**
 * The rule rewards by name, and their weighted sum. Everything here is a pure function of the prompt and the completion.
 * Reward models are another matter: their score is added by the stage that has one.
 */
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import {accuracy} from './accuracy.js';
import {format} from './format.js';
import {language} from './language.js';
import {length} from './length.js';
import {repetition} from './repetition.js';
import type {Verdict} from './verdict.js';

type Reward = (prompt: Prompt, completion: Completion, tokens?: number, maxTokens?: number) => Verdict;

export type RewardName = 'accuracy' | 'format' | 'language' | 'repetition' | 'length';

export const rewards: Readonly<Record<RewardName, Reward>> = {accuracy, format, language, repetition, length};
export type RewardWeights = Readonly<Partial<Record<RewardName, number>>>;

export const REWARD_NAMES = Object.keys(rewards) as RewardName[];

export interface Scored {
  /** Σ weight × value. */
  readonly total: number;
  readonly verdicts: Readonly<Record<RewardName, Verdict>>;
}

/**
 * Judges one completion by every reward and sums them by weight; a reward without a weight is judged but not summed.
 * `tokens` and `maxTokens` (with the end token) are asked for by `length` alone.
 */
export function scoreCompletion(
  prompt: Prompt,
  completion: Completion,
  weights: RewardWeights,
  {tokens, maxTokens}: {readonly tokens?: number; readonly maxTokens?: number} = {},
): Scored {
  const judge = (name: RewardName): Verdict => rewards[name](prompt, completion, tokens, maxTokens);
  const verdicts = Object.fromEntries(REWARD_NAMES.map((name) => [name, judge(name)])) as Record<RewardName, Verdict>;
  const total = REWARD_NAMES.reduce((sum, name) => sum + (weights[name] ?? 0) * verdicts[name].value, 0);
  return {total, verdicts};
}
