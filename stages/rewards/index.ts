/** The front door of the rewards. */
export {isWellFormed, ownFormat} from './format.js';
export {builtInJudges, rewards, scoreCompletion} from './registry.js';
export type {Judges, Scored} from './registry.js';
export {openScorer} from './scorer.js';
export type {Scorer} from './scorer.js';
export {withScorer} from './with-scorer.js';
export type {ScorerItem} from './scorer-messages.js';
export type {Outcome, Verdict} from '../graders/verdict.js';
