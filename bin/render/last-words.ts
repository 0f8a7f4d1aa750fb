/** What helps to understand a failed stage without another command: where it threw, and the last lines that it printed. */
import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import type {Outcome} from '../../pipeline/outcome.js';
import {placeOf, placeText} from '../../pipeline/modules/source/source-location.js';
import {isInLog} from './failure.js';

export interface LastWords {
  /** `file:line:column` */
  readonly place?: string;
  readonly lines: readonly string[];
}

const LINES = 5;
/** The end of a log is looked at as far back as this, bytes. */
const TAIL = 1 << 14;
const LONGEST_LINE = 300;

export function lastWordsOf(outcome: Outcome, log: string): LastWords {
  const stack = outcome.reason === 'stage-threw' ? outcome.stack : undefined;
  const place = stack === undefined ? undefined : placeIn(stack);
  const said = outcome.reason === 'start-failed' ? outcome.message : stack;
  const lines = isInLog(outcome) ? linesOf(log, said) : [];
  return {...(place === undefined ? {} : {place}), lines};
}

function placeIn(stack: string): string | undefined {
  const place = placeOf(Object.assign(new Error(), {stack}));
  return place === undefined ? undefined : placeText(place);
}

/** @param said what stands at the end of the log and was said already */
function linesOf(log: string, said: string | undefined): readonly string[] {
  const text = endOf(log).trimEnd();
  const before = said !== undefined && text.endsWith(said.trimEnd()) ? text.slice(0, -said.trimEnd().length) : text;
  return before
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !isTensorflowNote(line))
    .slice(-LINES)
    .map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line));
}

/**
 * Notes of TensorFlow's native code about itself, which none of its settings turns off. They say nothing of the stage; the file of a
 * log keeps them.
 */
const TENSORFLOW_NOTE =
  /^(?:WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR|I0000 00:00:\d+\.\d+ +\d+ [\w./]+\.cc:\d+\] .*)$/;

export const isTensorflowNote = (line: string): boolean => TENSORFLOW_NOTE.test(line);

/** Nothing where there is no log (any more), which is what `r1 gc` leaves. */
function endOf(file: string): string {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const {size} = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(TAIL, size));
    const got = readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8', 0, got);
  } finally {
    closeSync(fd);
  }
}
