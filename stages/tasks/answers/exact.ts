/**
 * Answers that are compared as text: case, width of characters, spacing, `$…$` around the whole and punctuation at the end
 * do not count, everything else does. Two ways to write one formula are two answers.
 */
import type {AnswerKind} from '../task.js';
import {answerText} from './answer.js';

export function normalText(text: string): string | undefined {
  const normal = text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replace(/^\$+(.*?)\$+$/, '$1')
    .replace(/[\s.。!?,;:]+$/, '')
    .trim();
  return normal === '' ? undefined : normal;
}

export const exact: AnswerKind = {
  read: (completion) => {
    const text = answerText(completion);
    return text === undefined ? undefined : normalText(text);
  },
  reference: normalText,
};
