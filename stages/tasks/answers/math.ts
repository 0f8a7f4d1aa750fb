/**
 * Answers that are mathematics: numbers, formulas, sets, intervals, equations. Here they are only found; Math-Verify says whether one
 * says the same as the reference (`graders/math/`). Votes are counted by the text.
 */
import type {Completion} from '../../text/completion.js';
import type {AnswerKind} from '../task.js';
import {LONGEST_ANSWER, collapsed, givenIn, referencesIn} from './answer.js';

/** The text of an answer without what changes nothing: spaces, `$…$` around the whole, a full stop, sizes of fractions. */
export function mathText(text: string): string | undefined {
  if (text.length > LONGEST_ANSWER) return undefined;
  const bare = collapsed(text)
    .replaceAll('\n', ' ')
    .replace(/[.。]$/, '')
    .trim();
  const inside = /^\$\$?([^$]*)\$\$?$|^\\\(((?:(?!\\\)).)*)\\\)$|^\\\[((?:(?!\\\]).)*)\\\]$/.exec(bare);
  const whole = inside === null ? bare : (inside[1] ?? inside[2] ?? inside[3] ?? '').trim();
  return whole === '' ? undefined : whole.replaceAll(/\\[dt]frac\b/g, '\\frac');
}

/** From the first box of a text to the end of its last one, with what stands between them; it says how they belong together. */
function boxedPart(text: string): string | undefined {
  const start = text.search(/\\(?:boxed|fbox) *\{/);
  const end = text.lastIndexOf('}');
  return start === -1 || end < start ? undefined : text.slice(start, end + 1).replaceAll('\\fbox', '\\boxed');
}

/** One answer is its text; several boxes are handed on with what stands between them, and several of anything else are none. */
function only(found: readonly string[], text: string): string | undefined {
  const said = [...new Set(found.map(mathText))];
  if (said.length === 1) return said[0];
  const part = boxedPart(text);
  return part === undefined || part.length > LONGEST_ANSWER ? undefined : collapsed(part).replaceAll('\n', ' ');
}

export const math: AnswerKind = {
  external: 'math',
  read: (completion: Completion) => only(givenIn(completion), completion.answers.at(-1) ?? completion.reply),
  reference: (text) => only(referencesIn(text), text),
};
