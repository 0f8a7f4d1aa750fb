/**
 * Which language a text reasons in, counted in words by script: a run of Latin letters is an English word, Chinese
 * characters are Chinese words. Digits, punctuation, tags, names and lone letters (the x of an equation) belong to none.
 * Other languages in Latin letters count as English: this tells the two languages of the recipe apart, no more.
 */

/** The languages that language consistency knows. */
export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

export type WordCounts = Readonly<Record<Language, number>>;

const TAG = /<\/?(?:think|answer)>|<\|[^|<>]*\|>/g;
/** The words of one letter that are not the name of a quantity. */
const LONE = new Set(['a', 'i']);

/** Counts the words of each language in a text. */
export type CountWords = (text: string) => WordCounts;

/**
 * A counter that knows some words.
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
export function consistencyOf(words: WordCounts, language: Language): number | undefined {
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
