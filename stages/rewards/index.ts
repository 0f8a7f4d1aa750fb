/** The front door of the rewards. */
export {isWellFormed} from './format.js';
export {builtInJudges, rewards, scoreCompletion} from './registry.js';
export type {Judges, Scored} from './registry.js';
export {openScorer} from './scorer.js';
export type {Scorer, ScorerItem} from './scorer.js';
export type {Outcome, Verdict} from './verdict.js';
