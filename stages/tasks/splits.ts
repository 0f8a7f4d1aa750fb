/**
 * Which problems may be trained on. The side is a pure function of the language-free problem key, so every corpus, SFT,
 * RL and preference row obeys the same border without anyone passing lists around, and both languages of a problem fall
 * on the same side.
 */
import {createHash} from 'node:crypto';
import {exactQuestion, normalQuestion} from './normal-question.js';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** The same for a question in any spelling (`normalQuestion`): what the key of a problem from outside is made of. */
export const questionHash = (question: string): string => hashOf(normalQuestion(question));

/** The same for two questions that differ in case or the number of spaces alone. */
export const exactQuestionHash = (question: string): string => hashOf(exactQuestion(question));

export const SPLITS = ['train', 'validation', 'held-out'] as const;
export type Split = (typeof SPLITS)[number];

/** Of all keys, the share that only final scores may see, and the share kept for decisions during a run. */
const HELD_OUT = 0.1;
const VALIDATION = 0.1;

/**
 * The side of a problem: the first 32 bits of sha256("split:" + key) as a fraction, cut at 0.1 and 0.2. General
 * scenarios have no validation side: their families are few, so both tenths are held out.
 */
export function splitOf(key: string): Split {
  const fraction = createHash('sha256').update(`split:${key}`).digest().readUInt32BE(0) / 2 ** 32;
  if (fraction >= HELD_OUT + VALIDATION) return 'train';
  return fraction < HELD_OUT || key.startsWith('general:') ? 'held-out' : 'validation';
}
