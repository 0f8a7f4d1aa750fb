/**
 * Language consistency of the thinking: words of the question's language / all words (DeepSeek-R1, Nature 645:633,
 * Eq. 7). Thinking without a word is worth 0 where reasoning is asked for, unless the param `noWords` says otherwise
 * (arithmetic can be all digits); for a trivial prompt, which may be answered without thinking, the reward is left out and costs
 * nothing.
 */
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import {consistencyFor} from '../tasks/language.js';
import type {RewardContext} from './reward.js';
import {graded, verdict, type Verdict} from '../graders/verdict.js';

/**
 * Share of the words of the thinking that are of the question's language, in [0, 1] (DeepSeek-R1, arXiv 2501.12948,
 * §2.3.2).
 */
export function language(
  prompt: Prompt,
  {thinking = ''}: Completion,
  {task, noWords = 0}: Pick<RewardContext, 'task' | 'noWords'>,
): Verdict {
  if (prompt.language === undefined) return verdict('left-out');
  const share = consistencyFor(task, thinking, prompt.language);
  if (share !== undefined) return graded(share);
  return task.reasoning ? {...graded(noWords), wordless: true} : {outcome: 'left-out', value: 1};
}
