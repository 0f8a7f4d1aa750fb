/** What pages of Markdown are put together from. */
import {intervalText, type Interval} from '../intervals.js';
import type {Metric} from '../metrics.js';

/** A title with what stands under it, nothing where that is nothing. */
export const section = (title: string, body: string): string[] => (body === '' ? [] : [title, body]);

/** A list. */
export const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

/** A table of texts; from the column `numbersFrom` on they are flushed right. A line break would end a row. Nothing where there are no rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], numbersFrom = 1): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s*[\r\n]+\s*/g, ' ')).join(' | ')} |`;
  const rule = head.map((_, index) => (index < numbersFrom ? '---' : '---:'));
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

/** Digits behind the point: lengths are tokens, all else are shares. */
export const digitsOf = (metric: Metric): number => (metric.startsWith('length') ? 1 : 3);

/** `0.712 [0.690, 0.733]` */
export function rateText(rate: Interval & {readonly mean: number}, digits = 3): string {
  const number = (value: number): string => value.toFixed(digits);
  return `${number(rate.mean)} ${intervalText(rate, number)}`;
}

/** `+0.538 [0.526, 0.550]`: a difference; what rounds to nothing has no sign. */
export function signedText({mean, low, high}: Interval & {readonly mean: number}, digits = 3): string {
  const number = (value: number): string => {
    const text = value.toFixed(digits);
    return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−');
  };
  return `${Number(mean.toFixed(digits)) > 0 ? '+' : ''}${number(mean)} ${intervalText({low, high}, number)}`;
}

/** A p-value as the page has it. */
export const pText = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));
