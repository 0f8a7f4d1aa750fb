/** Names of the built-in rewards, for those who need no more: a recipe that is only planned loads no reward. */
import {described} from '../../pipeline/params.js';
import {MILLISECONDS} from '../common-params.js';

/** In the order in which their values are summed. */
export const BUILT_IN_REWARDS = ['accuracy', 'format', 'language', 'repetition', 'length'] as const;
/** The name of a built-in reward. */
export type BuiltInReward = (typeof BUILT_IN_REWARDS)[number];

/** What reward models say, on prompts without an answer to check; as rows and weights call it. */
export const REWARD_MODELS = ['helpful', 'safe'] as const;

/** Weights by the name of the reward. */
export type RewardWeights = Readonly<Record<string, number>>;

/** Milliseconds that a completion may be judged for, unless a stage's param `rewardTimeout` says otherwise. */
export const REWARD_TIMEOUT: number = 2_000;

/** The same as a param. */
export const JUDGING_TIME = {
  rewardTimeout: described(
    REWARD_TIMEOUT,
    'Time for the judging of one completion; one that takes longer earns nothing and is counted as timed out.',
    MILLISECONDS,
  ),
};
