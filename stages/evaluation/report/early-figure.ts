/**
 * Early answering as a figure: the share of right answers against the share of the thinking that is kept, a curve for each level, with
 * the controls on the right. Bars are 95 % intervals over problems. Drawn from the numbers alone, so equal numbers give equal bytes.
 */
import type {ConditionSummary, EarlySummary, Rate} from '../early-answers.js';
import {levelText} from '../metrics.js';

const WIDTH = 640;
const HEIGHT = 330;
const LEFT = 64;
const RIGHT = 20;
const TOP = 62;
const BOTTOM = 56;
/** Where the axis of shares ends and the controls begin. */
const END = 430;
const CONTROLS = {other: 500, filler: 570} as const;
const COLOURS = ['#1b4f8a', '#2b8cbe', '#41ab5d', '#f16913', '#a63603', '#6a51a3', '#636363'];
/** Pixels between the bars of two levels, so that they do not hide each other. */
const APART = 5;

/** The figure's file beside the report. */
export const earlyFigureName = (node: string): string => `early-answering-${node.replaceAll(/[^\w-]/g, '_')}.svg`;

/** An SVG document. */
export function earlyFigure(node: string, {conditions}: EarlySummary): string {
  const levels = conditions[0]?.byLevel.map(({level}) => level) ?? [];
  const curves =
    levels.length === 0
      ? [{name: 'all problems', rateOf: (one: ConditionSummary): Rate | undefined => one.right}]
      : levels.map((level) => ({
          name: levelText(level),
          rateOf: (one: ConditionSummary): Rate | undefined => one.byLevel.find((each) => each.level === level),
        }));
  const title = `${node}: right answers behind part of its thinking`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">`,
    `<title>${escaped(title)}</title>`,
    '<style>text{font:12px system-ui,sans-serif;fill:#333}.t{font-weight:600}.g{stroke:#ddd}.a{stroke:#888}</style>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text class="t" x="${LEFT}" y="20">${escaped(title)}</text>`,
    ...axes(conditions),
    ...curves.flatMap((curve, index) => drawCurve(curve, conditions, {index, of: curves.length})),
    '</svg>',
    '',
  ].join('\n');
}

const y = (value: number): number => HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM);
const x = ({condition, share}: Pick<ConditionSummary, 'condition' | 'share'>): number =>
  condition === 'own' ? LEFT + 20 + share * (END - LEFT - 40) : CONTROLS[condition];

function axes(conditions: readonly ConditionSummary[]): string[] {
  const foot = HEIGHT - BOTTOM;
  return [
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
      `<line class="g" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(tick))}" y2="${at(y(tick))}"/>`,
      `<text x="${LEFT - 8}" y="${at(y(tick) + 4)}" text-anchor="end">${tick.toFixed(2)}</text>`,
    ]),
    `<line class="a" x1="${LEFT}" x2="${LEFT}" y1="${TOP}" y2="${foot}"/>`,
    `<line class="a" x1="${LEFT}" x2="${END}" y1="${foot}" y2="${foot}"/>`,
    `<line class="a" x1="${END + 24}" x2="${WIDTH - RIGHT}" y1="${foot}" y2="${foot}"/>`,
    ...conditions.map((one) => {
      const name = one.condition === 'own' ? `${Number((100 * one.share).toFixed(1))} %` : one.condition;
      return `<text x="${at(x(one))}" y="${foot + 18}" text-anchor="middle">${name}</text>`;
    }),
    `<text x="${(LEFT + END) / 2}" y="${HEIGHT - 12}" text-anchor="middle">lines of its own thinking that are kept</text>`,
    `<text x="${(CONTROLS.other + CONTROLS.filler) / 2}" y="${HEIGHT - 12}" text-anchor="middle">controls</text>`,
    `<text transform="translate(16 ${at((TOP + foot) / 2)}) rotate(-90)" text-anchor="middle">share right</text>`,
  ];
}

function drawCurve(
  {name, rateOf}: {readonly name: string; readonly rateOf: (one: ConditionSummary) => Rate | undefined},
  conditions: readonly ConditionSummary[],
  {index, of}: {readonly index: number; readonly of: number},
): string[] {
  const colour = COLOURS[index % COLOURS.length]!;
  const off = (index - (of - 1) / 2) * APART;
  const points = conditions.flatMap((one) => {
    const rate = rateOf(one);
    return rate === undefined ? [] : [{one, rate, left: x(one) + off}];
  });
  const own = points.filter(({one}) => one.condition === 'own');
  const legend = LEFT + index * 84;
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="1.8" points="${own.map(({left, rate}) => `${at(left)},${at(y(rate.mean))}`).join(' ')}"/>`,
    ...points.flatMap(({left, rate}) => [
      `<line stroke="${colour}" x1="${at(left)}" x2="${at(left)}" y1="${at(y(rate.low))}" y2="${at(y(rate.high))}"/>`,
      `<circle fill="${colour}" cx="${at(left)}" cy="${at(y(rate.mean))}" r="3"/>`,
    ]),
    `<line stroke="${colour}" stroke-width="1.8" x1="${legend}" x2="${legend + 18}" y1="40" y2="40"/>`,
    `<text x="${legend + 24}" y="44">${escaped(name)}</text>`,
  ];
}

const at = (value: number): string => value.toFixed(1);

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
