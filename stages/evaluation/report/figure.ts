/**
 * Figures as SVG: panels above each other that share the axis of steps, as in the paper's Figures 2 and 3. Drawn from the
 * numbers alone, so equal numbers give equal bytes.
 */
import type {Curve} from './curves.js';

export interface Panel {
  readonly title: string;
  readonly curve: Curve;
  /** Ends of the vertical axis; from the values where not given. */
  readonly from?: number;
  readonly to?: number;
}

const WIDTH = 640;
const HEIGHT = 190;
const LEFT = 56;
const RIGHT = 16;
const TOP = 30;
const BOTTOM = 30;

/** An SVG document. `title` is also what a screen reader says. */
export function figure(title: string, panels: readonly Panel[]): string {
  const height = panels.length * HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>text{font:12px system-ui,sans-serif;fill:#333}.t{font-weight:600}.g{stroke:#ddd}.l{fill:none;stroke:#2b6cb0;stroke-width:1.8}</style>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...panels.flatMap((panel, index) => panelOf(panel, index * HEIGHT)),
    '</svg>',
    '',
  ].join('\n');
}

function panelOf({title, curve, from, to}: Panel, top: number): string[] {
  const {steps, values} = curve;
  const low = from ?? Math.min(...values);
  const high = to ?? Math.max(...values);
  const [first, last] = [steps[0]!, steps.at(-1)!];
  const x = (step: number): number => LEFT + ((step - first) / Math.max(1, last - first)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number =>
    top + HEIGHT - BOTTOM - ((value - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (high - low));
  const points = values.map((value, index) => `${place(x(steps[index]!))},${place(y(value))}`);
  return [
    `<text class="t" x="${LEFT}" y="${top + 18}">${escaped(title)}</text>`,
    ...ticks.flatMap((tick) => [
      `<line class="g" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${place(y(tick))}" y2="${place(y(tick))}"/>`,
      `<text x="${LEFT - 8}" y="${place(y(tick) + 4)}" text-anchor="end">${label(tick, high - low)}</text>`,
    ]),
    `<polyline class="l" points="${points.join(' ')}"/>`,
    `<text x="${LEFT}" y="${top + HEIGHT - 8}">step ${first}</text>`,
    `<text x="${WIDTH - RIGHT}" y="${top + HEIGHT - 8}" text-anchor="end">step ${last}</text>`,
  ];
}

const place = (value: number): string => value.toFixed(1);
/** Two decimals for rates, fewer for larger ranges. */
const label = (value: number, range: number): string => value.toFixed(range < 2 ? 2 : range < 20 ? 1 : 0);

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
