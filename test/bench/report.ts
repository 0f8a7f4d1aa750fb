/** How a benchmark hands its figures to the driver: one marked line of JSON per figure. */
export interface Row {
  readonly name: string;
  /** Undefined where there is no figure; `note` says why. */
  readonly value?: number;
  readonly unit: string;
  /** The figure should be at most this. */
  readonly target?: number;
  /** The figure should be at least this. */
  readonly atLeast?: number;
  readonly note?: string;
}

const mark = 'bench-row ';

export function report(row: Row): void {
  process.stdout.write(`${mark}${JSON.stringify(row)}\n`);
}

/** The row of a line that `report` wrote; undefined for any other line. */
export function readRow(line: string): Row | undefined {
  return line.startsWith(mark) ? (JSON.parse(line.slice(mark.length)) as Row) : undefined;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Wall time of each kind of work in milliseconds, the median of `repeats`, taken in turn so that all meet the same noise. */
export async function inTurn<Name extends string>(
  works: Readonly<Record<Name, () => Promise<void> | void>>,
  repeats: number,
): Promise<Record<Name, number>> {
  const names = Object.keys(works) as Name[];
  const times = new Map(names.map((name) => [name, [] as number[]]));
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const name of names) {
      const began = performance.now();
      await works[name]();
      times.get(name)!.push(performance.now() - began);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name)!)])) as Record<Name, number>;
}

/**
 * What an environment variable chooses of `all`, its words separated by commas; `usual` where it is not set.
 * @throws Error for a word that is none of them
 */
export function listed(variable: string, all: readonly string[], usual = all): string[] {
  const chosen = process.env[variable]?.split(',') ?? usual;
  const unknown = chosen.filter((each) => !all.includes(each));
  if (unknown.length > 0) throw new Error(`${variable} has ${unknown.join(', ')}; there are ${all.join(', ')}`);
  return [...chosen];
}
