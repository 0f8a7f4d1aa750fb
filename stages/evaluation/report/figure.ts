/**
 * Figures as SVG: panels above each other over one axis of steps, each with ticks, units and a legend. Drawn from the numbers alone, so
 * equal numbers give equal bytes. Colours are those of Okabe & Ito, which people with any colour vision can tell apart.
 */
import {axisTicks, tickLabel} from './ticks.js';

/** A line over the steps, with a band where the bounds of its points are known. */
export interface Series {
  readonly name: string;
  readonly steps: readonly number[];
  readonly values: readonly number[];
  readonly low?: readonly number[];
  readonly high?: readonly number[];
  /** Measured at these steps alone, so that each point is marked. */
  readonly isMarked?: boolean;
}

/** A number to compare with, as a dashed line from left to right. */
export interface Reference {
  readonly name: string;
  readonly value: number;
}

/** One pair of axes. */
export interface Panel {
  readonly title: string;
  /** What the bands are, in a few words, on the line of the title. */
  readonly note?: string;
  /** What the vertical axis is of, with its unit. */
  readonly axis: string;
  readonly series: readonly Series[];
  readonly references?: readonly Reference[];
  /** Ends of the vertical axis; around the values where not given. */
  readonly from?: number;
  readonly to?: number;
  /** Ends of the axis of steps; those of the series where not given. */
  readonly steps?: readonly [from: number, to: number];
}

const WIDTH = 720;
/** Of the plot alone, without title, legend and axis. */
const PLOT = 210;
const [LEFT, RIGHT] = [66, 18];
const [TITLE, LEGEND_LINE, ABOVE, BELOW] = [26, 18, 10, 46];
/** A letter is about so wide; the legend breaks its lines by it. */
const LETTER = 6.4;
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8a6d00', '#56b4e9', '#333333'];
const REFERENCE_COLOURS = ['#555555', '#a0522d', '#444488'];
/** Dashes of the references, so that they can be told apart without colours. */
const DASHES = ['6 4', '2 3', '10 3 2 3'];

const STYLE =
  'text{font:12px system-ui,-apple-system,sans-serif;fill:#333}.t{font-size:13px;font-weight:600}.a{fill:#555}' +
  '.g{stroke:#e6e6e6}.x{stroke:#888}.l{fill:none;stroke-width:2;stroke-linejoin:round}.b{opacity:.2}.r{stroke-width:1.5}';

