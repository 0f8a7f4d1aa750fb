/** The tables of a report on a terminal. */

import {intervalText} from '../../stages/evaluation/intervals.js';
import type {ClaimOverRuns, ClaimResult, Score} from '../../stages/evaluation/index.js';
import {betterEnd} from '../../stages/evaluation/metrics.js';
import {FEWEST_SEEDS, spreadOverSeeds} from '../../stages/evaluation/over-seeds.js';
import type {SeedSpread} from '../../stages/evaluation/over-seeds.js';
import {countsText} from '../../stages/evaluation/verdicts.js';
import type {ScoreRow} from '../../stages/evaluation/report/index.js';
import {OVER_PROBLEMS, scoreCell, scoreNumber, spreadCell} from './score-numbers.js';
import {seedNotes} from './seeds.js';
import {fittingColumns, tableBlocks, tableText} from './table.js';
import {widthOf} from '../terminal/columns.js';
import {createColors, oneLine} from '../terminal/paint.js';

/** What a model scored. `model` is what the table calls it. */
export interface ScoredModel {
  readonly model: string;
  readonly scores: readonly Score[];
  /** Its template with how it was asked and read, where that was not as by default. */
  readonly asked?: string | undefined;
}

/** Rows of scores by model, in the order in which they come. */
export function byModel(rows: readonly ScoreRow[]): ScoredModel[] {
  const nodes = [...new Set(rows.map(({node}) => node))];
  return nodes.map((node) => {
    const scores = rows.filter((row) => row.node === node);
    return {model: node, scores, asked: scores[0]!.asked};
  });
}

/** A line for each model that was asked or read otherwise than by default: its scores are of that as well. */
const askedLines = (models: readonly ScoredModel[]): string =>
  models
    .flatMap(({model, asked}) => (asked === undefined ? [] : [`${model} was asked and read with ${asked}`]))
    .join('\n');

/** Which scores a table shows, and how. */
export interface ScoreTableOptions {
  readonly width: number;
  /** Every metric with its interval, in as many blocks as the width asks for; else one block, of what fits. */
  readonly isWhole?: boolean;
}

/** What a table makes room for first, where it has none for all; the others follow in their own order. */
const FIRST = [/^pass@1$/, /^cons@/, /^length$/, /^format$/, /^language$/, /^helpful$/, /^safe$/, /^truncated$/];

/** Models by metrics, the best of a column marked. */
export function scoreTable(models: readonly ScoredModel[], {width, isWhole = false}: ScoreTableOptions): string {
  const metrics = [...new Set(models.flatMap(({scores}) => scores.map(({metric}) => metric)))];
  const head = ['model', ...metrics];
  const cells = metrics.map((metric, index) => columnOf(models, metric, isWhole || index === 0));
  const lines = models.map(({model}, line) => [model, ...cells.map((column) => column[line]!)]);
  const right = metrics.map((_, index) => index + 1);
  if (metrics.length === 0) return 'nothing was scored';
  const marks = cells.flat().some((text) => text.endsWith(BEST)) ? [`${BEST} the best of its column`] : [];
  if (isWhole) {
    const notes = [OVER_PROBLEMS, ...marks].join('\n');
    return [tableBlocks(lines, {head, right, width}), notes, askedLines(models)].filter(isThere).join('\n\n');
  }
  const rank = (metric: string): number => FIRST.findIndex((one) => one.test(metric)) >>> 0;
  const order = right.toSorted((a, b) => rank(metrics[a - 1]!) - rank(metrics[b - 1]!));
  const shown = [0, ...fittingColumns([head, ...lines], {width, order})];
  const pick = (line: readonly string[]): string[] => shown.map((place) => line[place]!);
  const hidden = metrics.filter((_, index) => !shown.includes(index + 1));
  const notes = [
    OVER_PROBLEMS,
    ...marks,
    ...(hidden.length === 0 ? [] : [`not shown: ${hidden.join(', ')}`]),
    'r1 scores --metric NAME has the interval of any, --metric all of all',
  ];
  const table = tableText(lines.map(pick), {head: pick(head), right: shown.slice(1).map((_, index) => index + 1)});
  return [table, notes.join('\n'), askedLines(models)].filter(isThere).join('\n\n');
}

const isThere = (text: string): boolean => text !== '';

const BEST = '*';

/** The scores of all models by one metric; the mean alone, or with its interval. */
function columnOf(models: readonly ScoredModel[], metric: string, hasInterval: boolean): readonly string[] {
  const number = scoreNumber(metric);
  const found = models.map(({scores}) => scores.find((score) => score.metric === metric));
  const means = found.flatMap((score) => (score === undefined ? [] : [number(score.mean)]));
  const end = new Set(means).size < 2 ? undefined : betterEnd(metric);
  const best = end && found.flatMap((score) => score?.mean ?? []).reduce(end === 'high' ? higher : lower);
  // What is written alike is as good.
  const isBest = (score: Score): boolean => best !== undefined && number(score.mean) === number(best);
  return found.map((score) => {
    if (score === undefined) return '';
    const text = hasInterval ? scoreCell(score) : number(score.mean);
    return end === undefined ? text : `${text}${isBest(score) ? BEST : ' '}`;
  });
}

