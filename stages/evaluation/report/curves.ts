/** Curves of training, thinned to what a page can carry. */
import {errorOf} from '../../data/standard-errors.js';
import {mean} from '../intervals.js';
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

/** A curve with bounds at each point. */
export interface BandCurve extends Curve {
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** Steps that are left out: they had a value and no standard error, being of a single question. */
  readonly leftOut: number;
}

/** Standard errors that a normal mean is off by at most, in 95 of 100 draws. */
const Z = 1.96;

/**
 * A curve of at most `count` points, each the mean of neighbouring steps and in their middle, with its band: 1.96 standard errors of this
 * mean to either side, over the questions that were drawn for these steps. Steps without a standard error are left out, which does not
 * bend the curve: how many questions a step draws does not depend on how they are answered. `undefined` where no step has one.
 */
export function bandOf({rows}: History, name: string, count: number): BandCurve | undefined {
  const size = Math.ceil(rows.length / count);
  const known = rows.map((row) => {
    const [step, value, error] = [row['step'], row[name], row[errorOf(name)]];
    return typeof step === 'number' && typeof value === 'number' && typeof error === 'number'
      ? {step, value, error}
      : undefined;
  });
  const parts = Array.from({length: Math.ceil(rows.length / size)}, (_, part) =>
    known.slice(part * size, (part + 1) * size).filter((one) => one !== undefined),
  ).filter(({length}) => length > 0);
  if (parts.length === 0) return undefined;
  const values = parts.map((part) => mean(part.map(({value}) => value)));
  // Independent draws: the variance of a mean of n is the sum of the variances over n².
  const reach = parts.map((part) => (Z * Math.sqrt(part.reduce((sum, {error}) => sum + error ** 2, 0))) / part.length);
  return {
    steps: parts.map((part) => mean(part.map(({step}) => step))),
    values,
    low: values.map((value, index) => value - reach[index]!),
    high: values.map((value, index) => value + reach[index]!),
    leftOut: rows.filter((row, place) => typeof row[name] === 'number' && known[place] === undefined).length,
  };
}

const BARS = '▁▂▃▄▅▆▇█';

/**
 * One character for each of `count` equal parts of the training, from the curve's lowest value to its highest: the mean of the points that
 * reach into it, a dot where there is none. A flat curve lies in the middle, and at the bottom where it is 0.
 *
 * @param curve whose points stand for the steps since the one before them, as those of `thinned` do
 * @param steps of the whole training, so that curves of one training stand below each other
 */
export function sparkline(curve: Curve, steps: number, count: number): string {
  const cells = Math.min(count, steps);
  const spacing = (curve.steps[1] ?? curve.steps[0]! + 1) - curve.steps[0]!;
  const begins = curve.steps.map((step, place) => curve.steps[place - 1] ?? step - spacing);
  const means = Array.from({length: cells}, (_, cell) => {
    const [from, to] = [(cell * steps) / cells, ((cell + 1) * steps) / cells];
    const within = curve.values.filter((_, place) => curve.steps[place]! > from && begins[place]! < to);
    return within.length === 0 ? undefined : mean(within);
  });
  const known = means.filter((value) => value !== undefined);
  const low = Math.min(...known);
  const range = Math.max(...known) - low;
  const flat = low === 0 ? BARS[0]! : '▄';
  return means
    .map((value) => {
      if (value === undefined) return '·';
      return range === 0 ? flat : BARS[Math.min(BARS.length - 1, Math.floor(((value - low) / range) * BARS.length))]!;
    })
    .join('');
}
