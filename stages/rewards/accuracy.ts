/** Whether the answer is right: 1 or 0 (DeepSeek-R1 §2.2.2). A completion that gives no answer is told from a wrong one. */
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import type {RewardContext} from './reward.js';
import {graded, verdict, type Verdict} from './verdict.js';

export function accuracy(prompt: Prompt, completion: Completion, {task}: Pick<RewardContext, 'task'>): Verdict {
  if (task.answer === undefined) return verdict('left-out');
  const wanted = prompt.answer === undefined ? undefined : task.answer.reference(prompt.answer);
  if (wanted === undefined) throw new Error(`Internal error: prompt ${prompt.id} has no answer to check against`);
  const given = task.answer.read(completion);
  if (given === undefined) return verdict('unparsable');
  return graded(task.answer.grade === undefined ? Number(given === wanted) : task.answer.grade(given, wanted));
}
