/** What pages of Markdown are put together from. */
import {intervalText, type Interval} from '../intervals.js';

/** A title with what stands under it, nothing where that is nothing. */
export const section = (title: string, body: string): string[] => (body === '' ? [] : [title, body]);

/** A list. */
export const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

/** A table of texts; from the column `numbersFrom` on they are flushed right. Nothing where there are no rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], numbersFrom = 1): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = head.map((_, index) => (index < numbersFrom ? '---' : '---:'));
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

const three = (value: number): string => value.toFixed(3);

/** `0.712 [0.690, 0.733]` */
export const rateText = (rate: Interval & {readonly mean: number}): string =>
  `${three(rate.mean)} ${intervalText(rate, three)}`;

/** A p-value as the page has it. */
export const pText = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));
