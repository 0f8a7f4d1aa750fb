/** The front door of the report. */
export {benchmarkNotes, benchmarkNumber, benchmarkRows, benchmarkValue, paperText} from './benchmarks.js';
export type {Benchmark} from './benchmarks.js';
export {buildReport} from './build.js';
export type {Report, ScoreRow} from './build.js';
export {readEarlyAnswers} from './early-answers.js';
export {parseClaims, parseScores, readClaims, readScores, readTrends, writeReport} from './folder.js';
export type {TrendRow} from './folder.js';
export type {Evaluated, History, ReportInputs, SuiteCard} from './inputs.js';
export {renderMarkdown, valueText} from './markdown.js';
export {TREND_STEPS} from './progress.js';
export {readEvaluation, readEvaluationFiles, readScoresFile} from './read-evaluation.js';
