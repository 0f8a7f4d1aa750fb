/**
 * Sentences and words as IF-Eval counts them. It takes NLTK's Punkt (Kiss & Strunk 2006, https://doi.org/10.1162/coli.2006.32.4.485) and
 * NLTK's Treebank tokenizer; these are small ones of our own by the same rules, without Punkt's trained tables: they differ where a full
 * stop behind a rare abbreviation is taken for the end of a sentence.
 */
import {isUpper} from './python.js';

/** Words that end in a full stop without ending a sentence. */
const ABBREVIATIONS = new Set(
  (
    'mr mrs ms dr prof rev hon st sr jr gen col lt maj capt sgt gov sen rep pres supt ' +
    'inc ltd co corp bros assn univ dept est fig figs ed eds al vol vs etc approx no nos pp ' +
    'jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat ' +
    'ave blvd rd ft mt in e.g i.e u.s u.k u.n p.s p.p.s a.m p.m d.c ph.d b.a m.a b.s m.s b.c a.d'
  ).split(' '),
);

/** Where a sentence could end: full stops, question and exclamation marks with what closes behind them, before white space. */
const END = /(\S*?)([.?!]+)([)"'”’\]*_]*)(?=\s+(\S+)|\s*$)/gu;

/** The number of sentences of a text, at least 1 unless it is blank. */
export function countSentences(text: string): number {
  if (text.trim() === '') return 0;
  let count = 0;
  let last = 0;
  for (const match of text.matchAll(END)) {
    const [whole, word = '', marks = '', , next] = match;
    last = match.index + whole.length;
    if (next === undefined || !isAbbreviated(word, marks, next)) count += 1;
  }
  return text.slice(last).trim() === '' && count > 0 ? count : count + 1;
}

/** Whether a full stop belongs to the word before it. */
function isAbbreviated(word: string, marks: string, next: string): boolean {
  if (/[?!]/.test(marks)) return false;
  const bare = word.replace(/^[("'“‘[*_]+/, '').toLowerCase();
  const startsLower = /^["'“‘([]*\p{Ll}/u.test(next);
  if (marks.length > 1) return startsLower; // An ellipsis ends a sentence where the next word begins one.
  // An initial, `J. Smith`, and an ordinal, `1. First`, which Punkt takes for one where a small letter follows.
  if (/^\p{L}$/u.test(bare)) return true;
  if (ABBREVIATIONS.has(bare) || /^(?:\p{L}\.)+\p{L}$/u.test(bare)) return true;
  return startsLower && /^\d+$/.test(bare);
}

/** Words that Treebank takes apart. */
const SPLIT = /\b(can)(not)\b|\b(d)('ye)\b|\b(gim|lem)(me)\b|\b(gon|wan)(na)\b|\b(got)(ta)\b|\b(more)('n)\b/giu;

/** Tokens of a text, near to those of NLTK's `word_tokenize`. */
export function treebankTokens(text: string): string[] {
  const spaced = text
    .replaceAll(/^["“]|(?<=[ ([{<])["“]|''|"|“|”/gu, " '' ")
    .replaceAll(/([:,])(?=[^\d]|$)/gu, ' $1 ')
    .replaceAll(/\.{2,}/gu, ' ... ')
    .replaceAll(/[;@#$%&?!*]/gu, ' $& ')
    .replaceAll(/([^.])(\.)(?=[\])}>"'»”’ ]*\s*(?:$|\n|\s\p{Lu}))/gu, '$1 $2 ')
    .replaceAll(/[\][(){}<>]/gu, ' $& ')
    .replaceAll('--', ' -- ')
    .replaceAll(/([^' ])('s|'m|'d|'ll|'re|'ve|n't|')(?=\s|$)/giu, '$1 $2 ')
    .replaceAll(SPLIT, (_, ...parts) =>
      parts
        .slice(0, 12)
        .filter((part): part is string => typeof part === 'string')
        .join(' '),
    );
  return spaced.split(/\s+/).filter((token) => token !== '');
}

/** Tokens in capitals: hyphens join words. */
export const countCapitalWords = (text: string): number => treebankTokens(text).filter(isUpper).length;
