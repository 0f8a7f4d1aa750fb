/** The same models over several runs, for people: the spread over seeds first, then run by run. */
import type {DifferenceOverSeeds, InRun, SeedsComparison} from '../access/compare-seeds.js';
import {toldBy} from '../../stages/evaluation/compare-evaluations.js';
import {clip, WIDEST_NAME} from '../terminal/columns.js';
import {createColors, oneLine} from '../terminal/paint.js';
import type {CompareTextOptions} from './compare-models.js';
import {paperColumn} from './paper-column.js';
import {letterOf, problemLines, settingLines, toldCell} from './compare-parts.js';
import {OVER_PROBLEMS, scoreCell, signedNumber, spreadCell} from './score-numbers.js';
import {seedNotes} from './seeds.js';
import {tableBlocks, tableText} from './table.js';

export function seedsText(
  {runs, seeds, spread}: SeedsComparison,
  {width, colours, metrics}: CompareTextOptions & {readonly metrics?: readonly string[] | undefined},
): string {
  const paint = createColors(colours);
  const models = runs[0]!.models;
  const papers = paperColumn(models.map(({evaluation}) => evaluation));
  const heads = tableText(
    models.map(({reference}, place) => [letterOf(place), clip(reference, WIDEST_NAME), ...papers.cells[place]!]),
  );
  const known = [
    ...new Set(runs.flatMap(({pairs}) => pairs.flatMap((pair) => pair.metrics.map(({metric}) => metric)))),
  ];
  const shown = metrics === undefined ? known.slice(0, 1) : known;
  const names = runs.map(({run}) => run.id);
  return [
    heads,
    ...(seeds.length === 0
      ? [
          `runs ${names.join(' and ')} are no seeds of one recipe, so there is no spread over seeds: r1 diff ${names[0]!} ${names[1]!} says why`,
        ]
      : [
          `${paint.bold('over seeds')}: the differences within ${seeds.length} seeds of ${oneLine(seeds[0]!.recipe)}, runs ${seeds.map(({id}) => id).join(', ')}`,
          `${spreadTable(spread, width)}\n\n${seedNotes(spread)}`,
        ]),
    ...shown.map((metric) => `${paint.bold(metric)}, run by run\n${runTable(runs, metric, {width, colours})}`),
    [OVER_PROBLEMS, ...runs.flatMap(apartLines)].join('\n'),
  ].join('\n\n');
}

function spreadTable(spread: readonly DifferenceOverSeeds[], width: number): string {
  const others = [...new Set(spread.map(({other}) => other))];
  const metrics = [...new Set(spread.map(({metric}) => metric))];
  const rows = metrics.map((metric) => [
    metric,
    ...others.map((other) => {
      const found = spread.find((one) => one.metric === metric && one.other === other);
      if (found === undefined) return '';
      const text = spreadCell(found, signedNumber(metric));
      return found.interval === undefined ? text : `${text}  ${toldBy(found.interval)}`;
    }),
  ]);
  return tableBlocks(rows, {head: ['metric', ...others.map((other) => `${letterOf(other)} − A`)], width});
}

function runTable(runs: readonly InRun[], metric: string, {width, colours}: CompareTextOptions): string {
  const paint = createColors(colours);
  const rows = runs.map(({run, pairs}) => {
    const own = pairs.map((pair) => pair.metrics.find((one) => one.metric === metric));
    return [
      `run ${run.id}, seed ${run.seed}`,
      scoreCell(own.find((one) => one?.baseline !== undefined)?.baseline),
      ...own.flatMap((one) => [scoreCell(one?.other), one === undefined ? '' : toldCell(one, paint)]),
    ];
  });
  const models = runs[0]!.models;
  const head = [
    'run',
    ...models.flatMap(({evaluation}, place) => {
      const name = `${letterOf(place)} ${clip(oneLine(evaluation.name), 20)}`;
      return place === 0 ? [name] : [name, `${letterOf(place)} − A`];
    }),
  ];
  return tableBlocks(rows, {head, right: [1, ...runs[0]!.pairs.map((_, index) => 2 + 2 * index)], width});
}

function apartLines({run, pairs}: InRun): readonly string[] {
  return pairs.flatMap((pair, index) => {
    const names = ['A', letterOf(index + 1)] as const;
    const {shared, onlyBaseline, onlyOther, reworded} = pair.problems;
    const problems = shared > 0 && onlyBaseline + onlyOther + reworded === 0 ? [] : problemLines(pair.problems, names);
    return [...problems, ...settingLines(pair, names)].map((line) => oneLine(`run ${run.id}: ${line}`));
  });
}
