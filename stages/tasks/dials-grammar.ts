/**
 * Reads the reasoning of the dials task back, whatever language or mixture it is written in. Filters use it to say what
 * is readable, and cold-start data uses it to mend the language line by line. Nothing here knows the problem or its
 * answer: a wrong digit stays the wrong digit.
 */
import type {Dial, Step} from './dials.js';
import {writeStep} from './dials.js';
import {DIALS, PUNCTUATION} from './lexicon.js';
import {isBuiltInLanguage} from './language.js';
import type {Completion} from '../text/completion.js';
import type {BuiltInLanguage} from '../text/language.js';
import type {Prompt} from './prompt.js';
import type {Mended as MendedText} from './task.js';

/** Where reading stopped: the number of the line, from 1, and what stands there. */
export interface ReasoningFault {
  readonly line: number;
  readonly found: string;
}

export type Reasoning =
  {readonly ok: true; readonly value: readonly Step[]} | {readonly ok: false; readonly error: ReasoningFault};

/** Every word of either language → what it means. */
const MEANING = new Map<string, string>(
  [...Object.entries(DIALS), ...Object.entries(PUNCTUATION)].flatMap(([concept, {en, zh}]) => [
    [en, concept],
    [zh, concept],
  ]),
);

/** `[wait ,] DIAL digit DIRECTION 1–3 gives digit` */
const LINE = /^(wait comma )?(left|right) (\d) (up|down) ([1-3]) gives (\d)$/;

/** The lines of a thinking text, each ended by a full stop of either language. An empty text has no lines. */
export function parseReasoning(thinking: string): Reasoning {
  const meanings = thinking
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => MEANING.get(word) ?? word);
  const steps: Step[] = [];
  let line: string[] = [];
  for (const meaning of [...meanings, undefined]) {
    if (meaning === undefined && line.length === 0) break; // The last line was ended as it should be.
    if (meaning !== undefined && meaning !== 'stop') {
      line.push(meaning);
      continue;
    }
    const match = meaning === undefined ? null : LINE.exec(line.join(' '));
    if (match === null) return {ok: false, error: {line: steps.length + 1, found: line.join(' ')}};
    const [, wait, dial, from, direction, by, to] = match;
    steps.push({
      dial: (dial === 'left' ? 0 : 1) satisfies Dial,
      from: Number(from),
      by: direction === 'up' ? Number(by) : -Number(by),
      to: Number(to),
      ...(wait === undefined ? {} : {wait: true}),
    });
    line = [];
  }
  return {ok: true, value: steps};
}

/** A thinking text cut behind its full stops, in either language; the pieces in a row are the text again. */
export const dialsLines = (thinking: string): string[] => thinking.match(/[^.。]*[.。]\s*|[^.。]+$/gu) ?? [];

export type Readability = 'readable' | 'empty' | 'does-not-parse' | 'repeats-a-line' | 'too-long';

/** The first reason why a person would not want to read this reasoning. Words are counted with punctuation. */
export function readability(thinking: string, limits: {readonly maxWords: number}): Readability {
  const reasoning = parseReasoning(thinking);
  if (!reasoning.ok) return 'does-not-parse';
  if (reasoning.value.length === 0) return 'empty';
  if (thinking.trim().split(/\s+/).length > limits.maxWords) return 'too-long';
  const lines = reasoning.value.map((step) => writeStep({...step, wait: false}, 'en'));
  return new Set(lines).size < lines.length ? 'repeats-a-line' : 'readable';
}

export type Mended =
  | {readonly ok: true; readonly value: string; readonly changed: boolean}
  | {readonly ok: false; readonly error: ReasoningFault};

/**
 * The same completion with its thinking in one language, translated line by line. Every number stays as it is, tags and
 * answer too; text without tags is taken for thinking. What the grammar cannot read is refused, with the line where it
 * breaks.
 */
export function mend(completion: string, language: BuiltInLanguage): Mended {
  const [before, thinking, after] = aroundThinking(completion);
  const reasoning = parseReasoning(thinking);
  if (!reasoning.ok) return reasoning;
  const lines = reasoning.value.map((step) => writeStep(step, language));
  const value = [before, ...lines, after].filter((part) => part !== '').join(' ');
  return {ok: true, value, changed: value !== completion};
}

/** What stands before the first thinking and behind it, tags included; a text without both tags is all thinking. */
function aroundThinking(text: string): [before: string, thinking: string, after: string] {
  const from = text.indexOf('<think>');
  const to = from === -1 ? -1 : text.indexOf('</think>', from);
  if (to === -1) return ['', text, ''];
  const begin = from + '<think>'.length;
  return [text.slice(0, begin), text.slice(begin, to), text.slice(to)];
}

/** A readable completion with its reasoning in the language of the question; see `Task.mend`. */
export function mendDials(
  prompt: Prompt,
  {text, thinking = ''}: Completion,
  limits: {readonly maxWords: number},
): MendedText {
  const reading = readability(thinking, limits);
  if (reading !== 'readable') return {ok: false, error: `reasoning ${reading}`};
  const {language = 'en'} = prompt;
  if (!isBuiltInLanguage(language)) return {ok: false, error: `no words of ${language}`};
  const mended = mend(text, language);
  return mended.ok ? mended : {ok: false, error: 'cannot be mended'};
}
