/** Whether the answer is right: 1 or 0 (DeepSeek-R1 §2.2.2). A completion that gives no answer is counted apart from a wrong one. */
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import type {RewardContext} from './reward.js';
import {credited, verdict, type Verdict} from './verdict.js';

/**
 * 1 for the right answer, 0 for another, or what the task's `grade` gives; `unparsable` where none can be read,
 * `left-out` where the task has no answers.
 *
 * @throws {Error} for a prompt whose reference is no answer of its task, which importing or defining it has ruled out
 */
export function accuracy(prompt: Prompt, completion: Completion, {task}: Pick<RewardContext, 'task'>): Verdict {
  if (task.answer === undefined) return verdict('left-out');
  const wanted = prompt.answer === undefined ? undefined : task.answer.reference(prompt.answer);
  if (wanted === undefined) throw new Error(`Internal error: prompt ${prompt.id} has no answer to check against`);
  const given = task.answer.read(completion);
  if (given === undefined) return verdict('unparsable');
  return credited(task.answer.grade === undefined ? Number(given === wanted) : task.answer.grade(given, wanted));
}
