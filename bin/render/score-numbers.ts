/** Numbers of scores as tables write them, and what their brackets hold. */
import {intervalText} from '../../stages/evaluation/intervals.js';
import type {Interval} from '../../stages/evaluation/intervals.js';
import type {PairedDifference} from '../../stages/evaluation/compare-evaluations.js';
import type {Metric, Score} from '../../stages/evaluation/index.js';
import type {SeedSpread} from '../../stages/evaluation/over-seeds.js';

/** Decimals of a metric: those of a share, fewer of a length, none of a rating. */
const decimalsOf = (metric: Metric): number => (metric.endsWith('rating') ? 0 : /^length\b/.test(metric) ? 1 : 3);

const numberText = (value: number, decimals: number): string =>
  value.toFixed(decimals).replace(/^(-?)0\.(?=\d\d)/, '$1.');

/** `.712`; lengths with one decimal, ratings with none. */
export const scoreNumber =
  (metric: Metric) =>
  (value: number): string =>
    numberText(value, decimalsOf(metric));

/** `+.012`, `−.250`; what rounds to nothing has no sign. */
export const signedNumber =
  (metric: Metric, more = 0) =>
  (value: number): string => {
    const text = numberText(Math.abs(value), decimalsOf(metric) + more);
    return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
  };

/** `.712 [.690, .733]` */
export const scoreCell = (score: Score | undefined): string =>
  score === undefined ? '' : withInterval(score.mean, score, scoreNumber(score.metric));

/** `+.486 [+.466, +.506]` */
export const differenceCell = (metric: Metric, difference: PairedDifference | undefined): string =>
  difference === undefined
    ? ''
    : withInterval(difference.value, difference, signedNumber(metric, moreFor(metric, difference)));

/** Decimals that are added. */
const MOST_MORE = 6;

/** More decimals, where an interval lies on one side of 0 and would be written as if it ended there. */
function moreFor(metric: Metric, {low, high}: Interval): number {
  const nearest = low > 0 ? low : high < 0 ? high : undefined;
  if (nearest === undefined) return 0;
  let more = 0;
  while (more < MOST_MORE && Number(nearest.toFixed(decimalsOf(metric) + more)) === 0) more++;
  return more;
}

/** `.949 (.934 to .961) [.915, .983]`: mean, lowest and highest over seeds, and the interval where there is one. */
export function spreadCell({mean, min, max, interval}: SeedSpread, number: (value: number) => string): string {
  const range = `${number(mean)} (${number(min)} to ${number(max)})`;
  return interval === undefined ? range : `${range} ${intervalText(interval, number)}`;
}

const withInterval = (value: number, interval: Interval, number: (value: number) => string): string =>
  `${number(value)} ${intervalText(interval, number)}`;

/** Under tables whose brackets are those of scores. */
export const OVER_PROBLEMS = 'brackets: 95 % over problems, the sampling of problems only; not the noise of training';

/** Under tables whose brackets are over seeds. */
export const OVER_SEEDS = 'brackets: 95 % over seeds (t), the noise of training only; not the sampling of problems';
