/**
 * The soft limit on length of DAPO (arXiv 2503.14476, Eq. 13), shifted from [−1, 0] to [0, 1]: 1 until the last fifth of
 * the room, then falling linearly to 0 at the limit, which is that of the stage or the mean length of a model that was evaluated
 * (`lengthFrom` of `grpo`). Left out where no limit is known.
 */
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import type {RewardContext} from './reward.js';
import {graded, type Verdict} from '../graders/verdict.js';

/** Share of the limit over which the reward falls; DAPO uses 4,096 of 20,480 tokens. */
const SOFT = 0.2;

/**
 * 1 up to four fifths of `maxTokens`, falling linearly to 0 at `maxTokens`; 1 and left out where nobody counted. Tokens
 * include the end token.
 */
export function length(
  _prompt: Prompt,
  _completion: Completion,
  {tokens, maxTokens}: Omit<RewardContext, 'task'>,
): Verdict {
  if (tokens === undefined || maxTokens === undefined) return {outcome: 'left-out', value: 1};
  const room = (maxTokens - tokens) / (SOFT * maxTokens);
  return graded(Math.min(1, Math.max(0, room)));
}
