/** Several runs that were asked for at once. */
import type {RunId} from '../../artifacts/index.js';
import type {RunSummary} from '../../pipeline/run/options.js';
import {tableText} from './table.js';

/** A run of several that has come to its end. */
export interface GridResult {
  readonly run: RunId;
  readonly seed: number;
  readonly outcome: RunSummary['outcome'];
  /** `seed 2, zero-rl.steps=50`. */
  readonly label: string;
  /** The assignments that tell it from runs of the same seed. */
  readonly cell: readonly string[];
}

/**
 * A line a run, and what was not started.
 *
 * @param left labels of what was not started
 */
export function gridText(results: readonly GridResult[], left: readonly string[]): string {
  const rows = [
    ...results.map(({run, label, outcome}) => [`run ${run}`, label, outcome]),
    ...left.map((label) => ['–', label, 'not started']),
  ];
  const next =
    left.length === 0
      ? []
      : ['the same command goes on: what was made is reused, what was stopped starts from its checkpoint'];
  return [tableText(rows, {head: ['', 'of', 'outcome']}), ...next].join('\n');
}
