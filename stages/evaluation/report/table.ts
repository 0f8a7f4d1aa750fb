/** Tables of the page. */

/** A table in Markdown, '' without rows. @param numbersFrom the first column that is aligned to the right */
export function table(head: readonly string[], rows: readonly (readonly string[])[], numbersFrom = 1): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = head.map((_, index) => (index < numbersFrom ? '---' : '---:'));
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

/** A p-value as the page has it. */
export const pText = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));
