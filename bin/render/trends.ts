/** How metrics change over a training, over several seeds: one slope a seed. */
import {spreadOverSeeds} from '../../stages/evaluation/over-seeds.js';
import {TREND_STEPS} from '../../stages/evaluation/report/index.js';
import type {TrendRow} from '../../stages/evaluation/report/index.js';
import {signedNumber, spreadCell} from './score-numbers.js';
import {seedNotes} from './seeds.js';
import {tableBlocks} from './table.js';

/** A run with the slopes that its report has. */
export interface TrendsOfRun {
  readonly run: string;
  readonly trends: readonly TrendRow[];
}

/** '' where the reports of the runs have no trend in common. */
export function trendsOverSeeds(runs: readonly TrendsOfRun[], {width}: {readonly width: number}): string {
  const found = (runs[0]?.trends ?? []).flatMap(({node, metric}) => {
    const values = runs.flatMap(
      ({trends}) => trends.find((one) => one.node === node && one.metric === metric)?.value ?? [],
    );
    return values.length === runs.length ? [{node, metric, values, ...spreadOverSeeds(values)}] : [];
  });
  if (found.length === 0) return '';
  const rows = found.map(({node, metric, values, ...spread}) => {
    const number = signedNumber(metric);
    return [`${node}: ${metric}`, spreadCell(spread, number), ...values.map(number)];
  });
  const head = ['trend', `slope per ${TREND_STEPS} steps`, ...runs.map(({run}) => `run ${run}`)];
  const table = tableBlocks(rows, {head, right: runs.map((_, index) => index + 2), width});
  return `On held-out problems over the training, one slope a seed:\n\n${table}\n\n${seedNotes(found)}`;
}
