/** What the page says of a training on held-out problems: two figures, their numbers, and the trend. */
import {intervalText} from '../intervals.js';
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
    table(['step', 'model', ...metrics], rows, 0),
    table(['metric', `change per ${TREND_STEPS} steps`, 'p'], changes),
    ...(first === undefined
      ? []
      : [
          `The trend within this run: each of the ${first.problems} problems’ least-squares slope over the ${points.length} steps above, and Student’s t over these slopes, the problem being the unit. p is against no change, of each metric by itself. It speaks of this run alone: what another seed of the training would give is not in it. Over several runs, \`r1 claims --run 1,2,3\` has one slope a seed.`,
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
