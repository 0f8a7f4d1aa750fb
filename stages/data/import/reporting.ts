/** What stages that import say while they work and when they are done. */
import {StageFailure, Stopped} from '../../../pipeline/stage.js';
import type {Findings} from './findings.js';
import type {Measure} from './params.js';

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

/** Finding → the param that says what is done about it, and how a person calls it. */
export interface Rule {
  readonly finding: string;
  readonly param: string;
  readonly measure: Measure | 'off';
  readonly said: (rows: number) => string;
}

/** A sentence for each finding. @throws {StageFailure} for one that the recipe refuses */
export function findingNotes(rules: readonly Rule[], findings: Findings, path: string): string[] {
  return rules.flatMap(({finding, param, measure, said}) => {
    const rows = findings.of(finding);
    if (rows === 0) return [];
    const example = findings.rows.find((row) => row.finding === finding);
    const which = example === undefined ? '' : `, such as ${example.from.map((id) => `“${id}”`).join(' and ')}`;
    if (measure === 'refuse')
      throw new StageFailure(`${path}: ${said(rows)}${which}; ${param}: 'drop' leaves them out`);
    return [`${said(rows)}${which}: ${measure === 'drop' ? 'dropped' : `kept (${param}: 'drop' leaves them out)`}`];
  });
}
