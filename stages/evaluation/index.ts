/**
 * The front door of the evaluation. What compares evaluations is imported by its file (compare-evaluations.ts), so that it
 * is no code of the stages that evaluate: to change it makes none of them run again.
 */
export {scoreChoices} from './choices.js';
export type {ChoiceScore} from './choices.js';
export type {Claim, Condition} from './claims.js';
export {compare} from './comparison.js';
export type {Comparison, Statistic} from './comparison.js';
export {betterEnd, isMetric, metricsFor} from './metrics.js';
export type {Metric} from './metrics.js';
export {outcomeCounts} from './outcomes.js';
export {judgeRollouts} from './judge-rollouts.js';
export {judgeSample} from './sample.js';
export type {Sample} from './sample.js';
export {scoreSamples} from './scores.js';
export type {Score} from './scores.js';
export {countsText, judgeClaims, judgeOverRuns} from './verdicts.js';
export type {ClaimOverRuns, ClaimResult, ClaimVerdict, Evaluation} from './verdicts.js';
