/** Texts from a server, as a message may hold them: on one line, of a bounded length, nothing in them that steers a terminal. */
const MOST_WORDS = 300;

/** @returns the text on one line, of a length that a message may have, without control characters and marks that turn the direction */
export function shortened(text: string, most = MOST_WORDS): string {
  const line = text
    .replaceAll(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
    .trim();
  // Not in the middle of a pair.
  return line.length > most ? `${line.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')}…` : line;
}
