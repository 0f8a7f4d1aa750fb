/**
 * How the built-in texts are spelled. They are written for a tokenizer of words: lower case, a space between any two tokens. A model
 * that can read has learned from texts as people write them.
 */
import type {BuiltInLanguage} from '../text/language.js';
import {NAMES} from './lexicon.js';
import type {Spelling} from './spelling-names.js';

const NAMED = new RegExp(`\\b(?:${[...NAMES, 'english', 'chinese'].join('|')})\\b`, 'g');
/** A text that begins with a number stays as it is. */
const capital = (text: string): string => text.replace(/^\p{L}/u, (letter) => letter.toUpperCase());

/** A spaced text in a spelling. */
export function spelled(text: string, language: BuiltInLanguage, spelling: Spelling): string {
  if (spelling === 'spaced') return text;
  const joined = text.replaceAll(/ (?=[.,!?:。，！？：])/g, '');
  if (language === 'zh') return joined.replaceAll(/(?<=[\p{Script=Han}。，！？：]) (?=[\p{Script=Han}])/gu, '');
  return joined
    .replaceAll(NAMED, capital)
    .replaceAll(/\bi\b/g, 'I')
    .split(/(?<=[.!?] )/)
    .map(capital)
    .join('');
}
