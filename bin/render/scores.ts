/** The tables of a report on a terminal. */

import {intervalText} from '../../stages/evaluation/intervals.js';
import type {ClaimOverRuns, ClaimResult, Score} from '../../stages/evaluation/index.js';
import type {ScoreRow} from '../../stages/evaluation/report/index.js';
import {tableText} from './table.js';
import {createColors} from '../terminal/paint.js';

/** Places that a column of scores and the gap before it take. */
const COLUMN = 21;

/** What a model scored. `model` is what the table calls it. */
export interface ScoredModel {
  readonly model: string;
  readonly scores: readonly Score[];
  /** Its template with how it was asked and read, where that was not as by default. */
  readonly asked?: string | undefined;
}

/** The rows of a report by model, in the order of the report. */
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

/** Models by metrics, in as many blocks as the width asks for. Brackets hold 95 % intervals. */
export function scoreTable(models: readonly ScoredModel[], {width}: {readonly width: number}): string {
  const metrics = [...new Set(models.flatMap(({scores}) => scores.map(({metric}) => metric)))];
  const first = Math.max('model'.length, ...models.map(({model}) => model.length));
  const each = Math.max(1, Math.floor((width - first) / COLUMN));
  const blocks = Array.from({length: Math.ceil(metrics.length / each)}, (_, index) =>
    metrics.slice(index * each, (index + 1) * each),
  );
  const tables = blocks.map((block) => {
    const lines = models.map(({model, scores}) => [
      model,
      ...block.map((metric) => cellText(scores.find((score) => score.metric === metric))),
    ]);
    return tableText(lines, {head: ['model', ...block], right: block.map((_, index) => index + 1)});
  });
  return [...tables, askedLines(models)].filter((text) => text !== '').join('\n\n');
}

/** What one model scored, a line for each metric, under what was asked of it. */
export function modelScores({model, scores}: ScoredModel, asked: string): string {
  const rows = scores.map((score) => [score.metric, cellText(score)]);
  return `${model}: ${asked}\n\n${tableText(rows, {head: ['metric', 'mean, 95 % interval'], right: [1]})}`;
}

/** `.712 [.690, .733]`; lengths with one decimal. */
function cellText(row: Score | undefined): string {
  if (row === undefined) return '';
  const number = (value: number): string =>
    row.metric === 'length' ? value.toFixed(1) : value.toFixed(3).replace(/^0\./, '.');
  return `${number(row.mean)} ${intervalText(row, number)}`;
}

/** One line a claim: verdict first; with several runs, what each of them measured last. */
export function claimsText(
  claims: readonly (ClaimResult | ClaimOverRuns)[],
  {colours}: {readonly colours: boolean},
): string {
  const paint = createColors(colours);
  const colour = {holds: paint.green, 'not significant': paint.yellow, fails: paint.red, 'not judged': paint.dim};
  const rows = claims.map((claim) => [
    colour[claim.verdict](claim.verdict),
    claim.claim,
    `${number(claim.value)} ${intervalText(claim, number)}`,
    `${claim.direction === 'above' ? '>' : '<'} ${claim.threshold.toFixed(2)}`,
    `${claim.metric}: ${subjectText(claim)}`,
  ]);
  const why = claims.flatMap(({claim, unmet = []}) => unmet.map((text) => `${claim} was not judged: ${text}`));
  const table = [
    tableText(rows, {head: ['verdict', 'claim', 'measured', 'claimed', 'of']}),
    ...(why.length === 0 ? [] : [why.join('\n')]),
  ].join('\n\n');
  const overRuns = claims.filter((claim): claim is ClaimOverRuns => 'runs' in claim);
  if (overRuns.length === 0) return table;
  const names = overRuns[0]!.runs.map(({run}) => `run ${run}`);
  const each = overRuns.map(({claim, runs}) => [claim, ...runs.map(({value}) => number(value))]);
  return `${table}\n\n${tableText(each, {head: ['claim', ...names], right: names.map((_, index) => index + 1)})}`;
}

/** What is compared with what, and how both were asked and read where that differs. */
function subjectText({statistic, left, right, asked = []}: ClaimResult): string {
  if (right === null || statistic === 'level') return left;
  const subject = statistic === 'ratio' ? `${left} / ${right}` : `${left} − ${right}`;
  return new Set(asked).size > 1 ? `${subject} (${asked.join(' / ')})` : subject;
}

const number = (value: number): string => (Number.isFinite(value) ? value.toFixed(3) : value < 0 ? '−∞' : '∞');
