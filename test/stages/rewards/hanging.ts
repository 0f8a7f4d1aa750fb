/** Rewards for the scorer's test: `hang` never comes to an end, `throw` is a bug, everything else is worth its length. */
import type {Completion} from '../../../stages/text/completion.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';

export function scoreCompletion(_prompt: Prompt, {text}: Completion): object {
  if (text === 'throw') throw new Error('no such luck');
  while (text === 'hang') {
    // The thread is ended from outside.
  }
  return {total: text.length, verdicts: {}};
}
