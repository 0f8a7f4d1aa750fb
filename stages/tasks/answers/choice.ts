/**
 * Answers that are one of several choices, by letter: `B`, `(b)`, `B. Paris`, `Option B`, `The answer is (B)`. The letter is
 * compared, what the choice says is not.
 */
import type {AnswerKind} from '../task.js';
import {agreed, givenIn, referencesIn} from './answer.js';
import {isDenied} from './denied.js';
import {plain} from './plain.js';

/** What a choice is called, by its place from 0; at most 26 have a letter. */
export const letterAt = (place: number): string => String.fromCharCode(65 + place);
/** The place of the choice that a letter calls. */
export const placeOf = (letter: string): number => letter.charCodeAt(0) - 65;

/** A letter that is all, with brackets or a point. */
const ALONE = /^[*_"'$ ]*[([]?([A-Za-z])[)\]]?[.:,;]?[*_"'$. ]*$/;
/** A letter in front of what it stands for; a bare capital could be a word. */
const LABEL = /^[*_ ]*(?:[([]([A-Za-z])[)\]]|([A-Za-z])[).:])[*_ ]*\s\S/;
/** A letter with its reason: `B because it is blue`. */
const REASONED = /^[*_ ]*([A-Z])[*_ ]*,? (?:because|since)\b/;
/** A letter that is called a choice, or stands in brackets, within a sentence; “option a lot” calls none one. */
const NAMED =
  /\b(?:option|choice|answer)(?: is)?:? [([]?([B-HJ-Z]|[AI](?! (?!(?:is|was|because|since|as|which|or|and|but|for|if|above|below)\b)\p{L}))(?![\w'])|\(([A-Z])\)|选(?:项|擇|择)? ?([A-Z])/giu;

/** What a sentence says of the letter that it begins with, where it is no label: `(B) is wrong`. */
const SAYS =
  /^[*_ ]*[([]?[A-Za-z][)\].:]+ (?:is|was|are|has|can|could|does|do|must|should|would|will|cannot|never|not|seems|looks)/;

/** Whether one of the letters is named as what is not the answer: denied before it, or behind it in its part of the sentence. */
function isLetterDenied(line: string, found: readonly RegExpExecArray[]): boolean {
  if (found.length === 0) return false;
  const last = found.at(-1)!;
  const end = last.index + last[0].length;
  const behind = line.slice(end);
  // What a reason denies is not the letter: `option B because the sky isn't green`.
  const stop = behind.search(/[.,;:!?]|\b(?:because|since)\b/i);
  return isDenied(line.slice(0, end)) || isDenied(stop === -1 ? behind : behind.slice(0, stop));
}

export function letterOf(text: string): string | undefined {
  const line = plain(text);
  const only = ALONE.exec(line)?.[1];
  if (only !== undefined) return only.toUpperCase();
  const label = LABEL.exec(line) ?? REASONED.exec(line);
  const found = [...line.matchAll(NAMED)];
  const letters = [...(label === null ? [] : [label]), ...found].flatMap(([, ...some]) => some.find(Boolean) ?? []);
  const named = new Set(letters.map((letter) => letter.toUpperCase()));
  if (named.size !== 1) return undefined;
  // What a labelled choice says may well deny something: `B. None, it is not known`.
  if (label !== null && !SAYS.test(line)) return [...named][0];
  return (label === null ? isLetterDenied(line, found) : isDenied(line)) ? undefined : [...named][0];
}

const alone = (text: string): string | undefined => ALONE.exec(plain(text))?.[1]?.toUpperCase();

export const choice: AnswerKind = {
  read: (completion) => agreed(givenIn(completion), letterOf),
  reference: (text) => agreed(referencesIn(text), alone),
};
