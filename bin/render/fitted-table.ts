/** A table of metrics on one screen: as many as fit, the most telling ones at any rate. */
import type {Metric} from '../../stages/evaluation/index.js';
import {fittingColumns, tableText} from './table.js';

/** Which scores a table shows, and how. */
export interface ScoreTableOptions {
  readonly width: number;
  /** Every metric with its interval, in as many blocks as the width asks for; else one block, of what fits. */
  readonly isWhole?: boolean;
}

/** What a table makes room for first, where it has none for all; the others follow in their own order. */
const FIRST = [/^pass@1$/, /^cons@/, /^length$/, /^format$/, /^language$/, /^helpful$/, /^safe$/, /^truncated$/];

export interface FittedOptions {
  /** The last columns are those of the metrics, in their order; those before give way to the first of the metrics alone. */
  readonly head: readonly string[];
  readonly metrics: readonly Metric[];
  /** So many of the first columns are texts, the others are numbers; 1 where nothing else is said. */
  readonly texts?: number;
  readonly width: number;
}

/** The table, and the metrics that it has no room for. */
export function fittedTable(
  lines: readonly (readonly string[])[],
  {head, metrics, texts = 1, width}: FittedOptions,
): {readonly table: string; readonly hidden: readonly Metric[]} {
  const before = head.length - metrics.length;
  const rank = (metric: Metric): number => {
    const place = FIRST.findIndex((one) => one.test(metric));
    return place === -1 ? FIRST.length : place;
  };
  const places = metrics.map((_, index) => before + index);
  const ranked = places.toSorted((a, b) => rank(metrics[a - before]!) - rank(metrics[b - before]!));
  const others = Array.from({length: before - 1}, (_, index) => index + 1);
  // Whatever else there is no room for, the number that a table is about stands in it.
  const order = [...ranked.slice(0, 1), ...others, ...ranked.slice(1)];
  const shown = [0, ...fittingColumns([head, ...lines], {width, order})];
  const pick = (line: readonly string[]): string[] => shown.map((place) => line[place]!);
  const right = shown.flatMap((place, index) => (place < texts ? [] : [index]));
  return {
    table: tableText(lines.map(pick), {head: pick(head), right}),
    hidden: metrics.filter((_, index) => !shown.includes(before + index)),
  };
}
