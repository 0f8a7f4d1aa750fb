/** `Yes!` is a word with a mark behind it, `5!` and `n!` are products. */

/**
 * Where a text that ends at a place ends without its exclamation marks; the place itself where they could be the factorial
 * sign, behind anything but a word of two or more letters.
 */
export function behindWord(text: string, end: number): number {
  let to = end;
  while (to > 0 && text[to - 1] === '!') to--;
  if (to === end) return end;
  while (to > 0 && text[to - 1] === ' ') to--;
  let from = to;
  while (from > 0 && /\p{L}/u.test(text[from - 1]!)) from--;
  const word = text.slice(from, to);
  const isWord = (word.length > 1 && text[from - 1] !== '\\') || /^\p{Script=Han}$/u.test(word);
  return isWord ? to : end;
}
