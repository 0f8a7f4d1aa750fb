/** Texts as Python's `re` and `str` see them, where JavaScript sees them otherwise: what IF-Eval counts was defined there. */

/** `\w`: letters and digits of all scripts, and `_`. */
export const WORD = '[\\p{L}\\p{N}_]';
/** `\b`, of that `\w`. */
export const EDGE = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`;

/** How often a pattern occurs, one behind the other. */
export const occurrences = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

/** A text without some characters at its ends. */
export function stripped(text: string, characters: string, ends: 'both' | 'left' | 'right' = 'both'): string {
  let [from, to] = [0, text.length];
  if (ends !== 'right') while (from < to && characters.includes(text[from]!)) from++;
  if (ends !== 'left') while (to > from && characters.includes(text[to - 1]!)) to--;
  return text.slice(from, to);
}

/** `str.isupper`: there is a letter that has a case, and all of them are capitals. */
export const isUpper = (text: string): boolean => /\p{Uppercase}/u.test(text) && !/\p{Lowercase}|\p{Lt}/u.test(text);
/** `str.islower` */
export const isLower = (text: string): boolean => /\p{Lowercase}/u.test(text) && !/\p{Uppercase}|\p{Lt}/u.test(text);

/** A pattern that a data set brings, which is one of Python's; what JavaScript does not take for a pattern is looked for as it is. */
export function patternOf(source: string): string {
  try {
    new RegExp(source, 'u');
    return source;
  } catch {
    return source.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
  }
}
