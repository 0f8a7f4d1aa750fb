/** A training on held-out problems, as the page shows it: two figures, their numbers, and the trend. */
import {DRAWS, intervalText} from '../intervals.js';
import type {Score} from '../scores.js';
import type {ReportFigure} from './figures.js';
import {TREND_STEPS, type TrainingProgress} from './progress.js';
import {pText, table} from './markdown-parts.js';

/** A figure with its caption. */
export const figureText = ({file, title, caption}: ReportFigure): string => `![${title}](${file})\n\n${caption}`;

/** @param figures of held-out problems, in their order */
export function progressSection(progress: TrainingProgress, figures: readonly ReportFigure[]): string {
  const {node, points, trends} = progress;
  const metrics = [...new Set(points.flatMap(({scores}) => scores.map(({metric}) => metric)))];
  const rows = points.map((point) => [
    String(point.step),
    point.node,
    ...metrics.map((metric) => {
      const score = point.scores.find((one) => one.metric === metric);
      return score === undefined ? '–' : withInterval(score);
    }),
  ]);
  const changes = trends.map(({metric, value, low, high, p}) => [
    metric,
    withInterval({metric, mean: value, low, high}, true),
    pText(p),
  ]);
  const [first] = trends;
  return [
    `#### ${node} on held-out problems`,
    ...figures.map(figureText),
    table(['step', 'model', ...metrics], rows, 2),
    table(['metric', `change per ${TREND_STEPS} steps`, 'p'], changes),
    ...(first === undefined
      ? []
      : [
          `The trend within this run: the mean over ${first.problems} problems of each one’s least-squares slope over the ${points.length} steps above, with a 95 % bootstrap interval over problems (${DRAWS} draws, percentiles). p is two-sided, against no change, for each metric by itself. The trend speaks of this run only: how much another seed of the training would differ is not in it. \`r1 claims --run 1,2,3\` takes one slope from each seed and gives a t-interval over them.`,
        ]),
  ].join('\n\n');
}

function withInterval(
  {metric, mean, low, high}: Pick<Score, 'metric' | 'mean' | 'low' | 'high'>,
  isChange = false,
): string {
  const number = (value: number): string => {
    const text = value.toFixed(metric.startsWith('length') ? 1 : 3);
    // What rounds to nothing has no sign.
    return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−');
  };
  const text = number(mean);
  return `${isChange && Number(text) > 0 ? '+' : ''}${text} ${intervalText({low, high}, number)}`;
}
