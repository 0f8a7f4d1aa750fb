/** The rules of external.test.ts: answers that begin with `ask` are for a grader, all others are right. */
import {verdict} from '../../../stages/graders/verdict.js';
import type {ScoredByRules} from '../../../stages/rewards/registry.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import type {Completion} from '../../../stages/text/completion.js';

export function scoreCompletion(_prompt: Prompt, {text}: Completion): ScoredByRules {
  const isAsked = text.startsWith('ask');
  const verdicts = {
    accuracy: verdict(isAsked ? 'left-out' : 'right'),
    format: verdict('right'),
    language: verdict('left-out'),
    repetition: verdict('right'),
    length: verdict('left-out'),
  };
  const total = isAsked ? 0.5 : 1.5;
  return {total, verdicts, answer: text, ...(isAsked ? {ask: {kind: 'math', given: text, reference: 'r'}} : {})};
}
