/** Whether the answer is right: 1 or 0 (DeepSeek-R1 §2.2.2). A completion that gives no answer is told from a wrong one. */
import type {Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import {answerKinds} from '../tasks/answers/index.js';
import {verdict, type Verdict} from './verdict.js';

export function accuracy(prompt: Prompt, completion: Completion): Verdict {
  if (prompt.task === 'general') return verdict('left-out');
  const kind = answerKinds[prompt.task];
  const wanted = prompt.answer === undefined ? undefined : kind.reference(prompt.answer);
  if (wanted === undefined) throw new Error(`Internal error: prompt ${prompt.id} has no answer to check against`);
  const given = kind.read(completion);
  if (given === undefined) return verdict('unparsable');
  return verdict(given === wanted ? 'right' : 'wrong');
}
