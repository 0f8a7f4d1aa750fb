/**
 * The lines of `events.jsonl`. They are checked at both ends: where a stage reports something, so that the mistake is reported
 * with its place in the stage, and where the runner reads, because any program may write this file.
 */
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import {counted, shortened, shown} from '../values/printable.js';

/** One line of `events.jsonl`; `at` is in milliseconds since 1970 and goes into no output. */
export type JobEvent = {readonly at: number} & Report;

/** What a stage can report, as the runner takes it. */
export type Report =
  | {readonly type: 'progress'; readonly step: number; readonly total: number; readonly tokens?: number}
  | {readonly type: 'metric'; readonly name: string; readonly step: number; readonly value: number}
  | {readonly type: 'note'; readonly text: string}
  /** `ms`: what it took to write; a program may leave it out. */
  | {readonly type: 'checkpoint'; readonly step: number; readonly ms?: number}
  /**
   * The last thing that a program says: its outputs are written, and it is done whatever it is asked from now on. Only a
   * program that is not a stage's module needs it, and only if it wants to count as done when it is asked to stop and ends
   * with 0 all the same.
   */
  | {readonly type: 'complete'; readonly version: typeof COMPLETE_VERSION};

export const COMPLETE_VERSION = 1;

/** Bytes of a line; a longer one is read by nobody. */
export const MOST_LINE = 1 << 20;
/** UTF-16 code units of a metric's name. */
export const MOST_NAME = 200;
/** UTF-16 code units of a note that are kept and shown. */
export const MOST_NOTE = 1000;
/** UTF-16 code units of an error's message that are kept, and of its stack with the message in front. */
export const MOST_MESSAGE = 16_384;
export const MOST_STACK = 2 * MOST_MESSAGE;

/** JSON has no word for these three; a diverged loss is worth keeping all the same. */
const WORDS = new Map([NaN, Infinity, -Infinity].map((value) => [String(value), value]));

/** The line of a report, without its end. */
export function eventLine(report: Report, at: number): string {
  const {value} = report as {value?: number};
  return JSON.stringify({
    ...report,
    ...(value === undefined || Number.isFinite(value) ? {} : {value: String(value)}),
    at,
  });
}

/** Reads one line of `events.jsonl`. The error is half a sentence about the line. */
export function readEvent(line: string): Result<JobEvent, string> {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (error) {
    const hint = /\b(?:NaN|Infinity)\b/.test(line) ? `; JSON has no NaN and no Infinity, write "NaN"` : '';
    return err(`it is not JSON (${(error as Error).message})${hint}`);
  }
  if (typeof event !== 'object' || event === null) return err('it is not a record');
  const {at, ...fields} = event as Record<string, unknown>;
  if (fields['type'] === 'metric' && typeof fields['value'] === 'string') {
    fields['value'] = WORDS.get(fields['value']) ?? fields['value'];
  }
  const mistake = isFinite(at) ? reportMistake(fields) : `“at” is ${shown(at)}, not a time in milliseconds`;
  if (mistake !== undefined) return err(mistake);
  const report = fields as unknown as Report;
  if (report.type !== 'note') return ok({...report, at: at as number});
  return ok({...report, text: shortened(report.text, MOST_NOTE, 'events.jsonl'), at: at as number});
}

/** The event of a line, or `undefined` where there is none: for who only looks. */
export function parseEvent(line: string): JobEvent | undefined {
  const read = readEvent(line);
  return read.ok ? read.value : undefined;
}

/** What is wrong with a report, as half a sentence. */
export function reportMistake(report: Readonly<Record<string, unknown>>): string | undefined {
  const {type, step, total, tokens, name, value, text, version, ms} = report;
  switch (type) {
    case 'progress':
      if (!isAmount(step)) return `the step is ${shown(step)}, not a number from 0 up`;
      if (!isAmount(total)) return `the total is ${shown(total)}, not a number from 0 up`;
      return tokens === undefined || isAmount(tokens)
        ? undefined
        : `tokens are ${shown(tokens)}, not a number from 0 up`;
    case 'metric':
      return (
        nameMistake(name) ??
        stepMistake(step) ??
        (typeof value === 'number' ? undefined : `the value is ${shown(value)}, not a number`)
      );
    case 'note':
      return typeof text === 'string' ? undefined : `the text is ${shown(text)}, not a string`;
    case 'checkpoint':
      return (
        stepMistake(step) ??
        (ms === undefined || isAmount(ms) ? undefined : `the milliseconds are ${shown(ms)}, not a number from 0 up`)
      );
    case 'complete':
      return version === COMPLETE_VERSION ? undefined : `the version is ${shown(version)}, not ${COMPLETE_VERSION}`;
    default:
      return `its type is ${shown(type)}, none of progress, metric, note, checkpoint and complete`;
  }
}

/** Steps are kept as whole numbers, exactly. */
export function stepMistake(step: unknown): string | undefined {
  if (Number.isSafeInteger(step) && (step as number) >= 0) return undefined;
  return `the step is ${shown(step)}, not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;
}

function nameMistake(name: unknown): string | undefined {
  if (typeof name !== 'string') return `the name is ${shown(name)}, not a string`;
  if (name === '') return 'the name is empty';
  if (name.length > MOST_NAME) {
    return `the name ${shown(name)} has ${counted(name.length)}, ${MOST_NAME} are allowed`;
  }
  // What a terminal would obey, what ends a line for some readers, and half a character.
  if (/[\p{Cc}\p{Surrogate}\p{Bidi_Control}\u2028\u2029]/u.test(name)) {
    return `the name ${shown(name)} holds a control character`;
  }
  return undefined;
}

const isFinite = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Amounts are counted up and shown; they may be parts of one, but none that no integer column can hold. */
export const isAmount = (value: unknown): value is number =>
  isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
