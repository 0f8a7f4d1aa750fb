/** Which rows an optimizer step sees. A function of (seed, step), so a resumed run needs no cursor. */
import {random} from '../random.js';

/**
 * The rows of step `step` (from 0) when `count` rows are gone through in a new order each epoch, `batch` at a time.
 * Batches run across the seam of two epochs, so every step has a full batch.
 *
 * @param key of the draws: equal keys, equal orders
 * @returns a function from the step to `batch` indices below `count`
 * @throws {Error} where there are no rows
 */
export function batchOrder(
  count: number,
  batch: number,
  key: {readonly seed: number; readonly purpose: string},
): (step: number) => number[] {
  if (count === 0) throw new Error('Internal error: no rows to draw from');
  const epochs = new Map<number, number[]>();
  const epoch = (number: number): number[] => {
    let order = epochs.get(number);
    if (order === undefined) {
      epochs.clear(); // at most two are needed, and the other is quick to make again
      order = random(key.seed, key.purpose, number).shuffle(Array.from({length: count}, (_, index) => index));
      epochs.set(number, order);
    }
    return order;
  };
  return (step) =>
    Array.from({length: batch}, (_, place) => {
      const at = step * batch + place;
      return epoch(Math.floor(at / count))[at % count]!;
    });
}

/**
 * The same with a curriculum in front (Bengio et al., 2009, https://doi.org/10.1145/1553374.1553380): in its steps rows are drawn
 * from the shortest third at first, from more and more of them as it goes on, and from all at its end.
 *
 * @param lengths of the rows
 * @param curriculum steps that it takes; 0 for none
 */
export function curriculumOrder(
  lengths: readonly number[],
  batch: number,
  {curriculum, ...key}: {readonly seed: number; readonly purpose: string; readonly curriculum: number},
): (step: number) => number[] {
  const after = batchOrder(lengths.length, batch, key);
  const shortest = lengths.map((_, index) => index).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  return (step) => {
    if (step >= curriculum) return after(step - curriculum);
    const share = FIRST_SHARE + (1 - FIRST_SHARE) * (step / curriculum);
    const among = Math.max(1, Math.round(share * shortest.length));
    const draws = random(key.seed, `${key.purpose}/curriculum`, step);
    return Array.from({length: batch}, () => shortest[draws.int(among)]!);
  };
}

/** Of the rows, those that a curriculum begins with. */
const FIRST_SHARE = 1 / 3;
