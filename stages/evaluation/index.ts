/** The front door of the evaluation. */
export {scoreChoices} from './choices.js';
export type {ChoiceScore} from './choices.js';
export type {Claim, Condition} from './claims.js';
export {compareEvaluations} from './compare-evaluations.js';
export type {
  EvaluationComparison,
  EvaluationToCompare,
  MetricComparison,
  PairedDifference,
  SettingDifference,
  SharedProblems,
  Told,
} from './compare-evaluations.js';
export {compare} from './comparison.js';
export type {Comparison, Statistic} from './comparison.js';
export {betterEnd, isMetric, metricsFor} from './metrics.js';
export type {Metric} from './metrics.js';
export {outcomeCounts} from './outcomes.js';
export {scoresOverSeeds, spreadOverSeeds} from './over-seeds.js';
export type {ScoreOverSeeds, SeedScores, SeedSpread} from './over-seeds.js';
export {judgeRollouts} from './judge-rollouts.js';
export {judgeSample} from './sample.js';
export type {Sample} from './sample.js';
export {scoreSamples} from './scores.js';
export type {Score} from './scores.js';
export {countsText, judgeClaims, judgeOverRuns} from './verdicts.js';
export type {ClaimOverRuns, ClaimResult, ClaimVerdict, Evaluation} from './verdicts.js';
export {gainOf, wonAndLost} from './won-and-lost.js';
export type {ProblemChange, RightOf, Tally, WonAndLost} from './won-and-lost.js';
