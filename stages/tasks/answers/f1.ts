/**
 * Short answers in words, as in SQuAD (Rajpurkar et al., arXiv 1606.05250): without case, punctuation and articles, worth the F1
 * of the words that answer and reference share, each word as often as it occurs in both; 1 where they are the same. A prompt may
 * have more references (`references`); the best one counts.
 */
import type {AnswerKind} from '../task.js';
import type {Prompt} from '../prompt.js';
import {agreed, givenIn, LONGEST_ANSWER, referencesIn} from './answer.js';

/** ASCII punctuation, as Python's `string.punctuation` has it. */
export const PUNCTUATION = /[!-/:-@[-`{-~]/g;
/** `\\b` as Python has it: letters of all alphabets are letters. */
const ARTICLES = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;
export const withoutArticles = (text: string): string => text.replaceAll(ARTICLES, ' ');

/** SQuAD's normal form; `undefined` where nothing is left of it. */
export function squadText(text: string): string | undefined {
  if (text.length > LONGEST_ANSWER) return undefined;
  const normal = withoutArticles(text.toLowerCase().replaceAll(PUNCTUATION, '')).split(/\s+/);
  return normal.filter((word) => word !== '').join(' ') || undefined;
}

/** F1 of two bags of words, both in normal form, in [0, 1]. */
export function wordsF1(given: string, reference: string): number {
  const [one, other] = [given.split(' '), reference.split(' ')];
  const left = new Map<string, number>();
  for (const word of other) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of one) {
    const count = left.get(word) ?? 0;
    if (count > 0) shared++;
    left.set(word, count - 1);
  }
  return (2 * shared) / (one.length + other.length);
}

export const f1: AnswerKind = {
  read: (completion) => agreed(givenIn(completion), squadText),
  reference: (text) => agreed(referencesIn(text), squadText),
  grade: (given, reference, {references = []}: Pick<Prompt, 'references'> = {}) =>
    Math.max(...[reference, ...references.flatMap((text) => squadText(text) ?? [])].map((one) => wordsF1(given, one))),
};
