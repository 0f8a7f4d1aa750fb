/** A training on held-out problems, as the page shows it: two figures, their numbers, and the trend. */
import {DRAWS} from '../intervals.js';
import type {Metric} from '../metrics.js';
import type {Measured} from '../over-problems.js';
import type {ReportFigure} from './figures.js';
import {TREND_STEPS, type TrainingProgress} from './progress.js';
import {digitsOf, pText, rateText, signedText, table} from './markdown-parts.js';

/** A figure with its caption. */
export const figureText = ({file, title, caption}: ReportFigure): string => `![${title}](${file})\n\n${caption}`;

/** @param figures of held-out problems, in their order */
export function progressSection(progress: TrainingProgress, figures: readonly ReportFigure[]): string {
  const {node, points, trends, changes} = progress;
  const metrics = [...new Set(points.flatMap(({scores}) => scores.map(({metric}) => metric)))];
  const rows = points.map((point) => [
    String(point.step),
    point.node,
    ...metrics.map((metric) => {
      const score = point.scores.find((one) => one.metric === metric);
      return score === undefined ? '–' : rateText(score, digitsOf(metric));
    }),
  ]);
  const signed = (one: (Measured & {readonly metric: Metric}) | undefined): string =>
    one === undefined ? '–' : signedText({...one, mean: one.value}, digitsOf(one.metric));
  const trendRows = trends.map((trend) => [
    trend.metric,
    signed(changes.find(({metric}) => metric === trend.metric)),
    signed(trend),
    pText(trend.p),
  ]);
  const [start, end] = [points[0]!.step, points.at(-1)!.step];
  const [first] = trends;
  return [
    `#### ${node} on held-out problems`,
    ...figures.map(figureText),
    table(['step', 'model', ...metrics], rows, 2),
    table(
      ['metric', `change from step ${start} to ${end}`, `slope per ${TREND_STEPS} steps`, 'p of the slope'],
      trendRows,
    ),
    ...(first === undefined
      ? []
      : [
          `Change: the last model less the first, paired on problems. Slope, the trend within this run: the mean over ${first.problems} problems of each one’s least-squares slope over the ${points.length} steps above, with a 95 % bootstrap interval over problems (${DRAWS} draws, percentiles). p is two-sided, against a slope of 0, for each metric by itself. A slope is that of the straight line which fits a problem’s values best: of a curve that rises early and then stays, it is less than the change, and one that falls and recovers can have a slope without any change. The trend speaks of this run only: how much another seed of the training would differ is not in it. \`r1 claims --run 1,2,3\` takes one slope from each seed and gives a t-interval over them.`,
        ]),
  ].join('\n\n');
}
