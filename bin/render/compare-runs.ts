/** Two runs beside each other by what their models scored, for people. */
import type {ComparedByName, RunPair, RunsComparison} from '../access/compare-runs.js';
import type {MetricComparison} from '../../stages/evaluation/compare-evaluations.js';
import type {SpreadRow} from '../access/score-rows.js';
import {createColors, oneLine} from '../terminal/paint.js';
import {besidePaper} from './paper-column.js';
import {firstText, isTold, problemLines, settingLines, toldCell} from './compare-parts.js';
import {seedHeadline} from './run-scores.js';
import {runLine} from './runs.js';
import {OVER_PROBLEMS, scoreCell} from './score-numbers.js';
import {seedTable} from './seeds.js';
import {tableBlocks} from './table.js';

export interface RunsTextOptions {
  readonly width: number;
  readonly colours: boolean;
  /** All of these metrics; else the headline one, and whatever else is told apart. */
  readonly metrics?: readonly string[] | undefined;
  /** Lines of a table; all of them without it. */
  readonly most?: number;
}

/** One metric of one model of both runs. */
interface Line {
  readonly name: string;
  readonly paper?: string | undefined;
  readonly compared: MetricComparison;
}

/** Runs, each against the first; the spread over those that are seeds of one recipe stands before. */
export const runsText = ({pairs, spreads}: RunsComparison, options: RunsTextOptions): string =>
  [
    ...spreads.map(({runs, rows}) => `${seedHeadline(runs)}\n\n${seedTable(headlines(rows, options), options)}`),
    ...pairs.map((pair) => runPairText(pair, options)),
  ].join('\n\n');

function headlines(rows: readonly SpreadRow[], {metrics}: RunsTextOptions): readonly SpreadRow[] {
  if (metrics !== undefined) return rows;
  const first = rows.find(({metric}) => metric === 'pass@1') ?? rows[0];
  return rows.filter(({metric}) => metric === first?.metric);
}

/** Two runs with what they have in common, and what to type for more. */
function runPairText(pair: RunPair, options: RunsTextOptions): string {
  const {baseline, other, models, onlyBaseline, onlyOther, first} = pair;
  const [a, b] = [baseline.id, other.id];
  const same = models.filter(({comparison}) => comparison === undefined).map(({name}) => name);
  const one = models.find(({comparison}) => comparison !== undefined)?.name;
  return [
    `${runLine(baseline)}\n${runLine(other)}`,
    effectText(pair, options),
    [
      ...(same.length === 0 ? [] : [`one and the same evaluation in both: ${same.join(', ')}`]),
      ...(onlyBaseline.length === 0 ? [] : [`scored in run ${a} alone: ${onlyBaseline.join(', ')}`]),
      ...(onlyOther.length === 0 ? [] : [`scored in run ${b} alone: ${onlyOther.join(', ')}`]),
      ...(models.length === 0
        ? [`no model has scores under one name in both: r1 compare ${a}/NODE ${b}/NODE names two`]
        : []),
      ...(first === undefined ? [] : [`first difference: ${firstText(first)}`]),
      ...(one === undefined
        ? []
        : [`r1 compare ${a}/${one} ${b}/${one} shows one of them in full: problems, responses, curves`]),
    ]
      .map(oneLine)
      .join('\n'),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

/** What changed in the scores; '' where no model has scores in both runs, or all are the same. */
export function effectText(
  {baseline, other, models}: RunPair,
  {width, colours, metrics, most = Infinity}: RunsTextOptions,
): string {
  const paint = createColors(colours);
  const lines = models.flatMap(linesOf);
  if (lines.length === 0) return '';
  const table = (wanted: readonly Line[], hasMetric: boolean): string => {
    const shown = wanted.slice(0, most);
    const rows = shown.map(({name, compared}) => [
      name,
      ...(hasMetric ? [compared.metric] : []),
      scoreCell(compared.baseline),
      scoreCell(compared.other),
      toldCell(compared, paint),
    ]);
    const [a, b] = [baseline.id, other.id];
    const head = ['model', ...(hasMetric ? ['metric'] : []), `run ${a}`, `run ${b}`, `run ${b} − run ${a}`];
    const more = wanted.length > rows.length ? `\n… and ${wanted.length - rows.length} more: r1 compare ${a} ${b}` : '';
    const options = {head, right: hasMetric ? [2, 3] : [1, 2], width};
    return `${tableBlocks(...besidePaper(rows, shown, options))}${more}`;
  };
  const wished = metrics ?? [headline(lines)];
  const others = metrics === undefined ? lines.filter(({compared}) => !wished.includes(compared.metric)) : [];
  const told = others.filter(({compared}) => isTold(compared.difference?.told));
  const count = lines.filter(({compared}) => compared.difference !== undefined).length;
  return [
    ...wished.flatMap((metric) => {
      const own = lines.filter(({compared}) => compared.metric === metric);
      return own.length === 0 ? [] : [`${paint.bold(metric)}\n${table(own, false)}`];
    }),
    ...(told.length === 0 ? [] : [`${paint.bold('also told apart')}\n${table(told, true)}`]),
    [
      OVER_PROBLEMS,
      ...(count < FEW
        ? []
        : [`of ${count} differences about ${Math.round(count / 20)} would be told apart by chance alone`]),
      ...apartLines(models),
    ].join('\n'),
  ].join('\n\n');
}

/** From so many comparisons on, chance is worth a word. */
const FEW = 10;

const linesOf = ({name, evaluations: [{paper}], comparison}: ComparedByName): readonly Line[] =>
  (comparison?.metrics ?? []).map((compared) => ({name, paper, compared}));

/** pass@1 where there is one; else what comes first. */
const headline = (lines: readonly Line[]): string =>
  lines.some(({compared}) => compared.metric === 'pass@1') ? 'pass@1' : lines[0]!.compared.metric;

/** Models that were not evaluated alike, or not on the same problems; those of which the same is to be said are named together. */
function apartLines(models: readonly ComparedByName[]): readonly string[] {
  const said = new Map<string, string[]>();
  for (const model of models) {
    const text = apartText(model);
    if (text !== '') said.set(text, [...(said.get(text) ?? []), model.name]);
  }
  return [...said].map(([text, names]) => `${oneLine(names.join(', '))}: ${text}`);
}

function apartText({comparison, evaluations: [one, two]}: ComparedByName): string {
  if (comparison === undefined) return '';
  const names = [`run ${one.run.id}`, `run ${two.run.id}`] as const;
  const {shared, onlyBaseline, onlyOther, reworded} = comparison.problems;
  const problems =
    shared > 0 && onlyBaseline + onlyOther + reworded === 0 ? [] : problemLines(comparison.problems, names);
  return [...problems, ...settingLines(comparison, names)].join('\n');
}
