/** One way to write what is written in many: digits of all scripts, widths, dashes, spaces, and LaTeX that only sets type. */

/** Hyphens, dashes and minus signs. */
const DASHES = /[\u2010-\u2015\u2212\u02d7\u207b\u2796\ufe58\ufe63\uff0d]/g;

/** Set upright, bold or as text: what is in it counts, that it is so does not. */
const SET_AS =
  /\\(?:text|textbf|textit|textrm|textnormal|mathrm|mathbf|mathit|mathsf|mbox|operatorname|boldsymbol|bm)\s*\{([^{}\\]*)\}/g;

const NAMED: readonly (readonly [RegExp, string])[] = [
  [/\\!/g, ''],
  [/\\(?:[,;: ]|quad|qquad|thinspace|enspace|displaystyle)(?![A-Za-z])|~/g, ' '],
  [/\{,\}/g, ','],
  [/\\([$%&#_])/g, '$1'],
  [/\\[()[\]]/g, ' '],
  [/\^\s*(?:\\circ|\{\s*\\circ\s*\}|\\degree)|\\degree/g, '°'],
  [/\\cdot(?![A-Za-z])/g, '·'],
];

/** The value of a decimal digit of any script: those of a script follow each other, and blocks of them are multiples of ten. */
function digitOf(char: string): string {
  const code = char.codePointAt(0)!;
  let first = code;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(first - 1))) first--;
  return String((code - first) % 10);
}

/**
 * A text with digits 0–9, `-` for every dash, characters of ordinary width, one kind of space and no invisible characters.
 * Superscripts stay what they are: 2³ is not 23.
 */
export function plain(text: string): string {
  let result = text
    .replaceAll(/[\p{Cf}\ufe0e\ufe0f]/gu, '')
    .replaceAll(DASHES, '-')
    .replaceAll(/[\uff01-\uff5e]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0))
    .replaceAll(/(?![0-9])\p{Nd}/gu, digitOf)
    .replaceAll(/[\u2018\u2019\u02bc]/g, "'")
    .replaceAll('\u066b', '.')
    .replaceAll('\u066c', ',')
    .replaceAll('。', '.')
    .replaceAll('￥', '¥')
    // A digit in a box of its own is not a digit of the number beside it.
    .replaceAll(SET_AS, (_, inner: string) => inner.replace(/^(?=\d)/, ' ').replace(/(\d)$/, '$1 '));
  for (const [name, value] of NAMED) result = result.replaceAll(name, value);
  return result.replaceAll(/\s+/g, ' ').trim();
}
