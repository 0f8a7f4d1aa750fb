/** Language by the words of the built-in tasks: which are one word in Chinese, and which are names. */
import {consistencyOf, wordCounter, type Language} from '../text/language.js';
import {NAMES, wordsOf} from './lexicon.js';

export const countWords = wordCounter({chinese: wordsOf('zh'), neutral: NAMES});

/** Words of `language` / words of either, in [0, 1]; `undefined` when a text has none. */
export const languageConsistency = (text: string, language: Language): number | undefined =>
  consistencyOf(countWords(text), language);
