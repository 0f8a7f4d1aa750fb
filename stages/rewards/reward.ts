/**
 * What a reward is: a pure function that judges a completion. The built-in rewards and those of one's own are the same thing,
 * and how much each counts is said by weights, by name.
 */
import type {Prompt} from '../tasks/prompt.js';
import type {Task} from '../tasks/task.js';
import type {Completion} from '../text/completion.js';
import type {Verdict} from './verdict.js';

/** What a reward may look at beside the prompt and the completion. */
export interface RewardContext {
  /** The prompt's. */
  readonly task: Task;
  /** Sampled tokens, the end token included, and the most that there could be; absent where nobody counted. */
  readonly tokens?: number;
  readonly maxTokens?: number;
}

export interface Reward {
  readonly name: string;
  judge(prompt: Prompt, completion: Completion, context: RewardContext): Verdict;
}
