/** The languages that prompts can be in, and how much of a text is in one of them. */
import {detect} from './detector.js';
import {proseOf} from './prose.js';

/**
 * The scripts of each language, by its BCP 47 code. Traditional and simplified Chinese are one; so is Portuguese of Portugal and
 * Brazil.
 */
const SCRIPTS = {
  en: ['Latin'],
  zh: ['Han'],
  ja: ['Han', 'Hiragana', 'Katakana'],
  ko: ['Hangul'],
  ru: ['Cyrillic'],
  uk: ['Cyrillic'],
  bg: ['Cyrillic'],
  ar: ['Arabic'],
  fa: ['Arabic'],
  ur: ['Arabic'],
  hi: ['Devanagari'],
  mr: ['Devanagari'],
  bn: ['Bengali'],
  ta: ['Tamil'],
  te: ['Telugu'],
  th: ['Thai'],
  el: ['Greek'],
  he: ['Hebrew'],
  fr: ['Latin'],
  de: ['Latin'],
  es: ['Latin'],
  pt: ['Latin'],
  it: ['Latin'],
  nl: ['Latin'],
  pl: ['Latin'],
  cs: ['Latin'],
  sv: ['Latin'],
  da: ['Latin'],
  fi: ['Latin'],
  ro: ['Latin'],
  hu: ['Latin'],
  tr: ['Latin'],
  vi: ['Latin'],
} as const satisfies Readonly<Record<string, readonly Script[]>>;

type Script =
  | ('Latin' | 'Han' | 'Hiragana' | 'Katakana' | 'Hangul' | 'Cyrillic' | 'Arabic' | 'Devanagari' | 'Bengali')
  | ('Tamil' | 'Telugu' | 'Thai' | 'Greek' | 'Hebrew');

export type Language = keyof typeof SCRIPTS;
/** All of them. */
export const LANGUAGES = Object.keys(SCRIPTS) as [Language, ...Language[]];

/** Languages that a detector takes for each other: what is called one may be the other. */
const NEAR: readonly (readonly string[])[] = [
  ['da', 'no', 'sv'],
  ['es', 'ca', 'pt', 'gl'],
  ['cs', 'sk'],
  ['ru', 'bg', 'be'],
  ['hi', 'mr', 'ne'],
];
const isNear = (one: string, other: string): boolean =>
  one === other || NEAR.some((group) => group.includes(one) && group.includes(other));

/** Letters that a detector needs: of fewer it knows little. */
const ENOUGH = 20;

