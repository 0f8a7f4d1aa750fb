/** Finding the run that somebody asks about. */
import {UserError} from '../error.js';
import type {Run, RunId} from '../records.js';
import type {Store} from '../store.js';

/**
 * The run with this number, or the newest one.
 *
 * @throws UserError not-found: there is no such run, or none at all
 */
export function findRun(store: Store, wanted?: number): Run {
  const run = wanted === undefined ? store.latestRun() : store.run(wanted as RunId);
  if (run !== undefined) return run;
  if (wanted === undefined)
    throw new UserError('not-found', 'nothing has run in this store yet', {remedy: {type: 'begin-run'}});
  throw new UserError('not-found', `there is no run ${wanted}`, {remedy: {type: 'list-runs'}});
}
