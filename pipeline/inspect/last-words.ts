/** What helps to understand a failed stage without another question: where it threw, and the last lines that it printed. */
import {endOfFile} from '../job/plain-file.js';
import type {Outcome} from '../outcome.js';
import {placeOf, placeText} from '../modules/source/source-location.js';

/** Where a stage threw, and what it printed last. */
export interface LastWords {
  /** `file:line:column` */
  readonly place?: string;
  /** At most five, without empty ones. */
  readonly lines: readonly string[];
}

/** What to leave out of the last lines of a log. */
export interface LastWordsOptions {
  /** Lines that say nothing of the stage, such as what a library prints about itself (`isTensorflowNote` of r1/stages). */
  readonly leaveOut?: (line: string) => boolean;
}

const LINES = 5;
/** The end of a log is looked at as far back as this, bytes. */
const TAIL = 1 << 14;
const LONGEST_LINE = 300;

/** @param log path of the log; there need not be one (any more) */
export function lastWordsOf(outcome: Outcome, log: string, {leaveOut = () => false}: LastWordsOptions = {}): LastWords {
  const stack = outcome.reason === 'stage-threw' ? outcome.stack : undefined;
  const place = stack === undefined ? undefined : placeIn(stack);
  const said =
    outcome.reason === 'start-failed' ? outcome.message : outcome.reason === 'stage-exited' ? outcome.said : stack;
  const lines = isInLog(outcome) ? linesOf(log, said).filter((line) => !leaveOut(line)) : [];
  return {
    ...(place === undefined ? {} : {place}),
    lines: lines.slice(-LINES).map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line)),
  };
}

/** Whether the stage's log may say more than the outcome does. */
export function isInLog({reason}: Outcome): boolean {
  return ['stage-threw', 'stage-exited', 'killed-by-signal', 'timed-out', 'output-missing', 'start-failed'].includes(
    reason,
  );
}

function placeIn(stack: string): string | undefined {
  const place = placeOf(Object.assign(new Error(), {stack}));
  return place === undefined ? undefined : placeText(place);
}

/** @param said what stands at the end of the log and was said already */
function linesOf(log: string, said: string | undefined): readonly string[] {
  const text = endOfFile(log, TAIL).trimEnd();
  const before = said !== undefined && text.endsWith(said.trimEnd()) ? text.slice(0, -said.trimEnd().length) : text;
  return before
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
}
