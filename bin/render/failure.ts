/** Outcomes as sentences: what happened, where to look, what to type next. */
import type {Outcome as StoredOutcome} from '../../artifacts/index.js';
import {unreachable} from '../../pipeline/result.js';
import type {Outcome} from '../../pipeline/outcome.js';

/** The outcome in half a sentence, to be put behind a node's name; `log` is worth reading only where it says so. */
export function outcomeText(outcome: Outcome): string {
  switch (outcome.reason) {
    case 'succeeded':
      return 'succeeded';
    case 'stage-failed':
      return outcome.message;
    case 'stage-threw':
      return `threw ${outcome.message}`;
    case 'stage-exited':
      return `exited with ${outcome.exitCode} before it was done`;
    case 'killed-by-signal':
      return `was killed by ${outcome.signal}${outcome.signal === 'SIGKILL' ? ' (out of memory, or by hand)' : ''}`;
    case 'timed-out':
      return `was stopped after its ${outcome.seconds} s were up`;
    case 'output-missing':
      return `ended well but never wrote its output “${outcome.port}”`;
    case 'output-refused':
      return `wrote an output “${outcome.port}” that cannot be kept: ${outcome.message}`;
    case 'result-garbled':
      return `left a result that is none: ${outcome.message}`;
    case 'events-garbled':
      return `wrote garbled events; line ${outcome.line} is ${JSON.stringify(outcome.text)}${outcome.message === undefined ? '' : `: ${outcome.message}`}`;
    case 'inputs-changed':
      return `changed its inputs (${digestsText(outcome.digests)}), which are read-only${ofStore(outcome.outOfUse)}`;
    case 'start-failed':
      return `could not be started: ${outcome.message}`;
    case 'store-failed':
      return outcome.message;
    case 'stopped':
      return outcome.step === undefined ? 'was stopped' : `was stopped after step ${outcome.step}, checkpoint written`;
    case 'lost':
      return 'was gone when its runner came back';
    case 'superseded':
      return 'was overtaken by another runner, whose result counts';
    case 'unexpected-error':
      return `met an error of r1 itself: ${outcome.stack ?? outcome.message}`;
    default:
      return unreachable(outcome);
  }
}

const digestsText = (digests: readonly string[]): string =>
  digests.map((digest) => `@${digest.slice(0, 8)}`).join(', ');

/** What became of the store's own bytes. */
function ofStore(outOfUse: readonly string[] | undefined): string {
  if (outOfUse === undefined) return '';
  if (outOfUse.length === 0) return '; what the store keeps is untouched';
  return `; the changed bytes in the store (${digestsText(outOfUse)}) were put out of use`;
}

/** The outcome that the runner put into the store. */
export const outcomeOf = (stored: StoredOutcome): Outcome => stored.detail as unknown as Outcome;

/** Whether the stage's log may say more than the outcome does. */
export function isInLog({reason}: Outcome): boolean {
  return ['stage-threw', 'stage-exited', 'killed-by-signal', 'timed-out', 'output-missing', 'start-failed'].includes(
    reason,
  );
}

/** What to type next after a run in which `node` failed like this. */
export function nextStep(node: string, outcome: Outcome, run: number, params: readonly string[] = []): string {
  switch (outcome.reason) {
    case 'store-failed':
      return outcome.hint ?? `r1 resume ${run}`;
    case 'stopped':
      return `r1 resume ${run} goes on from the checkpoint`;
    case 'stage-failed': {
      const change = params.length === 0 ? '' : `, or change a param: r1 run … --set ${node}.PARAM=VALUE`;
      return `r1 log ${node} --run ${run}; then r1 resume ${run}${change}`;
    }
    case 'inputs-changed':
      return 'r1 verify says what else is affected; then r1 run makes it again';
    default:
      return `r1 log ${node} --run ${run}; then r1 resume ${run}`;
  }
}
