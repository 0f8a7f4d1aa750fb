/**
 * Front door of the store. What only some commands need (verify, collect, diff, export …) lives in modules of its own,
 * which are imported when used, so that opening a store stays cheap.
 */
export {asDigest, canonicalJson, digestOf, sha256, shortDigest} from './digest.js';
export type {Digest, Json} from './digest.js';
export {UserError} from './error.js';
export type {UserErrorReason} from './error.js';
export type * from './records.js';
export {openStore} from './store.js';
export type {
  Begun,
  Damage,
  Finished,
  Gone,
  Lock,
  NewAttempt,
  NewRun,
  Orphan,
  PastAttempt,
  Placed,
  Reusable,
  Store,
  StoreOptions,
} from './store.js';
