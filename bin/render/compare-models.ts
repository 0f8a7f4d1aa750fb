/** Models beside each other, for people. */
import {shortDigest} from '../../artifacts/index.js';
import type {ModelPair, ModelsComparison} from '../access/compare-models.js';
import type {Compared} from '../access/compared.js';
import type {Relation, Way} from '../access/first-cause.js';
import {isDrawn} from '../access/training-curves.js';
import type {Curves, NoCurves} from '../access/training-curves.js';
import {levelText} from '../../stages/evaluation/metrics.js';
import {gainOf} from '../../stages/evaluation/won-and-lost.js';
import type {RightOf, Tally, WonAndLost} from '../../stages/evaluation/won-and-lost.js';
import {clip, WIDEST_NAME} from '../terminal/columns.js';
import {createColors, oneLine} from '../terminal/paint.js';
import type {Paint} from '../terminal/paint.js';
import {axisNumber, overlay} from './chart.js';
import {firstText, letterOf, problemLines, settingLines, toldCell} from './compare-parts.js';
import {paperColumn} from './paper-column.js';
import {questionText} from './question.js';
import {OVER_PROBLEMS, scoreCell} from './score-numbers.js';
import {tableBlocks, tableText} from './table.js';
import {typed} from './typed.js';

export interface CompareTextOptions {
  readonly width: number;
  readonly colours: boolean;
}

