/** Answers of the dials task: two digits between the answer tags, left first, and nothing else. */
import type {AnswerKind} from '../task.js';
import {agreed} from './answer.js';

const digits = (text: string): string | undefined => {
  const match = /^(\d)\s+(\d)$/.exec(text.trim());
  return match === null ? undefined : `${match[1]} ${match[2]}`;
};

export const dials: AnswerKind = {
  read: ({answers}) => agreed(answers, digits),
  reference: digits,
};
