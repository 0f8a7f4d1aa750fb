/**
 * Answers that are compared as text: case, width of characters, spacing, `$…$` around the whole and punctuation at the end
 * (but the factorial sign of 5!) do not count, and a text that is all number counts as that number (3.50 is 3.5). Everything else does count: two ways to
 * write one formula are two answers.
 */
import type {AnswerKind} from '../task.js';
import {agreed, givenIn, LONGEST_ANSWER, referencesIn} from './answer.js';
import {behindWord} from './exclaimed.js';
import {pureNumber, trimmedEnd} from './number.js';

/** Characters that NFKC would join to the digits beside them: 2³ to 23, 3½ to 31⁄2. */
const RAISED = /[²³¹⁰ⁱ⁴-⁾]+/g;
const LOWERED = /[₀-₎]+/g;
const FRACTION = /[¼-¾⅐-⅞↉]/g;

const folded = (text: string): string =>
  text
    .replaceAll(RAISED, (raised) => `^${raised}`)
    .replaceAll(LOWERED, (lowered) => `_${lowered}`)
    .replaceAll(FRACTION, (fraction) => ` ${fraction}`)
    .normalize('NFKC')
    .replaceAll('⁄', '/')
    .replaceAll(/[\p{Cf}]/gu, '')
    .replaceAll(/[‐-―−]/g, '-')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .trim();

/** A text in the form that is compared; `undefined` where nothing but punctuation is left, or it is too long to be an answer. */
export function normalText(text: string): string | undefined {
  if (text.length > LONGEST_ANSWER) return undefined;
  const number = pureNumber(text);
  if (number !== undefined) return number;
  let normal = folded(text);
  if (normal.startsWith('$') && trimmedEnd(normal, '.').endsWith('$')) normal = withoutDollars(trimmedEnd(normal, '.'));
  let to = normal.length;
  for (let end = -1; end !== to;) {
    end = to;
    while (to > 0 && /[\s.。?,;:]/.test(normal[to - 1]!)) to--;
    to = behindWord(normal, to);
  }
  return to === 0 ? undefined : normal.slice(0, to);
}

function withoutDollars(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && text[from] === '$') from++;
  while (to > from && text[to - 1] === '$') to--;
  return text.slice(from, to).trim();
}

export const exact: AnswerKind = {
  read: (completion) => agreed(givenIn(completion), normalText),
  reference: (text) => agreed(referencesIn(text), normalText),
};
