/** A scorer for one piece of work. */
import {closingAfter} from '../train/closing.js';
import {openScorer, type Scorer} from './scorer.js';

/**
 * Opens a scorer, and closes it however `use` ends.
 * @throws what `use` throws, else what closing throws
 */
export async function withScorer<T>(
  options: Parameters<typeof openScorer>[0],
  use: (scorer: Scorer) => Promise<T>,
): Promise<T> {
  const scorer = await openScorer(options);
  return closingAfter([scorer], () => use(scorer));
}
