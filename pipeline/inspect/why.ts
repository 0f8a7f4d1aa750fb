/** The recorded reason for what a run did with a node, from the store alone. */
import type {Attempt, AttemptId, InputEdge, Run, RunId, RunNode, Store} from '../../artifacts/index.js';
import {jobFiles} from '../job/folder.js';
import type {Outcome} from '../outcome.js';
import {findNode} from './find-node.js';
import {lastWordsOf} from './last-words.js';
import type {LastWords, LastWordsOptions} from './last-words.js';
import {recordedOutcome} from './recorded-outcome.js';

/** A decision for a node, and the attempt that it led to. */
export interface Why {
  readonly run: Run;
  /** What the run decided for the node, and why. */
  readonly node: RunNode;
  /** Undefined where the node was not started. A reused one is of the run that made it. */
  readonly attempt?: AttemptReason;
}

/** An attempt with the same fingerprint, and how it ended. */
export interface EarlierAttempt {
  readonly attempt: AttemptId;
  readonly run: RunId;
  /** Undefined while it has not ended, or nobody has recorded how. */
  readonly outcome?: Outcome;
}

/** Why an attempt was made, from what, and how it ended. */
export interface AttemptReason {
  /** As recorded: why it was made, its fingerprint and what that is of, the checkpoint that it began from. */
  readonly recorded: Attempt;
  /** What it was made from, port by port. */
  readonly inputs: readonly (InputEdge & {/** The node that made it. */ readonly from: string | undefined})[];
  /** Undefined while it has not ended, or nobody has recorded how. */
  readonly outcome?: Outcome;
  /** Set where nobody has recorded how it ended, and its runner is dead, so that it may have. */
  readonly isOrphan?: true;
  /** Attempts at the very same work, by fingerprint, that were begun before it; newest first. */
  readonly earlier: readonly EarlierAttempt[];
  /** Where it threw and what it printed last; nothing of an attempt that ended well. */
  readonly lastWords: LastWords;
}

/**
 * Why a node ran, was reused or was not started, in the run with this number or in the newest one that includes the node.
 *
 * @throws UserError not-found; store-damaged where the store holds an outcome that this version cannot read
 */
export function whyOf(
  store: Store,
  name: string,
  {run: wanted, ...options}: LastWordsOptions & {readonly run?: number} = {},
): Why {
  const {run, node} = findNode(store, name, wanted);
  const attempt = node.attempt === undefined ? undefined : store.attempt(node.attempt);
  return {run, node, ...(attempt === undefined ? {} : {attempt: reasonOf(attempt, store, options)})};
}

function reasonOf(recorded: Attempt, store: Store, options: LastWordsOptions): AttemptReason {
  const inputs = recorded.inputs.map((input) => ({...input, from: store.attempt(input.madeBy)?.node}));
  const earlier = store
    .attemptsByFingerprint(recorded.fingerprint)
    .filter(({id}) => id < recorded.id)
    .map(({id, run, outcome: ended}): EarlierAttempt => ({
      attempt: id,
      run,
      ...(ended === undefined ? {} : {outcome: recordedOutcome(ended)}),
    }));
  if (recorded.outcome === undefined) {
    const orphan = store.runAtWork(recorded.fingerprint) === undefined ? ({isOrphan: true} as const) : {};
    return {recorded, inputs, earlier, ...orphan, lastWords: {lines: []}};
  }
  const outcome = recordedOutcome(recorded.outcome);
  return {
    recorded,
    inputs,
    earlier,
    outcome,
    lastWords: lastWordsOf(outcome, jobFiles(store.jobFolder(recorded.id)).log, options),
  };
}
