/**
 * When two questions are one. For the side of the split any spelling of a question is that question; for what contradicts what,
 * spelling counts: 2³ is not 23, though compatibility forms (NFKC) make it so.
 */

/** Characters that are not seen: soft hyphens, zero widths, bidi marks, variation selectors, fillers. */
const UNSEEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

const ALIKE: readonly (readonly [RegExp, string])[] = [
  [/[\p{Pd}−]/gu, '-'],
  [/[\p{Pi}\p{Pf}"'`´ˋ‚„′″‵‶〃「」『』〝〞〟]/gu, "'"],
  [/[。｡]/gu, '.'],
  [/[、､،٬]/gu, ','],
  [/؟/gu, '?'],
  [/[؛]/gu, ';'],
  [/[∶]/gu, ':'],
  [/[⁄∕]/gu, '/'],
  [/[∗⋅·・]/gu, '*'],
  [/\p{Nd}/gu, ''],
];

/** Most questions need none of the tables of Unicode. */
const PLAIN = /^[\t\n\r\x20-\x7e]*$/;

const MARKS = new Set(".,;:!?'*-");

/** Without punctuation at the ends; of punctuation alone nothing is left. A loop, as an expression takes quadratic time on runs of dots. */
function bare(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && MARKS.has(text[from]!)) from += 1;
  while (to > from && MARKS.has(text[to - 1]!)) to -= 1;
  return text.slice(from, to);
}

/**
 * One text for all spellings of a question: composed and decomposed characters, width, ligatures, upper and lower case (the
 * Turkish i's with and without their dots among them), spaces and what is not seen, digits of other scripts, kinds of dashes, of
 * quotation marks and of full stops, punctuation at the ends. Accents count, and so do look-alikes of other scripts.
 */
export function normalQuestion(question: string): string {
  if (PLAIN.test(question))
    return bare(question.toLowerCase().replaceAll(/["`]/g, "'").replaceAll(/\s+/g, '')) || exactQuestion(question);
  let text = caseless(question.normalize('NFKC').replaceAll(UNSEEN, '')).normalize('NFKC');
  for (const [these, one] of ALIKE) text = text.replaceAll(these, one === '' ? asciiDigit : () => one);
  text = text.replaceAll(/[\s\p{Z}\p{Cc}]+/gu, '');
  return bare(text) || exactQuestion(question);
}

/** The text as it is read, canonical forms (NFC), case and the number of spaces aside. */
export const exactQuestion = (question: string): string =>
  question.normalize('NFC').replaceAll(UNSEEN, '').toLowerCase().replaceAll(/\s+/g, ' ').trim();

/** Full case folding, as far as JavaScript has it, with ı and İ made i and ς made σ. */
const caseless = (text: string): string =>
  text
    .toUpperCase()
    .toLowerCase()
    .replaceAll(/i\u0307/g, 'i')
    .replaceAll('ı', 'i')
    .replaceAll('ς', 'σ');

/** Digits of a script stand in runs of ten, 0 first. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0)!;
  if (code < 0x80) return digit;
  let zero = code;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String((code - zero) % 10);
}
