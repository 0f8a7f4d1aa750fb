/** How much of a text is in a language, for prompts of any task. */
import {
  BUILT_IN_LANGUAGES,
  consistencyIn,
  consistencyOf,
  needsDetector,
  wordCounter,
  type BuiltInLanguage,
  type Language,
} from '../text/language.js';
import {NAMES, wordsOf} from './lexicon.js';
import type {Prompt} from './prompt.js';
import type {Task} from './task.js';

/** Counts by the words of the built-in tasks: which are one word in Chinese, and which are names. */
export const countWords = wordCounter({chinese: wordsOf('zh'), neutral: NAMES});

export const isBuiltInLanguage = (language: Language): language is BuiltInLanguage =>
  (BUILT_IN_LANGUAGES as readonly string[]).includes(language);

/** By the words of the built-in tasks: words of `language` / words of either, in [0, 1]; `undefined` when a text has none. */
export const languageConsistency = (text: string, language: Language): number | undefined =>
  isBuiltInLanguage(language) ? consistencyOf(countWords(text), language) : consistencyIn(text, language);

/** As the task knows it, or else by script and detector: see `consistencyIn`. */
export const consistencyFor = (
  {consistency = consistencyIn}: Pick<Task, 'consistency'>,
  text: string,
  language: Language,
): number | undefined => consistency(text, language);

/** Whether judging what answers a prompt may take the detector: see `loadDetector`. */
export const asksDetector = (
  {consistency, answer}: Pick<Task, 'consistency' | 'answer'>,
  {language}: Pick<Prompt, 'language'>,
): boolean =>
  answer?.detects === true || (language !== undefined && consistency === undefined && needsDetector(language));
