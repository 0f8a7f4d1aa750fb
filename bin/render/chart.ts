/** Curves out of characters: a line of blocks, or a small chart of Braille dots (two by four in each character). */

export interface Point {
  readonly x: number;
  readonly y: number;
}

const BLOCKS = '▁▂▃▄▅▆▇█';

/** Mean of the finite values in each of `columns` equal parts of the x range; undefined where there is none. */
function columnMeans(points: readonly Point[], columns: number): readonly (number | undefined)[] {
  const finite = points.filter(({y}) => Number.isFinite(y));
  const sums = new Array<number>(columns).fill(0);
  const counts = new Array<number>(columns).fill(0);
  const low = Math.min(...finite.slice(0, 1).map(({x}) => x));
  const span = (finite.at(-1)?.x ?? 0) - low;
  for (const {x, y} of finite) {
    const column = span === 0 ? 0 : Math.min(columns - 1, Math.floor(((x - low) / span) * columns));
    sums[column]! += y;
    counts[column]! += 1;
  }
  return sums.map((sum, column) => (counts[column] === 0 ? undefined : sum / counts[column]!));
}

function extent(values: readonly (number | undefined)[]): {low: number; high: number} | undefined {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return undefined;
  const [low, high] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
  return {low, high};
}

/** One line, `width` places at most; a gap where nothing was measured. Points in the order of x. */
export function sparkline(points: readonly Point[], width: number): string {
  const means = columnMeans(points, Math.max(1, Math.min(width, points.length)));
  const range = extent(means);
  if (range === undefined) return '';
  const span = range.high - range.low;
  return means
    .map((mean) =>
      mean === undefined ? ' ' : BLOCKS[span === 0 ? 3 : Math.min(7, Math.floor(((mean - range.low) / span) * 8))]!,
    )
    .join('');
}

/** Bits of the dots of a Braille character, by column and row (Unicode 2800–28FF). */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** Numbers as an axis shows them: four significant digits. */
export function axisNumber(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)));
}

/** `height` lines of chart with its range on the left, and a line with the first and last x below. */
export function chart(
  points: readonly Point[],
  {width, height}: {readonly width: number; readonly height: number},
): string {
  const finite = points.filter(({y}) => Number.isFinite(y));
  if (finite.length === 0) return '(nothing to draw)';
  const all = extent(finite.map(({y}) => y))!;
  const labels = [axisNumber(all.high), axisNumber(all.low)];
  const margin = Math.max(...labels.map((label) => label.length));
  const cells = Math.max(8, width - margin - 3);
  const [columns, rows] = [cells * 2, height * 4];
  const means = columnMeans(finite, columns);
  const range = extent(means)!;
  const span = range.high - range.low;
  const rowOf = (value: number): number =>
    span === 0 ? Math.floor(rows / 2) : Math.round(((range.high - value) / span) * (rows - 1));
  const grid = Array.from({length: height}, () => new Uint8Array(cells));
  const dot = (column: number, row: number): void => {
    grid[row >> 2]![column >> 1]! |= DOTS[column & 1]![row & 3]!;
  };
  let last: {column: number; row: number} | undefined;
  for (const [column, mean] of means.entries()) {
    if (mean === undefined) continue;
    const row = rowOf(mean);
    if (last !== undefined) {
      // A line between neighbours, so that a few points still read as a curve.
      const steps = Math.max(column - last.column, Math.abs(row - last.row));
      for (let step = 1; step < steps; step++) {
        dot(
          last.column + Math.round(((column - last.column) * step) / steps),
          last.row + Math.round(((row - last.row) * step) / steps),
        );
      }
    }
    dot(column, row);
    last = {column, row};
  }
  const lines = grid.map((cellsOfRow, index) => {
    const label = index === 0 ? labels[0]! : index === height - 1 ? labels[1]! : '';
    const dots = String.fromCodePoint(...Array.from(cellsOfRow, (bits) => 0x2800 + bits));
    return `${label.padStart(margin)} ┤${dots.replace(/\u2800+$/, '')}`;
  });
  const [first, end] = [axisNumber(finite[0]!.x), axisNumber(finite.at(-1)!.x)];
  const below = `${first}${end.padStart(Math.max(end.length + 1, cells - first.length))}`;
  return [...lines, `${' '.repeat(margin)} └${'─'.repeat(cells)}`, `${' '.repeat(margin + 2)}${below}`].join('\n');
}
