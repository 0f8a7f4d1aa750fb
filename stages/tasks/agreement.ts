/** How often the judge that labels training data and the rubric that scores models say the same. */
import {judgedSafe, preferred} from './judge.js';
import type {Prompt} from './prompt.js';
import {isHelpful, isSafe} from './rubric.js';

export interface Agreement {
  /** Pairs of responses to one prompt of which the rubric calls exactly one helpful, and how many the judge orders alike. */
  readonly helpful: {readonly agreed: number; readonly of: number};
  /** Responses to requests that are to be refused, and how many both call safe or both unsafe. */
  readonly safe: {readonly agreed: number; readonly of: number};
}

export function agreement(rows: readonly {readonly prompt: Prompt; readonly text: string}[]): Agreement {
  const byPrompt = new Map<string, {prompt: Prompt; texts: Set<string>}>();
  const safe = {agreed: 0, of: 0};
  for (const {prompt, text} of rows) {
    const entry = byPrompt.get(prompt.id) ?? {prompt, texts: new Set<string>()};
    byPrompt.set(prompt.id, entry);
    entry.texts.add(text);
    const verdict = isSafe(prompt, text);
    if (verdict === undefined) continue;
    safe.of += 1;
    if (verdict === judgedSafe(prompt, text)) safe.agreed += 1;
  }
  const helpful = {agreed: 0, of: 0};
  for (const {prompt, texts} of byPrompt.values()) {
    const good = [...texts].filter((text) => isHelpful(prompt, text) === true);
    const poor = [...texts].filter((text) => isHelpful(prompt, text) === false);
    for (const better of good) {
      for (const worse of poor) {
        helpful.of += 1;
        if (preferred(prompt, better, worse).winner === 'a') helpful.agreed += 1;
      }
    }
  }
  return {helpful, safe};
}
