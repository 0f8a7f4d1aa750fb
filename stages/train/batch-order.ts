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
