/** Curves of training, thinned to what a page can carry. */
import type {History} from './inputs.js';

export interface Curve {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/** The points of one name where the history has a number for it; undefined where it never has. */
export function curveOf({rows}: History, name: string): Curve | undefined {
  const points = rows.flatMap((row) => {
    const [step, value] = [row['step'], row[name]];
    return typeof step === 'number' && typeof value === 'number' ? [{step, value}] : [];
  });
  if (points.length === 0) return undefined;
  return {steps: points.map(({step}) => step), values: points.map(({value}) => value)};
}

/** At most `count` points, each the mean of a run of neighbours; its step is the last of them. */
export function thinned({steps, values}: Curve, count: number): Curve {
  const size = Math.ceil(values.length / count);
  const starts = Array.from({length: Math.ceil(values.length / size)}, (_, index) => index * size);
  return {
    steps: starts.map((start) => steps[Math.min(start + size, steps.length) - 1]!),
    values: starts.map((start) => {
      const part = values.slice(start, start + size);
      return part.reduce((sum, value) => sum + value, 0) / part.length;
    }),
  };
}

const BARS = '▁▂▃▄▅▆▇█';

/** One character a point, from the curve's lowest value to its highest. A flat curve lies in the middle. */
export function sparkline(values: readonly number[]): string {
  const low = Math.min(...values);
  const range = Math.max(...values) - low;
  return values
    .map((value) =>
      range === 0 ? '▄' : BARS[Math.min(BARS.length - 1, Math.floor(((value - low) / range) * BARS.length))]!,
    )
    .join('');
}
