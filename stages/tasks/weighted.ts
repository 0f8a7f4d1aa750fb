/** A draw by shares, such as the style of a document. */
import type {Random} from '../random.js';

/** A key of `shares` with a probability in proportion to its share. Shares need not add up to 1. */
export function weighted<K extends string>(draws: Random, shares: Readonly<Record<K, number>>): K {
  const entries = (Object.entries(shares) as [K, number][]).filter(([, share]) => share > 0);
  let left = draws.uniform() * entries.reduce((sum, [, share]) => sum + share, 0);
  for (const [name, share] of entries) {
    if (left < share) return name;
    left -= share;
  }
  const last = entries.at(-1); // Rounding can leave a crumb beyond the last share.
  if (last === undefined) throw new RangeError('cannot draw by shares when none is above 0');
  return last[0];
}
