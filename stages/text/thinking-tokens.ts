/** How many of a completion's tokens are thinking, and how many are the answer behind it. */
import type {Tokenizer} from './tokenizer.js';

const [OPEN, CLOSE] = ['<think>', '</think>'];

/**
 * Tokens of the thinking, its tags included: all up to the last `</think>`; all there are where a `<think>` stands open at the end; none
 * where nothing was thought. What is left is the answer, its tags and the end token included, so that the two add up to the length.
 *
 * @param drawn.tokens that were sampled
 * @param drawn.text theirs, behind what the response was made to begin with
 */
export function thinkingTokens(
  {tokens, text}: {readonly tokens: readonly number[]; readonly text: string},
  {idOf, decode}: Pick<Tokenizer, 'idOf' | 'decode'>,
): number {
  const closed = text.lastIndexOf(CLOSE);
  if (text.lastIndexOf(OPEN) > closed) return tokens.length;
  if (closed === -1) return 0;
  const id = idOf(CLOSE);
  const last = id === undefined ? -1 : tokens.lastIndexOf(id);
  if (last !== -1) return last + 1;
  // Where the tag is several tokens: the fewest tokens whose text closes the thinking as often as that of all.
  const closings = (count: number): number => decode(tokens.slice(0, count)).split(CLOSE).length - 1;
  const all = closings(tokens.length);
  let [low, high] = [0, tokens.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (closings(middle) >= all) high = middle;
    else low = middle + 1;
  }
  return low;
}
