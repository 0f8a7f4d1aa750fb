/** Why a program ended, in the words that it printed last: what a person would look for first in its log. */
import {stripVTControlCharacters} from 'node:util';
import {endOfFile} from './plain-file.js';

/** The end of a log is looked at as far back as this, bytes. */
const TAIL = 1 << 14;
const LONGEST = 300;

/**
 * How Python, Node and Java print what nobody caught: the name of the error at the beginning of a line. That a child of a launcher failed
 * is said behind the child's own words, and says nothing.
 */
const ERROR = /^(?:[A-Za-z_][\w.]*\.)?(?!ChildFailedError\b)(?:[A-Z]\w*)?(?:Error|Exception|Interrupt)\b(?::|$| \[)/;

/**
 * The line of the error that ended it, where one looks like that, else the last line; undefined where it printed nothing.
 *
 * @param isKilled whether a signal ended it: what it happened to print last is no reason then
 */
export function causeInLog(log: string, {isKilled = false} = {}): string | undefined {
  const lines = stripVTControlCharacters(endOfFile(log, TAIL))
    // A line that was printed over another by a carriage return, as progress bars are: the last one is what was to be seen.
    .split('\n')
    .map((line) => line.trimEnd().split('\r').at(-1)!.trim())
    .filter((line) => line !== '');
  const cause = lines.findLast((line) => ERROR.test(line)) ?? (isKilled ? undefined : lines.at(-1));
  return cause !== undefined && cause.length > LONGEST ? `${cause.slice(0, LONGEST)}…` : cause;
}
