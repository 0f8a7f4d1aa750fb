/** What stages that import say while they work and when they are done. */
import {StageFailure, Stopped} from '../../../pipeline/stage.js';
import type {Findings} from './findings.js';
import type {Measure} from './params.js';
import type {Tally} from './tally.js';

/** Stands still below this. */
const MIB = 2 ** 20;

/** Reports the reading of a file, and ends it when a stop is asked for: nothing of it is lost that is not read again. */
export function progressOf({
  progress,
  signal,
}: {
  progress(at: {readonly step: number; readonly total: number}): void;
  readonly signal: AbortSignal;
}): (read: number, total: number) => void {
  let said = 0;
  return (read, total) => {
    if (signal.aborted) throw new Stopped();
    const step = Math.floor(read / MIB);
    if (step === said) return;
    said = step;
    progress({step, total: Math.max(step, Math.ceil(total / MIB))});
  };
}

/** Finding → the param that says what is done about it, if there is one, and how a person calls it. */
export interface Rule {
  readonly finding: string;
  readonly param?: string;
  readonly measure: Measure | 'off';
  /** Of one row, and of more. */
  readonly said: readonly [string, string];
}

const doneAbout = (measure: Rule['measure'], param: string | undefined): string => {
  if (measure === 'drop') return 'dropped';
  return param === undefined ? 'kept' : `kept (${param}: 'drop' leaves them out)`;
};

/** A sentence for each finding. @throws {StageFailure} for one that the recipe refuses */
export function findingNotes(rules: readonly Rule[], findings: Findings, path: string): string[] {
  return rules.flatMap(({finding, param, measure, said}) => {
    const rows = findings.of(finding);
    if (rows === 0) return [];
    const what = rows === 1 ? `1 ${said[0]}` : `${rows} ${said[1]}`;
    const example = findings.rows.find((row) => row.finding === finding);
    const which = example === undefined ? '' : `, such as ${example.from.map((id) => `“${id}”`).join(' and ')}`;
    if (measure === 'refuse' && param !== undefined)
      throw new StageFailure(`${path}: ${what}${which}; ${param}: 'drop' leaves them out`);
    return [`${what}${which}: ${doneAbout(measure, param)}`];
  });
}

/** Why rows could not be used, with their numbers. */
export const reasonsOf = ({unusable}: Tally): string =>
  Object.entries(unusable)
    .map(([why, rows]) => `${rows} ${why}`)
    .join(', ');
