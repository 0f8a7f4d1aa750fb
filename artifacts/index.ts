/**
 * Front door of the store. What only some commands need (verify, gc, diff, export …) lives in modules of its own,
 * which are imported when used, so that opening a store stays cheap.
 */
export {sqliteVersion} from './database/database.js';
export {asDigest, canonicalJson, digestOf, isDigest, sha256, shortDigest} from './digest.js';
export type {Digest, Json} from './digest.js';
export {UserError, mayBeFull, plainError} from './error.js';
export type {UserErrorOptions, UserErrorReason} from './error.js';
export type {Remedy} from './remedy.js';
export {pathMistake} from './blobs/manifest.js';
export type {Adoption, BeginResult, Recorder, AttemptEnd, NewAttempt, NewRun, Source} from './facts/write.js';
export type {Contents} from './blobs/contents.js';
export type {Damage, Placed} from './blobs/folders.js';
export {isInterrupted} from './blobs/interruption.js';
export type {MetricsOptions} from './facts/metrics.js';
export type {Lineage, Orphan, PastAttempt} from './facts/read.js';
export type {Gone, Reusable} from './facts/reuse.js';
export type * from './records.js';
export type {Lock} from './database/runner-lock.js';
export type {Scratch} from './folder/scratch.js';
export {openStore} from './store.js';
export type {Store, StoreOptions} from './store.js';
