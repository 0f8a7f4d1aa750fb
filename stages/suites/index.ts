/** The front door of the suites. */
export {localModel} from './ask.js';
export {endpointModel} from './ask-endpoint.js';
export type {EndpointModel} from './ask-endpoint.js';
export type {Answered, AskModel, Asking} from './ask.js';
export {suiteNeed} from './memory-need.js';
export type {NamedFile, SuiteFiles} from './problems.js';
export {readSuite, shippedSuite, SUITES} from './read-suite.js';
export type {PaperScore, SuiteResult, SuiteSettings} from './result.js';
export {runSuite} from './run-suite.js';
export type {SuiteOptions} from './run-suite.js';
export type {Role} from './roles.js';
export type {Suite} from './suite.js';
