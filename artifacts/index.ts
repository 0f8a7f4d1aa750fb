/**
 * Front door of the store. What only some commands need (verify, collect, diff, export …) lives in modules of its own,
 * which are imported when used, so that opening a store stays cheap.
 */
export {sqliteVersion} from './database.js';
export {asDigest, canonicalJson, digestOf, isDigest, sha256, shortDigest} from './digest.js';
export type {Digest, Json} from './digest.js';
export {UserError, mayBeFull, plainError} from './error.js';
export type {UserErrorReason} from './error.js';
export {pathMistake} from './manifest.js';
export type {Adoption, Begun, Facts, Finished, NewAttempt, NewRun, Source} from './facts.js';
export type {Damage, Placed} from './folders.js';
export {isInterrupted} from './interruption.js';
export type {Metrics, MetricsOptions} from './metrics.js';
export type {PastAttempt, Questions} from './questions.js';
export type {Gone, Reusable} from './reuse.js';
export type * from './records.js';
export type {Lock} from './runner-lock.js';
export type {Scratch} from './scratch.js';
export {openStore} from './store.js';
export type {Orphan, Store, StoreOptions} from './store.js';
