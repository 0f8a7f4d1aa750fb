/** Where the answer stands in a completion. */
import type {Completion} from '../../text/completion.js';

/** What stands in the last `\boxed{…}` of a text, braces balanced. */
export function boxed(text: string): string | undefined {
  const start = text.lastIndexOf('\\boxed{');
  if (start === -1) return undefined;
  let depth = 0;
  for (let at = start + '\\boxed'.length; at < text.length; at++) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return text.slice(start + '\\boxed{'.length, at).trim();
  }
  return undefined;
}

/**
 * The text that holds the answer: between the answer tags, or else in a `\boxed{…}` behind the thinking, as models that
 * were not trained on the tags write it.
 */
export function answerText({answer, text}: Completion): string | undefined {
  if (answer !== undefined) return boxed(answer) ?? answer;
  return boxed(text.slice(text.lastIndexOf('</think>') + 1));
}