const higher = (a: number, b: number): number => Math.max(a, b);
const lower = (a: number, b: number): number => Math.min(a, b);

/** What one model scored, a line for each metric, under what was asked of it. */
export function modelScores({model, scores}: ScoredModel, asked: string): string {
  const rows = scores.map((score) => [score.metric, scoreCell(score)]);
  return `${model}: ${asked}\n\n${tableText(rows, {head: ['metric', 'mean, 95 % interval'], right: [1]})}`;
}

export interface ClaimsTextOptions {
  readonly width: number;
  readonly colours: boolean;
}

/** How many hold, then one line a claim: verdict first; with several runs, what each of them measured last. */
export function claimsText(
  claims: readonly (ClaimResult | ClaimOverRuns)[],
  {width, colours}: ClaimsTextOptions,
): string {
  const paint = createColors(colours);
  const colour = {holds: paint.green, 'not significant': paint.yellow, fails: paint.red, 'not judged': paint.dim};
  const rows = claims.map((claim) => [
    colour[claim.verdict](claim.verdict),
    claim.claim,
    measuredText(claim),
    `${claim.direction === 'above' ? '>' : '<'} ${claim.threshold.toFixed(2)}`,
    `${claim.metric}: ${subjectText(claim)}`,
  ]);
  const overRuns = claims.filter((claim): claim is ClaimOverRuns => 'runs' in claim);
  const why = claims.flatMap(({claim, unmet = []}) => unmet.map((text) => oneLine(`${claim} was not judged: ${text}`)));
  return [
    paint.bold(countsText(claims)),
    claimsTable(rows, width),
    overRuns.length === 0 ? OVER_PROBLEMS : overRunsNotes(overRuns),
    why.join('\n'),
    overRuns.length === 0 ? '' : eachRun(overRuns, width),
  ]
    .filter(isThere)
    .join('\n\n');
}

function overRunsNotes(claims: readonly ClaimOverRuns[]): string {
  const isFew = claims.some(({runs}) => runs.length < FEWEST_SEEDS);
  const judged = isFew ? ['and no claim is judged over them; what it came to in each run stands below'] : [];
  return [seedNotes(claims.map(spreadOf)), ...judged].join('\n');
}

/** In two parts under the claims' names, where it is too wide for one. */
function claimsTable(rows: readonly (readonly string[])[], width: number): string {
  const head = ['verdict', 'claim', 'measured', 'claimed', 'of'];
  const table = tableText(rows, {head});
  if (table.split('\n').every((line) => widthOf(line) <= width)) return table;
  const namedFirst = ([verdict = '', claim = '', ...rest]: readonly string[]): readonly string[] => [
    claim,
    verdict,
    ...rest,
  ];
  return tableBlocks(rows.map(namedFirst), {head: namedFirst(head), width});
}

/** Of a run with its interval; of several with their lowest and highest. */
const measuredText = (claim: ClaimResult | ClaimOverRuns): string =>
  'runs' in claim ? spreadCell(spreadOf(claim), number) : `${number(claim.value)} ${intervalText(claim, number)}`;

const spreadOf = ({runs}: ClaimOverRuns): SeedSpread => spreadOverSeeds(runs.map(({value}) => value));

/** What each of several runs measured, and in how many of them a claim holds. */
function eachRun(claims: readonly ClaimOverRuns[], width: number): string {
  const names = claims[0]!.runs.map(({run}) => `run ${run}`);
  const rows = claims.map(({claim, runs}) => [
    claim,
    `${runs.filter(({verdict}) => verdict === 'holds').length} of ${runs.length}`,
    ...runs.map(({value}) => number(value)),
  ]);
  const head = ['claim', 'holds in', ...names];
  return tableBlocks(rows, {head, right: head.slice(1).map((_, index) => index + 1), width});
}

/** What is compared with what, and how both were asked and read where that differs. */
function subjectText({statistic, left, right, asked = []}: ClaimResult): string {
  if (right === null || statistic === 'level') return left;
  const subject = statistic === 'ratio' ? `${left} / ${right}` : `${left} − ${right}`;
  return new Set(asked).size > 1 ? `${subject} (${asked.join(' / ')})` : subject;
}

const number = (value: number): string => (Number.isFinite(value) ? value.toFixed(3) : value < 0 ? '−∞' : '∞');
