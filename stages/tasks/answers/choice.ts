/**
 * Answers that are one of several choices, by letter: `B`, `(b)`, `B. Paris`, `Option B`, `The answer is (B)`. The letter is
 * compared, what the choice says is not.
 */
import type {AnswerKind} from '../task.js';
import {agreed, givenIn, referencesIn} from './answer.js';
import {plain} from './plain.js';

/** A letter that is all, with brackets or a point. */
const ALONE = /^[*_"'$ ]*[([]?([A-Za-z])[)\]]?[.:,;]?[*_"'$. ]*$/;
/** A letter in front of what it stands for; a bare capital could be a word. */
const LABEL = /^[*_ ]*(?:[([]([A-Za-z])[)\]]|([A-Za-z])[).:])[*_ ]*\s\S/;
/** A letter that is called a choice, or stands in brackets, within a sentence. */
const NAMED = /\b(?:option|choice|answer)(?: is)?:? [([]?([A-Z])\b|\(([A-Z])\)|选(?:项|擇|择)? ?([A-Z])/gi;

export function letterOf(text: string): string | undefined {
  const line = plain(text);
  const only = ALONE.exec(line)?.[1];
  if (only !== undefined) return only.toUpperCase();
  const found = [LABEL.exec(line) ?? [], ...line.matchAll(NAMED)];
  const named = new Set(found.flatMap(([, ...letters]) => letters.find(Boolean)?.toUpperCase() ?? []));
  return named.size === 1 ? [...named][0] : undefined;
}

const alone = (text: string): string | undefined => ALONE.exec(plain(text))?.[1]?.toUpperCase();

export const choice: AnswerKind = {
  read: (completion) => agreed(givenIn(completion), letterOf),
  reference: (text) => agreed(referencesIn(text), alone),
};