const LETTERS = /[^\p{L}]/gu;
/** A sentence ends so; a point within a number or a name has been taken out before. */
const SENTENCE = /[.!?;:。！？；：\n…]+/;
/** Names of quantities, and what tells nothing: one letter, of a script that writes words of several. */
const WORD = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|[\p{L}][\p{L}\p{M}'’]*/gu;
/** Written without spaces; so many letters make about a word. */
const UNSPACED = 4;

/** Counts words of a text: of a language, and of any other. */
interface Counts {
  own: number;
  other: number;
}

/**
 * Share of the words of a text that are of a language, in [0, 1]; `undefined` where it has none. Formulas, code, names of
 * functions, units, numbers, addresses and lone letters are of no language. A word of another script than the language's is of
 * another language; whether one of the same script is (French in a reasoning in English) is asked of a detector, a sentence
 * with at least 20 letters at a time, and all shorter ones together.
 *
 * @throws {Error} where the detector is needed and `loadDetector` has not been awaited
 */
export function consistencyIn(text: string, language: Language): number | undefined {
  const counts: Counts = {own: 0, other: 0};
  const short: string[] = [];
  for (const sentence of proseOf(text).split(SENTENCE)) {
    if (lettersOf(sentence, language) >= ENOUGH) count(sentence, language, counts);
    else if (sentence.trim() !== '') short.push(sentence);
  }
  if (short.length > 0) count(short.join(' '), language, counts);
  const all = counts.own + counts.other;
  return all === 0 ? undefined : counts.own / all;
}

const scriptPattern = (language: Language): RegExp =>
  new RegExp(`[${SCRIPTS[language].map((script) => `\\p{Script=${script}}`).join('')}]`, 'u');
const OWN = Object.fromEntries(LANGUAGES.map((language) => [language, scriptPattern(language)])) as Record<
  Language,
  RegExp
>;

const lettersOf = (text: string, language: Language): number => {
  const letters = text.replaceAll(LETTERS, '');
  return OWN[language].test(letters) ? letters.length : 0;
};

function count(text: string, language: Language, counts: Counts): void {
  const own: string[] = [];
  let words = 0;
  for (const [word] of text.matchAll(WORD)) {
    const isOwn = OWN[language].test(word);
    const weight = weightOf(word);
    if (weight === 0) continue;
    if (isOwn) {
      own.push(word);
      words += weight;
    } else counts.other += weight;
  }
  if (isOther(own, language)) counts.other += words;
  else counts.own += words;
}

function weightOf(word: string): number {
  if (/^[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u.test(word))
    return Math.ceil(word.length / UNSPACED);
  if (/^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(word)) return 1;
  return word.length > 1 || word === 'a' || word === 'I' ? 1 : 0;
}

/** Whether other languages are written in the script of this one, so that a detector has to tell. */
export const needsDetector = (language: Language): boolean =>
  language !== 'ja' &&
  language !== 'zh' &&
  LANGUAGES.some((other) => other !== language && SCRIPTS[other][0] === SCRIPTS[language][0]);

/** Whether words of a language's own script are those of another language. */
function isOther(words: readonly string[], language: Language): boolean {
  if (language === 'ja') return words.length >= ENOUGH / 2 && words.every((word) => /^\p{Script=Han}/u.test(word));
  if (!needsDetector(language)) return false;
  const text = words.join(' ');
  if (text.replaceAll(LETTERS, '').length < ENOUGH) return false;
  const found = detect(text);
  return found !== undefined && !isNear(found, language);
}

/** The languages of the built-in tasks. */
export const BUILT_IN_LANGUAGES = ['en', 'zh'] as const;
export type BuiltInLanguage = (typeof BUILT_IN_LANGUAGES)[number];

export type WordCounts = Readonly<Record<BuiltInLanguage, number>>;

const TAG = /<\/?(?:think|answer)>|<\|[^|<>]*\|>/g;
/** The words of one letter that are not the name of a quantity. */
const LONE = new Set(['a', 'i']);

/** Counts the words of each language in a text. */
export type CountWords = (text: string) => WordCounts;

/**
 * A counter for texts whose words are known: a run of Latin letters is an English word, Chinese characters are Chinese words.
 * Digits, punctuation, tags, names and lone letters belong to none.
 *
 * @param known.chinese Chinese words, the longest of which count first; other Chinese text counts one word a character
 * @param known.neutral words in Latin letters, lower case, that are of no language, such as names
 */
export function wordCounter({
  chinese,
  neutral,
}: {
  readonly chinese: readonly string[];
  readonly neutral: readonly string[];
}): CountWords {
  const ofNone = new Set(neutral);
  const chineseWord = new RegExp(
    chinese
      .filter((word) => word.length > 1)
      .sort((a, b) => b.length - a.length)
      .concat('[一-鿿]')
      .join('|'),
    'g',
  );
  return (text) => {
    const plain = text.replace(TAG, ' ');
    const latin = plain.match(/[A-Za-z]+(?:['’][A-Za-z]+)*/g) ?? [];
    const en = latin.filter((word) => {
      const lower = word.toLowerCase();
      return !ofNone.has(lower) && (word.length > 1 || LONE.has(lower));
    }).length;
    return {en, zh: plain.match(chineseWord)?.length ?? 0};
  };
}

/**
 * Words of `language` / words of either, in [0, 1]; `undefined` when there are none (DeepSeek-R1, Nature 645:633, Eq. 7,
 * which leaves open what a word is and what an empty text is worth).
 */
export function consistencyOf(words: WordCounts, language: BuiltInLanguage): number | undefined {
  const all = words.en + words.zh;
  return all === 0 ? undefined : words[language] / all;
}

/**
 * Words that mark second thoughts, in both languages: those counted in DeepSeek-R1's supplement (C.2, "reflective
 * words") and their Chinese counterparts.
 */
const REFLECTIVE =
  /\b(?:wait|mistake|however|but|retry|error|verify|wrong|evaluate|check)\b|等等|等一下|错误|不对|然而|但是|重试|验证|检查/gi;

export const reflectiveWords = (text: string): number => text.match(REFLECTIVE)?.length ?? 0;
