/** The lengths to which rows are padded: few, since a program is compiled for each. */

/**
 * At most `count` padded lengths that cover all of `lengths`, ascending, each a multiple of 8: the lengths at the
 * i/count quantiles, rounded up. Few, because each is compiled.
 *
 * @param lengths of rows, in positions; [8] where there are no lengths
 */
export function lengthBuckets(lengths: readonly number[], count = 2): number[] {
  const sorted = [...lengths].sort((a, b) => a - b);
  if (sorted.length === 0) return [8];
  const up = (length: number): number => Math.max(8, Math.ceil(length / 8) * 8);
  const at = Array.from({length: count}, (_, i) => up(sorted[Math.ceil(((i + 1) / count) * sorted.length) - 1]!));
  return [...new Set(at)].sort((a, b) => a - b);
}
