/** What of a text is in some language: the text without formulas, code, addresses, names of functions, units and numbers. */

const TAGS = /<\/?[A-Za-z][^<>]*>|<\|[^|<>]*\|>/g;
const FENCE = /```[^]*?(?:```|$)/g;
const INLINE = /`[^`\n]*`/g;
/** As Pandoc has it: no space within the signs, no digit behind the second, so that amounts of money are none. */
const DOLLARS = /\$\$[^$]*\$\$|\$(?=\S)[^$\n]*(?<=\S)\$(?!\d)/g;
const PARENS = [
  ['\\(', '\\)'],
  ['\\[', '\\]'],
  ['\\begin{', '\\end{'],
] as const;
const ADDRESS = /\b(?:https?:\/\/|www\.)\S+|[\w.+-]{1,64}@[\w-]{1,64}\.\w+/g;
/** Commands of LaTeX outside of formulas. */
const COMMAND = /\\[A-Za-z]+/g;
/** `snake_case`, `camelCase`, `math.sqrt`, `f2`, and whatever is called: `sqrt(`. */
const NAME = /[A-Za-z_]\w*(?=\()|\b[A-Za-z]*(?:_\w+|\d\w*)|\b[a-z]+(?:[A-Z]\w*)|\b[a-z]{1,32}\.[a-z]\w*/g;
const FUNCTION =
  /\b(?:sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|exp|lim|gcd|lcm|det|deg|mod|sqrt|frac|max|min)\b/g;
const UNIT =
  /(?<=\d ?)(?:[kcmdµnM]?[mgsLlVAWJNK]|km|kph|mph|Hz|kHz|MHz|GHz|[KMGT]i?B|kWh?|ft|in|lbs?|oz|hrs?|mins?|secs?|am|pm)(?![A-Za-z])/g;

/** The prose of a text; what is taken out leaves a space. Linear in the text's length. */
export function proseOf(text: string): string {
  let prose = text.replaceAll(FENCE, ' \n').replaceAll(INLINE, ' ').replaceAll(TAGS, ' ').replaceAll(DOLLARS, ' ');
  for (const [open, close] of PARENS) prose = without(prose, open, close);
  for (const pattern of [ADDRESS, COMMAND, UNIT, NAME, FUNCTION]) prose = prose.replaceAll(pattern, ' ');
  return prose;
}

/** The text without what stands between two marks; a mark that is not followed by the other stays. */
function without(text: string, open: string, close: string): string {
  const kept: string[] = [];
  let at = 0;
  for (;;) {
    const from = text.indexOf(open, at);
    const to = from === -1 ? -1 : text.indexOf(close, from + open.length);
    if (to === -1) break;
    kept.push(text.slice(at, from));
    at = to + close.length;
    if (close.endsWith('{')) at += /^[A-Za-z]{0,20}\*?\}?/.exec(text.slice(at, at + 22))![0].length;
  }
  kept.push(text.slice(at));
  return kept.join(' ');
}
