/** The claims of a recipe on a terminal. */
import type {ClaimOverRuns, ClaimResult} from '../../stages/evaluation/index.js';
import {intervalText} from '../../stages/evaluation/intervals.js';
import {FEWEST_SEEDS, spreadOverSeeds} from '../../stages/evaluation/over-seeds.js';
import type {SeedSpread} from '../../stages/evaluation/over-seeds.js';
import {countsText} from '../../stages/evaluation/verdicts.js';
import {pad, widthOf, wrapped} from '../terminal/columns.js';
import {createColors, oneLine} from '../terminal/paint.js';
import type {Paint} from '../terminal/paint.js';
import {OVER_PROBLEMS, spreadCell} from './score-numbers.js';
import {seedNotes} from './seeds.js';
import {tableBlocks, tableText, tableWidth} from './table.js';

export interface ClaimsTextOptions {
  readonly width: number;
  readonly colours: boolean;
  /** Claims that are declared and have no numbers. */
  readonly unmeasured?: readonly string[];
}

/** What was declared and has no numbers, maybe because a name in it is wrong; '' where there is none. */
export const unmeasuredText = (unmeasured: readonly string[]): string =>
  unmeasured.length === 0 ? '' : oneLine(`declared and not measured: ${unmeasured.join(', ')}`);

/** How many hold, then one line a claim: verdict first; with several runs, what each of them measured last. */
export function claimsText(
  claims: readonly (ClaimResult | ClaimOverRuns)[],
  {width, colours, unmeasured = []}: ClaimsTextOptions,
): string {
  const paint = createColors(colours);
  const rows = claims.map((claim) => [
    verdictColour(paint, claim)(claim.verdict),
    oneLine(claim.claim),
    measuredText(claim),
    claimedText(claim),
    oneLine(subjectText(claim)),
  ]);
  const overRuns = claims.filter((claim): claim is ClaimOverRuns => 'runs' in claim);
  const why = claims.flatMap(({claim, unmet = []}) => unmet.map((text) => oneLine(`${claim} was not judged: ${text}`)));
  return [
    paint.bold(countsText(claims)),
    claimsTable(rows, width),
    overRuns.length === 0 ? OVER_PROBLEMS : overRunsNotes(overRuns),
    why.join('\n'),
    unmeasuredText(unmeasured),
    overRuns.length === 0 ? '' : eachRun(overRuns, width),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

function overRunsNotes(claims: readonly ClaimOverRuns[]): string {
  const isFew = claims.some(({runs}) => runs.length < FEWEST_SEEDS);
  const judged = isFew ? ['and no claim is judged over them; what it came to in each run stands below'] : [];
  return [seedNotes(claims.map(spreadOf)), ...judged].join('\n');
}

/** What a claim is about stands in as many lines as it takes in the last column, as long as that is no narrower. */
const LEAST_WRAPPED = 24;

/** As many columns as there is room for; what has no room stands under them. */
function claimsTable(rows: readonly (readonly string[])[], width: number): string {
  const head = ['verdict', 'claim', 'measured', 'claimed', 'of'];
  if (tableWidth([head, ...rows]) <= width) return tableText(rows, {head});
  const numbers = [head, ...rows].map((cells) => cells.slice(0, -1));
  const room = width - tableWidth(numbers) - GAP.length;
  if (room >= LEAST_WRAPPED) {
    const lines = rows.flatMap(([verdict = '', claim = '', measured = '', claimed = '', of = '']) =>
      wrapped(of, room, '').map((line, index) =>
        index === 0 ? [verdict, claim, measured, claimed, line] : ['', '', '', '', line],
      ),
    );
    return tableText(lines, {head});
  }
  if (room + GAP.length >= 0) {
    const [first = '', ...lines] = tableText(numbers.slice(1), {head: head.slice(0, -1)}).split('\n');
    return [first, ...lines.flatMap((line, index) => [line, ...wrapped(rows[index]!.at(-1)!, width, INDENT)])].join(
      '\n',
    );
  }
  return rows.map((cells) => stacked(cells, width)).join('\n');
}

const GAP = '  ';
const INDENT = '  ';

/** One claim under its verdict, for a narrow terminal. */
function stacked(
  [verdict = '', claim = '', measured = '', claimed = '', of = '']: readonly string[],
  width: number,
): string {
  const wide = Math.max(...VERDICTS.map(({length}) => length));
  const name = `${pad(verdict, wide)}${GAP}${claim}`;
  const first = widthOf(name) <= width ? [name] : [verdict, ...wrapped(claim, width, INDENT)];
  return [...first, ...wrapped(`${measured}, claimed ${claimed}`, width, INDENT), ...wrapped(of, width, INDENT)].join(
    '\n',
  );
}

/** Of a run with its interval; of several with their lowest and highest. */
export const measuredText = (claim: ClaimResult | ClaimOverRuns): string =>
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

/** The color of a verdict. */
export const verdictColour = (paint: Paint, {verdict}: Pick<ClaimResult, 'verdict'>): ((text: string) => string) =>
  ({holds: paint.green, 'not significant': paint.yellow, fails: paint.red, 'not judged': paint.dim})[verdict];

const VERDICTS = ['holds', 'not significant', 'fails', 'not judged'] as const;

/** `> 0.25` */
export const claimedText = ({direction, threshold}: ClaimResult): string =>
  `${direction === 'above' ? '>' : '<'} ${threshold.toFixed(2)}`;

/** `pass@1: zero-rl − base`: what is compared with what, and how both were asked and read where that differs. */
export function subjectText({metric, statistic, left, right, asked = []}: ClaimResult): string {
  if (right === null || statistic === 'level') return `${metric}: ${left}`;
  const subject = statistic === 'ratio' ? `${left} / ${right}` : `${left} − ${right}`;
  return `${metric}: ${new Set(asked).size > 1 ? `${subject} (${asked.join(' / ')})` : subject}`;
}

const number = (value: number): string => (Number.isFinite(value) ? value.toFixed(3) : value < 0 ? '−∞' : '∞');
