/** Finding the checkpoint that a new attempt may start from, and bringing a verified copy of it into the new job folder. */
import {mkdirSync} from 'node:fs';
import type {Attempt, AttemptId, Continuation, Store} from '../../artifacts/index.js';
import {copyCheckpoint, newestCheckpoint, stepsIn} from './checkpoints.js';
import {jobFiles} from './folder.js';

/** A whole checkpoint in the job folder of an attempt that is over. */
export interface Found {
  readonly attempt: AttemptId;
  readonly step: number;
  /** Set where other code had a hand in it, in this attempt or in one that it went on from. */
  readonly accepted?: string;
}

/** The furthest whole checkpoint of these attempts; among equals that of the newest attempt. */
export const furthestCheckpoint = (attempts: readonly Attempt[], store: Store): Found | undefined =>
  furthest(attempts, store, (folder) => newestCheckpoint(folder)?.step);

/** The same by the names of what is there, with no look at whether it is whole. */
export const furthestSaved = (attempts: readonly Attempt[], store: Store): Found | undefined =>
  furthest(attempts, store, (folder) => stepsIn(folder)[0]);

function furthest(
  attempts: readonly Attempt[],
  store: Store,
  stepOf: (folder: string) => number | undefined,
): Found | undefined {
  let best: Found | undefined;
  for (const {id, continues} of [...attempts].sort((a, b) => b.id - a.id)) {
    const step = stepOf(jobFiles(store.jobFolder(id)).checkpoints);
    if (step === undefined || (best !== undefined && step <= best.step)) continue;
    best = {attempt: id, step, ...(continues?.accepted === undefined ? {} : {accepted: continues.accepted})};
  }
  return best;
}

/**
 * Attempts whose checkpoints the fingerprint alone vouches for: none was begun from a checkpoint of other code, and in none of
 * them code changed while it ran.
 */
export const untainted = (attempts: readonly Attempt[]): readonly Attempt[] =>
  attempts.filter(({continues, outcome}) => continues?.accepted === undefined && outcome?.reason !== 'code-changed');

/** Copies the checkpoint that the attempt goes on from; false when it is not whole any more. */
export function bringCheckpoint({attempt, step}: Continuation, folder: string, store: Store): boolean {
  const {checkpoints} = jobFiles(store.jobFolder(attempt));
  const found = newestCheckpoint(checkpoints);
  if (found?.step !== step) return false;
  const target = jobFiles(folder).checkpoints;
  mkdirSync(target, {recursive: true});
  return copyCheckpoint(found, target);
}
