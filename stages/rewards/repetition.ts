/** Distinct lines / lines of the thinking, where a line ends with a full stop, an exclamation mark or a line break. */
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import {graded, type Verdict} from '../graders/verdict.js';

/**
 * Distinct lines / lines of the thinking, in (0, 1]; 1 where there are none. A full stop before a digit ends no line.
 * Not from the paper.
 */
export function repetition(_prompt: Prompt, {thinking = ''}: Completion): Verdict {
  const lines = thinking
    .split(/[.。!！\n](?!\d)/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return graded(lines.length === 0 ? 1 : new Set(lines).size / lines.length);
}
