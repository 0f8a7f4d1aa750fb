/** The front door of the rewards. */
export {isWellFormed} from './format.js';
export {answerOf} from '../tasks/answers/index.js';
export {REWARD_NAMES, rewards, scoreCompletion} from './registry.js';
export type {RewardName, RewardWeights, Scored} from './registry.js';
export {openScorer} from './scorer.js';
export type {Scorer, ScorerItem} from './scorer.js';
export type {Outcome, Verdict} from './verdict.js';
