/** Curves out of characters: a line of blocks, or a small chart of Braille dots (two by four in each character). */

export interface Point {
  readonly x: number;
  readonly y: number;
}

const BLOCKS = '▁▂▃▄▅▆▇█';

/** Mean of the finite values in each of `columns` equal parts of the x range; undefined where there is none. */
function columnMeans(
  points: readonly Point[],
  columns: number,
  range = extent(points.filter(isFinitePoint).map(({x}) => x)),
): readonly (number | undefined)[] {
  const sums = new Array<number>(columns).fill(0);
  const counts = new Array<number>(columns).fill(0);
  const {low, high} = range ?? {low: 0, high: 0};
  const span = high - low;
  for (const {x, y} of points.filter(isFinitePoint)) {
    const column = span === 0 ? 0 : Math.min(columns - 1, Math.floor(((x - low) / span) * columns));
    sums[column]! += y;
    counts[column]! += 1;
  }
  return sums.map((sum, column) => (counts[column] === 0 ? undefined : sum / counts[column]!));
}

const isFinitePoint = ({y}: Point): boolean => Number.isFinite(y);

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

/** A curve among others: a letter stands on it here and there, so that it is told apart without colors too. */
export interface MarkedCurve {
  readonly points: readonly Point[];
  readonly mark: string;
  readonly paint: (text: string) => string;
}

interface ChartSize {
  readonly width: number;
  readonly height: number;
}

/** `height` lines of chart with its range on the left, and a line with the first and last x below. */
export const chart = (points: readonly Point[], size: ChartSize): string =>
  overlay([{points, mark: '', paint: (text) => text}], size);

/** Letters on each curve. */
const MARKS = 4;

/** Curves over each other, on the same axes. */
export function overlay(curves: readonly MarkedCurve[], {width, height}: ChartSize): string {
  const finite = curves.map(({points}) => points.filter(isFinitePoint));
  const all = extent(finite.flat().map(({y}) => y));
  if (all === undefined) return '(nothing to draw)';
  const labels = [axisNumber(all.high), axisNumber(all.low)];
  const margin = Math.max(...labels.map((label) => label.length));
  const cells = Math.max(8, width - margin - 3);
  const steps = extent(finite.flat().map(({x}) => x))!;
  const means = finite.map((points) => columnMeans(points, cells * 2, steps));
  const range = extent(means.flat())!;
  const drawn = means.map((each) => dotsOf(each, {cells, height, range}));
  const marks = curves.map(({mark}, index) =>
    mark === '' ? [] : marksOf(drawn[index]!, (index + 0.5) / curves.length),
  );
  const lines = Array.from({length: height}, (_, row) => {
    const label = row === 0 ? labels[0]! : row === height - 1 ? labels[1]! : '';
    const line = Array.from({length: cells}, (__, cell) => {
      const own = curves.flatMap(({paint}, index) => ((drawn[index]![row]![cell] ?? 0) === 0 ? [] : [{index, paint}]));
      const marked = own.find(({index}) => marks[index]!.some((at) => at.row === row && at.cell === cell));
      const bits = own.reduce((dots, {index}) => dots | drawn[index]![row]![cell]!, 0);
      if (marked !== undefined) return marked.paint(curves[marked.index]!.mark);
      // What several curves go through is nobody's.
      return own.length === 1 ? own[0]!.paint(braille(bits)) : braille(bits);
    });
    return `${label.padStart(margin)} ┤${line.join('').replace(/\u2800+$/, '')}`;
  });
  const [first, end] = [axisNumber(steps.low), axisNumber(steps.high)];
  const below = `${first}${end.padStart(Math.max(end.length + 1, cells - first.length))}`;
  return [...lines, `${' '.repeat(margin)} └${'─'.repeat(cells)}`, `${' '.repeat(margin + 2)}${below}`].join('\n');
}

const braille = (bits: number): string => String.fromCodePoint(0x2800 + bits);

/** The dots of a curve as bits, by row and cell. */
function dotsOf(
  means: readonly (number | undefined)[],
  {
    cells,
    height,
    range,
  }: {readonly cells: number; readonly height: number; readonly range: {low: number; high: number}},
): readonly Uint8Array[] {
  const grid = Array.from({length: height}, () => new Uint8Array(cells));
  const rows = height * 4;
  const span = range.high - range.low;
  const rowOf = (value: number): number =>
    span === 0 ? Math.floor(rows / 2) : Math.round(((range.high - value) / span) * (rows - 1));
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
  return grid;
}

/** Where letters stand on a curve; each curve has its own share of the way between two, so that they seldom meet. */
function marksOf(grid: readonly Uint8Array[], share: number): readonly {readonly row: number; readonly cell: number}[] {
  const used = grid[0]!.length;
  const places = Array.from({length: MARKS}, (_, mark) => Math.floor(((mark + share) / MARKS) * used));
  return places.flatMap((cell) => {
    const row = grid.findIndex((line) => line[cell] !== 0);
    return row === -1 ? [] : [{row, cell}];
  });
}
