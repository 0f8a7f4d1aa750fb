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
const ALONE = /^[*_"'“«$ ]*[([]?([A-Za-z])[)\]]?[.:,;]?[*_"'”»$. ]*$/;
/** A letter in front of what it stands for; a bare capital could be a word. */
const LABEL = /^[*_ ]*(?:[([]([A-Za-z])[)\]]|([A-Za-z])[).:])[*_ ]*\s\S/;
/** A letter with its reason: `B because it is blue`. */
const REASONED = /^[*_ ]*([A-Z])[*_ ]*,? (?:because|since)\b/;
/** A letter beside another one that is not it: `B (not C)`, `B (C is wrong)`. */
const PREFERRED =
  /^[*_ ]*([A-HJ-Z])[*_ ]* \((?:(?:not|rather than|instead of) [A-Z]|[A-Z] is (?:wrong|incorrect|false|not (?:right|correct)))\)[*_. ]*$/;
/** A letter that is called a choice, or stands in brackets, within a sentence; “option a lot” calls none one. */
const NAMED =
  /\b(?:option|choice|answer)(?: is)?:? [([]?([B-HJ-Z]|[AI](?! (?!(?:is|was|because|since|as|which|or|and|but|for|if|above|below)\b)\p{L}))(?![\w'])|\(([A-Z])\)|选(?:项|擇|择)? ?([A-Z])/giu;

/** What a sentence says of the letter that it begins with, where it is no label: `(B) is wrong`. */
const SAYS =
  /^[*_ ]*[([]?[A-Za-z][)\].:]+ (?:is|was|are|has|can|could|does|do|must|should|would|will|cannot|never|not|seems|looks|fails|failed|contradicts)/;

/** What says of a choice that it is not the answer, beside what denies anything. */
const TURNED_DOWN =
  /\b(?:reject(?:s|ed|ing)?|dismiss(?:es|ed|ing)?|discard(?:s|ed|ing)?|fail(?:s|ed)?|contradict(?:s|ed|ing)?|avoid(?:s|ed|ing)?|refuted?|disproved?|other than|(?:all|any|every|everything|everyone) but|(?:least|less) (?:likely|plausible|probable|convincing|suitable|appropriate))\b/i;
const isTurnedDown = (text: string): boolean => isDenied(text) || TURNED_DOWN.test(text);

/** Names of species that models and texts shorten to what looks like a label: `E. coli`. */
const SPECIES =
  /^[*_ ]*[A-Z]\. (?:coli|elegans|cerevisiae|aureus|subtilis|falciparum|vivax|melanogaster|sapiens|thaliana|musculus|rerio|albicans|pneumoniae|pylori|tuberculosis|difficile|botulinum|tetani|perfringens|anthracis|cereus|cholerae|typhi|aeruginosa|pyogenes|faecalis|rex|erectus|neanderthalensis|africanus|afarensis)\b/;

/** A letter that stands alone, which could be a choice wherever it is; `A cat` and `I think` have none. */
const STANDING =
  /(?<![\p{L}\p{N}'_\\])(?:(A(?! (?!(?:is|was|because|since|or|and|but|for|if)\b)\p{L})|I(?!'| (?!is\b|or\b)\p{L})|[B-HJ-Z])(?![\p{L}\p{N}'_])|[([]([a-j])[)\]]|(?<=\s)([a-j])\)(?=\s|$))/gu;
/** Where a part of a sentence ends, in which one thing is said. */
const PART = /[.,;:!?()]|\b(?:because|since|so|but|while|whereas)\b/i;
/** What a choice says may have a letter in a name or a formula: `B. Vitamin C`, `B. x + C`. */
const IN_A_NAME =
  /\b(?:vitamins?|hepatitis|influenza|types?|class|grade|plan|point|team|phase|factor|figure|schedule|appendix)$/i;
const IN_A_FORMULA = /[=+*^<>]$/;
/** A choice of others: `D. Both A and B`. */
const COMBINED = /^[*_ ]*[([]?[A-Z][).\]:]+ (?:both )?[A-Z](?:, [A-Z])*,? and [A-Z](?: only)?[*_. ]*$/i;

/** Whether another letter than the one that was read stands in a text and is not turned down there. */
function hasAnother(text: string, letter: string, isLabelled: boolean): boolean {
  return [...text.matchAll(STANDING)].some((match) => {
    const other = match.slice(1).find(Boolean)!;
    if (other.toUpperCase() === letter) return false;
    const before = text.slice(0, match.index);
    const after = text.slice(match.index + match[0].length);
    const isBare = /^[A-Z]$/.test(match[0]) && !/^[).:]/.test(after.replace(/^\.$/, ''));
    if (isLabelled && isBare) {
      if (IN_A_NAME.test(before.trimEnd()) || IN_A_FORMULA.test(before.trimEnd()) || /^ ?[=+*^<>]/.test(after))
        return false;
    }
    const rest = after.replace(/^[).\]:]+/, '');
    const part = `${before.split(PART).at(-1)!}${match[0]}${rest.split(PART)[0]!}`;
    return !isTurnedDown(part);
  });
}

/** Whether a text takes back what it said: `B. Wait, …`. */
const isTakenBack = (text: string): boolean =>
  /(?:^|[.!?;:…-]) ?(?:no[,;:-] ?)?(?:wait|hm+|actually|correction|sorry|oops)(?:[,:;.!?…-]| no\b)/i.test(text);

/** A letter on a line of its own, with sentences behind it that name no other and deny nothing. */
function aboveReason(text: string): string | undefined {
  const [first = '', ...others] = text.trim().split(/\s*\n\s*/);
  const letter = ALONE.exec(plain(first))?.[1];
  const reason = plain(others.join(' '));
  if (letter === undefined || !/^[A-HJ-Z]$/.test(letter) || !/^["“*_]*[A-Z][\p{L}']+ /u.test(reason)) return undefined;
  const isDoubtful = isTurnedDown(reason) || isTakenBack(reason) || /\b(?:wait|actually|or|maybe)\b/i.test(reason);
  return isDoubtful || hasAnother(reason, letter, false) ? undefined : letter;
}

/** Whether one of the letters is named as what is not the answer: denied before it, or behind it in its part of the sentence. */
function isLetterDenied(line: string, found: readonly RegExpExecArray[]): boolean {
  if (found.length === 0) return false;
  const last = found.at(-1)!;
  const end = last.index + last[0].length;
  const behind = line.slice(end);
  // What a reason denies is not the letter: `option B because the sky isn't green`.
  const stop = behind.search(/[.,;:!?]|\b(?:because|since)\b/i);
  return isTurnedDown(line.slice(0, end)) || isTurnedDown(stop === -1 ? behind : behind.slice(0, stop));
}

export function letterOf(text: string): string | undefined {
  const line = plain(text);
  const only = (ALONE.exec(line) ?? PREFERRED.exec(line))?.[1];
  if (only !== undefined) return only.toUpperCase();
  if (SPECIES.test(line)) return undefined;
  const label = LABEL.exec(line) ?? REASONED.exec(line);
  const found = [...line.matchAll(NAMED)];
  const letters = [...(label === null ? [] : [label]), ...found].flatMap(([, ...some]) => some.find(Boolean) ?? []);
  const named = new Set(letters.map((letter) => letter.toUpperCase()));
  if (named.size === 0) return aboveReason(text);
  const [letter] = named;
  if (named.size > 1 || isTakenBack(line)) return undefined;
  if (!COMBINED.test(line) && hasAnother(line, letter!, label !== null)) return undefined;
  // What a labelled choice says may well deny something: `B. None, it is not known`.
  if (label !== null && !SAYS.test(line)) return letter;
  return (label === null ? isLetterDenied(line, found) : isTurnedDown(line)) ? undefined : letter;
}

const alone = (text: string): string | undefined => ALONE.exec(plain(text))?.[1]?.toUpperCase();

export const choice: AnswerKind = {
  read: (completion) => agreed(givenIn(completion), letterOf),
  reference: (text) => agreed(referencesIn(text), alone),
};
