/** Finding the checkpoint that a new attempt may start from, and bringing a verified copy of it into the new job folder. */
import {mkdirSync} from 'node:fs';
import type {Attempt, AttemptId, Continuation, Store} from '../../artifacts/index.js';
import {copyCheckpoint, newestCheckpoint, newestSaved, stepsIn} from './checkpoints.js';
import type {Torn} from './checkpoints.js';
import {jobFiles} from './folder.js';

/** A whole checkpoint in the job folder of an attempt that is over. */
export interface Found {
  readonly attempt: AttemptId;
  readonly step: number;
  /** Set where other code had a hand in it, in this attempt or in one that it went on from. */
  readonly accepted?: string;
}

/** A checkpoint that would be further, and is not whole. */
export type PassedOver = Torn & {readonly attempt: AttemptId};

/** Told what is passed over, the furthest first. */
type Tell = (passedOver: PassedOver) => void;

/** The furthest whole checkpoint of these attempts; among equals that of the newest attempt. */
export const furthestCheckpoint = (attempts: readonly Attempt[], store: Store, tell?: Tell): Found | undefined =>
  furthest(attempts, store, newestCheckpoint, tell);

/** The same with no look at bytes: which files are there, and how long they are. */
export const furthestSaved = (attempts: readonly Attempt[], store: Store, tell?: Tell): Found | undefined =>
  furthest(attempts, store, newestSaved, tell);

function furthest(
  attempts: readonly Attempt[],
  store: Store,
  newestIn: typeof newestCheckpoint,
  tell: Tell = () => undefined,
): Found | undefined {
  let best: Found | undefined;
  const torn: PassedOver[] = [];
  for (const {id, continues} of [...attempts].sort((a, b) => b.id - a.id)) {
    const {checkpoints} = jobFiles(store.jobFolder(id));
    // By its name: what is not further need not be read.
    if (best !== undefined && !(stepsIn(checkpoints)[0]! > best.step)) continue;
    const step = newestIn(checkpoints, (found) => torn.push({attempt: id, ...found}))?.step;
    if (step === undefined || (best !== undefined && step <= best.step)) continue;
    best = {attempt: id, step, ...(continues?.accepted === undefined ? {} : {accepted: continues.accepted})};
  }
  const isFurther = ({step}: PassedOver): boolean => best === undefined || step > best.step;
  for (const found of torn.filter(isFurther).sort((a, b) => b.step - a.step)) tell(found);
  return best;
}

/** More of them are only counted. */
const MOST_TOLD = 3;

/** What is passed over, as a sentence without its end; undefined where nothing is. */
export function passedOverText(list: readonly PassedOver[]): string | undefined {
  const [first] = list;
  if (first === undefined) return undefined;
  const place = ({attempt, step}: PassedOver): string => `at step ${step} of attempt ${attempt}`;
  if (list.length === 1) return `the checkpoint ${place(first)} is not whole (${first.why})`;
  const told = list.slice(0, MOST_TOLD).map((torn) => `${place(torn)} (${torn.why})`);
  const more = list.length > MOST_TOLD ? ' …' : '';
  return `${list.length} checkpoints are not whole: ${told.join(', ')}${more}`;
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
