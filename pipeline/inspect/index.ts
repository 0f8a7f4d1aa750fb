/** Answers about what runs have made and are making, as data: for the command line, for a page, for programs. */
export {costOf} from './cost.js';
export type {CostSum, NodeCost, RunCost} from './cost.js';
export {findNode} from './find-node.js';
export type {FoundNode} from './find-node.js';
export type {LastWords, LastWordsOptions} from './last-words.js';
export {followLog, logOf, readLog} from './log.js';
export type {FollowOptions, LogEnd, LogText, NodeLog} from './log.js';
export {runsOf} from './runs.js';
export type {RunOverview} from './runs.js';
export {statusOf, withProcesses} from './status.js';
export type {NodeState, NodeStatus, RunStatus} from './status.js';
export {whyOf} from './why.js';
export type {AttemptReason, EarlierAttempt, Why} from './why.js';