export function modelsText({models, pairs, curves}: ModelsComparison, {width, colours}: CompareTextOptions): string {
  const paint = createColors(colours);
  return [
    heads(models),
    scoresText(models, pairs, {width, paint}),
    ...pairs.map((pair, index) =>
      pairText(pair, [models[0]!, models[index + 1]!], {place: index + 1, isAmongMany: pairs.length > 1, width, paint}),
    ),
    isDrawn(curves) ? curvesText(models, curves, {width, paint}) : noCurvesText(curves, width),
    causesText(models, pairs),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

/** A line for each model: which run, which evaluation. */
function heads(models: readonly Compared[]): string {
  const papers = paperColumn(models.map(({evaluation}) => evaluation));
  const rows = models.map(({reference, evaluation: {run, node, artifact}}, place) => [
    letterOf(place),
    clip(reference, WIDEST_NAME),
    ...papers.cells[place]!,
    `run ${run.id}, ${run.recipe}, seed ${run.seed}`,
    `${node} @${shortDigest(artifact)}`,
  ]);
  const others = models.flatMap(({reference, others: more}) =>
    more.length === 0
      ? []
      : [oneLine(`${reference} was also evaluated by ${more.map(({run, node}) => `${run.id}/${node}`).join(', ')}`)],
  );
  return [tableText(rows), ...new Set(others)].join('\n');
}

const headOf = ({evaluation: {name}}: Compared, place: number): string =>
  `${letterOf(place)} ${clip(oneLine(name), 20)}`;

interface Drawing {
  readonly width: number;
  readonly paint: Paint;
}

function scoresText(models: readonly Compared[], pairs: readonly ModelPair[], {width, paint}: Drawing): string {
  const metrics = [...new Set(pairs.flatMap((pair) => pair.metrics.map(({metric}) => metric)))];
  const rows = metrics.map((metric) => {
    const own = pairs.map((pair) => pair.metrics.find((one) => one.metric === metric));
    const baseline = own.find((one) => one?.baseline !== undefined)?.baseline;
    return [
      metric,
      scoreCell(baseline),
      ...own.flatMap((one, index) => [
        scoreCell(one?.other),
        one === undefined || pairs[index]!.isSame ? '' : toldCell(one, paint),
      ]),
    ];
  });
  const head = [
    'metric',
    headOf(models[0]!, 0),
    ...models.slice(1).flatMap((model, index) => [headOf(model, index + 1), `${letterOf(index + 1)} − A`]),
  ];
  const right = [1, ...pairs.map((_, index) => 2 + 2 * index)];
  return `${tableBlocks(rows, {head, right, width})}\n\n${OVER_PROBLEMS}`;
}

/** Ids that are listed on each side. */
const LISTED = 3;

function pairText(
  pair: ModelPair,
  [baseline, other]: readonly [Compared, Compared],
  {place, isAmongMany, width, paint}: Drawing & {readonly place: number; readonly isAmongMany: boolean},
): string {
  const names = ['A', letterOf(place)] as const;
  if (pair.isSame) return `A and ${names[1]} are one and the same evaluation: there is nothing to compare`;
  const answers = pair.answers === undefined ? [] : answerLines(pair.answers, names, paint);
  const title = isAmongMany ? [paint.bold(`${names[1]} against A`)] : [];
  const read = `r1 samples ${placeOf(baseline)} --beside ${placeOf(other)}`;
  return [
    [...title, ...problemLines(pair.problems, names), ...settingLines(pair, names)].join('\n'),
    ...(answers.length === 0 ? [] : [answers.join('\n')]),
    ...(pair.question === undefined
      ? []
      : [
          `${questionText(pair.question, {width, names: [`A ${baseline.evaluation.name}`, `${names[1]} ${other.evaluation.name}`]})}\n` +
            `${read} --problem ${typed(pair.question.prompt)}`,
        ]),
  ].join('\n\n');
}

/** The evaluation, by its run and node. */
const placeOf = ({evaluation: {run, node}}: Compared): string => typed(`${run.id}/${node}`);

function answerLines(answers: WonAndLost, names: readonly [string, string], {bold}: Paint): readonly string[] {
  const {byLevel, changes} = answers;
  const total = answers.won + answers.lost + answers.tied;
  const counts = ({won, lost, tied}: Tally): string[] => [String(won), String(lost), String(tied)];
  const rows = [
    ['all', ...counts(answers)],
    ...(byLevel.length < 2 ? [] : byLevel.map(({level, ...tally}) => [levelText(level), ...counts(tally)])),
  ];
  const list = (what: string, isWanted: (gain: number) => boolean): readonly string[] => {
    const own = changes.filter((change) => isWanted(gainOf(change)));
    return own.length === 0
      ? []
      : [
          `${what} by most:`,
          ...own
            .slice(0, LISTED)
            .map(({prompts, problem, ...shares}) =>
              oneLine(`  ${share(shares.baseline)} → ${share(shares.other)}  ${prompts[0] ?? problem}`),
            ),
        ];
  };
  return [
    `${bold(`problems that ${names[1]} wins and loses`)} against ${names[0]}, by the share of right responses, of ${total} with an answer`,
    tableText(rows, {head: ['', 'won', 'lost', 'tied'], right: [1, 2, 3]}),
    ...list('won', (gain) => gain > 0),
    ...list('lost', (gain) => gain < 0),
  ];
}

const share = ({right, of}: RightOf): string => `${right}/${of}`;

const HEIGHT = 10;

function curvesText(models: readonly Compared[], {metric, points}: Curves, {width, paint}: Drawing): string {
  const colors = [paint.cyan, paint.yellow, paint.green, paint.red];
  const curves = points.map((own, place) => ({
    points: own.map(({step, value}) => ({x: step, y: value})),
    mark: letterOf(place),
    paint: colors[place % colors.length]!,
  }));
  const legend = points.map((own, place) => {
    const {model, name} = models[place]!.evaluation;
    const last = own.at(-1);
    const value = last === undefined ? `no ${metric}` : `${axisNumber(last.value)} at step ${last.step}`;
    return `${curves[place]!.paint(letterOf(place))} ${oneLine(model?.node ?? name)}: ${value}`;
  });
  const drawn = overlay(curves, {width: Math.max(30, Math.min(width, 100)), height: HEIGHT});
  return `${paint.bold(`${oneLine(metric)} in training`)}, of the nodes that made the models\n${drawn}\n${legend.join('; ')}`;
}

/** What could be drawn of trainings that are not of one stage. */
const noCurvesText = ({stages, shared}: NoCurves, width: number): string =>
  stages.length < 2 || shared.length === 0
    ? ''
    : [
        `no curves are drawn, as the models were trained by different stages: ${stages.join(', ')}`,
        clip(oneLine(`--curve draws one that all have: ${shared.join(', ')}`), width),
      ].join('\n');

function causesText(models: readonly Compared[], pairs: readonly ModelPair[]): string {
  return pairs
    .flatMap(({relation, first, isSame}, index) => {
      const names = ['A', letterOf(index + 1)] as const;
      if (isSame) return [];
      const runs = [models[0]!, models[index + 1]!].map(({evaluation}) => evaluation.run.id);
      return [
        ...(relation === undefined ? [] : relationLines(relation, names)),
        ...(first === undefined
          ? []
          : [`first difference of runs ${runs.join(' and ')} on the way: ${oneLine(firstText(first))}`]),
      ];
    })
    .join('\n');
}

const ways = (list: readonly Way[]): string => oneLine(list.map(({node, stage}) => `${node} (${stage})`).join(', '));

function relationLines(relation: Relation, [one, two]: readonly [string, string]): readonly string[] {
  switch (relation.kind) {
    case 'same':
      return [`${one} and ${two} are one model, evaluated twice`];
    case 'baseline-first':
      return [`${two} was made from ${one}: ${ways(relation.through)}`];
    case 'other-first':
      return [`${one} was made from ${two}: ${ways(relation.through)}`];
    case 'apart':
      return [
        relation.from.length === 0
          ? `${one} and ${two} come from no model in common`
          : `${one} and ${two} both come from ${ways(relation.from)}`,
        `  ${one} through ${ways(relation.baseline)}`,
        `  ${two} through ${ways(relation.other)}`,
      ];
  }
}