/** An SVG document. `title` is also what a screen reader says. */
export function figure(title: string, panels: readonly Panel[]): string {
  let height = 0;
  const drawn = panels.map((panel) => {
    const {lines, bottom} = panelOf(panel, height);
    height = bottom;
    return lines;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...drawn.flat(),
    '</svg>',
    '',
  ].join('\n');
}

function panelOf(panel: Panel, top: number): {readonly lines: string[]; readonly bottom: number} {
  const {title, note, axis, series, references = []} = panel;
  const entries = legendOf(series, references);
  const plotTop = top + TITLE + entries.lines * LEGEND_LINE + ABOVE;
  const [first, last] = panel.steps ?? endsOf(series.flatMap(({steps}) => steps));
  const everything = [
    ...series.flatMap(({values, low = [], high = []}) => [...values, ...low, ...high]),
    ...references.map(({value}) => value),
  ].filter(Number.isFinite);
  const ends = endsOf(everything);
  const ticks = axisTicks(panel.from ?? ends[0], panel.to ?? ends[1]);
  const [from, to] = [panel.from ?? Math.min(ends[0], ticks[0]!), panel.to ?? Math.max(ends[1], ticks.at(-1)!)];
  const x = (step: number): number => LEFT + ((step - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => {
    const share = (Math.min(to, Math.max(from, value)) - from) / (to - from || 1);
    return plotTop + PLOT * (1 - share);
  };
  const bottom = plotTop + PLOT;
  const apart = distanceOf(ticks);
  const middle = plotTop + PLOT / 2;
  // The last step is named, and no round number that stands too close to it.
  const stepTicks = [
    ...axisTicks(first, last).filter(
      (tick) => tick >= first && tick < last - ROOM_OF_TICK * (last - first) && Number.isInteger(tick),
    ),
    last,
  ];
  return {
    bottom: bottom + BELOW,
    lines: [
      `<text class="t" x="${LEFT}" y="${top + 18}">${escaped(title)}</text>`,
      ...(note === undefined
        ? []
        : [`<text class="a" x="${WIDTH - RIGHT}" y="${top + 18}" text-anchor="end">${escaped(note)}</text>`]),
      ...entries.svg(top + TITLE + 4),
      ...ticks
        .filter((tick) => tick >= from && tick <= to)
        .flatMap((tick) => [
          `<line class="g" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${place(y(tick))}" y2="${place(y(tick))}"/>`,
          `<text x="${LEFT - 8}" y="${place(y(tick) + 4)}" text-anchor="end">${tickLabel(tick, apart)}</text>`,
        ]),
      ...stepTicks.flatMap((tick) => [
        `<line class="x" x1="${place(x(tick))}" x2="${place(x(tick))}" y1="${bottom}" y2="${bottom + 5}"/>`,
        `<text x="${place(x(tick))}" y="${bottom + 18}" text-anchor="middle">${tickLabel(tick, 1)}</text>`,
      ]),
      `<line class="x" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${bottom}" y2="${bottom}"/>`,
      `<line class="x" x1="${LEFT}" x2="${LEFT}" y1="${plotTop}" y2="${bottom}"/>`,
      `<text class="a" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${bottom + 36}" text-anchor="middle">step (optimizer updates)</text>`,
      `<text class="a" transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">${escaped(axis)}</text>`,
      ...references.map(
        ({value}, index) =>
          `<line class="r" ${referenceLook(index)} x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${place(y(value))}" y2="${place(y(value))}"/>`,
      ),
      ...series.flatMap((one, index) => bandOf(one, colour(index), x, y)),
      ...series.flatMap((one, index) => lineOf(one, colour(index), x, y)),
    ],
  };
}

type Scale = (value: number) => number;

function bandOf({steps, low, high}: Series, fill: string, x: Scale, y: Scale): string[] {
  if (low === undefined || high === undefined) return [];
  const upper = steps.map((step, index) => `${place(x(step))},${place(y(high[index]!))}`);
  const lower = steps.map((step, index) => `${place(x(step))},${place(y(low[index]!))}`).reverse();
  return [`<polygon class="b" fill="${fill}" points="${[...upper, ...lower].join(' ')}"/>`];
}

function lineOf({steps, values, isMarked = false}: Series, stroke: string, x: Scale, y: Scale): string[] {
  const points = values.map((value, index) => [place(x(steps[index]!)), place(y(value))] as const);
  return [
    `<polyline class="l" stroke="${stroke}" points="${points.map((point) => point.join(',')).join(' ')}"/>`,
    ...(isMarked ? points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${stroke}"/>`) : []),
  ];
}

/** What each line stands for, in as many lines of text as it takes. */
function legendOf(
  series: readonly Series[],
  references: readonly Reference[],
): {readonly lines: number; svg(top: number): string[]} {
  const entries = [
    ...series.map(({name}, index) => ({name, look: `class="l" stroke="${colour(index)}"`})),
    ...references.map(({name}, index) => ({name, look: `class="r" ${referenceLook(index)}`})),
  ];
  let [line, at] = [0, LEFT];
  const placed = entries.map((entry) => {
    const width = 34 + entry.name.length * LETTER + 18;
    if (at > LEFT && at + width > WIDTH - RIGHT) [line, at] = [line + 1, LEFT];
    const spot = {...entry, line, at};
    at += width;
    return spot;
  });
  return {
    lines: entries.length === 0 ? 0 : line + 1,
    svg: (top) =>
      placed.flatMap((entry) => {
        const y = top + entry.line * LEGEND_LINE + 8;
        return [
          `<line ${entry.look} x1="${place(entry.at)}" x2="${place(entry.at + 26)}" y1="${y}" y2="${y}"/>`,
          `<text x="${place(entry.at + 32)}" y="${y + 4}">${escaped(entry.name)}</text>`,
        ];
      }),
  };
}

const colour = (index: number): string => COLOURS[index % COLOURS.length]!;
const referenceLook = (index: number): string =>
  `stroke="${REFERENCE_COLOURS[index % REFERENCE_COLOURS.length]!}" stroke-dasharray="${DASHES[index % DASHES.length]!}"`;

/** Of the width: what a label takes. */
const ROOM_OF_TICK = 0.06;

const distanceOf = (ticks: readonly number[]): number => (ticks.length < 2 ? 0 : ticks[1]! - ticks[0]!);

const endsOf = (values: readonly number[]): readonly [number, number] => [Math.min(...values), Math.max(...values)];

const place = (value: number): string => value.toFixed(1);

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
