/**
 * In which language a response is, for IF-Eval. It takes langdetect's likeliest language; here it is that of the detector of r1, which
 * knows neither Nepali nor Swahili: those are told by their commonest words.
 */
import {likeliestLanguage} from '../../text/detector.js';

const COMMON: Readonly<Record<string, ReadonlySet<string>>> = {
  ne: new Set('छ छन् र को का की मा ले लाई हो हुन् थियो गर्न गर्ने पनि यो त्यो भने लागि तपाईं हामी'.split(' ')),
  sw: new Set('na ya wa kwa ni la za katika cha vya hii hiyo kama au lakini sana yake wake pia kuwa yako'.split(' ')),
};

/** Of the words of a text in one of these languages, at least so many are among its commonest ones. */
const SHARE = 0.15;

function isCommonIn(text: string, language: string): boolean {
  const words = text.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? [];
  const common = COMMON[language]!;
  // In Nepali postpositions are written with their nouns.
  const has = (word: string): boolean =>
    common.has(word) || (language === 'ne' && /(?:को|का|मा|ले|लाई|हरू|छ|छन्)$/u.test(word) && word.length > 3);
  return words.length > 0 && words.filter(has).length >= SHARE * words.length;
}

/** Whether a text is in a language, by its ISO 639-1 code; true where there is no word to tell by, as in IF-Eval. */
export function isIn(text: string, language: string): boolean {
  if (language in COMMON) return isCommonIn(text, language);
  // What is all in capitals is told as its small letters.
  const found = likeliestLanguage(text.toLowerCase());
  return found === undefined || found === language;
}
