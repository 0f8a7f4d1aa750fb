/** The front door of what was sampled and stored: artifacts of rows as groups of completions. */
export {isShuffled} from './advantages.js';
export {partnersIn, readPartners} from './beside.js';
export type {PartnerOf} from './beside.js';
export {isRight, looksAtSamples, reflectionsIn} from './filter.js';
export type {SampleFilter} from './filter.js';
export {askedBy, promptsWithKey, readGroups} from './groups.js';
export type {StoredGroup} from './groups.js';
export {linesIn, parseLine} from './lines.js';
export type {StoredRows} from './lines.js';
export type {Asked, Judged, RewardPart, StoredSample} from './sample.js';
export {spreadOver, surveyOf} from './survey.js';
export type {GroupEntry, Survey} from './survey.js';
