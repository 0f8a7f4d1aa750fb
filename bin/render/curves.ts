/** The curves of a node for people: one line each, and charts for those that were asked for. */
import type {MetricPoint} from '../../artifacts/index.js';
import {axisNumber, chart, sparkline} from './chart.js';
import type {Point} from './chart.js';
import {oneLine} from '../terminal/paint.js';
import {tableText} from './table.js';

export interface CurvesOptions {
  readonly title: string;
  readonly charts: boolean;
  readonly width: number;
}

const points = (curve: readonly MetricPoint[]): readonly Point[] => curve.map(({step, value}) => ({x: step, y: value}));

/** Axis labels and step numbers want some room. */
const widest = (width: number): number => Math.max(30, Math.min(width, 100));

export function curvesText(
  curves: ReadonlyMap<string, readonly MetricPoint[]>,
  {title, charts, width}: CurvesOptions,
): string {
  if (curves.size === 0) return `${oneLine(title)}\nno metrics were recorded`;
  if (charts || curves.size === 1) {
    const drawn = [...curves].map(
      ([name, curve]) => `${oneLine(name)}\n${chart(points(curve), {width: widest(width), height: 8})}`,
    );
    return [oneLine(title), ...drawn].join('\n\n');
  }
  const rows = [...curves].map(([name, curve]) => {
    const values = curve.map(({value}) => value).filter((value) => Number.isFinite(value));
    const low = values.reduce((a, b) => Math.min(a, b), Infinity);
    const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
    const last = curve.at(-1)!;
    return [
      name,
      String(last.step),
      axisNumber(last.value),
      axisNumber(low),
      axisNumber(high),
      sparkline(points(curve), Math.max(8, Math.min(40, width - 60))),
    ];
  });
  return `${oneLine(title)}\n${tableText(rows, {head: ['metric', 'step', 'last', 'lowest', 'highest', ''], right: [1, 2, 3, 4]})}`;
}
