/** The outcome of an attempt as the runner put it into the store. */
import {UserError} from '../../artifacts/index.js';
import type {Outcome as StoredOutcome} from '../../artifacts/index.js';
import {outcomeIn} from '../outcome.js';
import type {Outcome} from '../outcome.js';

/** A store is data, and may hold anything. @throws UserError store-damaged */
export function recordedOutcome({ok, reason, detail}: StoredOutcome): Outcome {
  // Of what came from outside nothing more is recorded.
  if (ok && reason === 'succeeded' && detail === null) return {reason};
  const outcome = outcomeIn(detail);
  if (outcome !== undefined && outcome.reason === reason) return outcome;
  throw new UserError('store-damaged', `the store is damaged, or newer than this r1: there is no outcome “${reason}”`, {
    remedy: {type: 'verify'},
  });
}
