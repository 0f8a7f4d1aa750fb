/** Whether the answer is right: 1 or 0 (DeepSeek-R1 §2.2.2). A completion that gives no answer is counted apart from a wrong one. */
import type {Prompt} from '../tasks/prompt.js';
import type {External, Task} from '../tasks/task.js';
import type {Completion} from '../text/completion.js';
import {credited, verdict, type Verdict} from '../graders/verdict.js';
import type {RewardContext} from './reward.js';

/** An answer and what it is to be compared with, in the normal form of its task. */
export interface Answer {
  readonly given: string;
  readonly reference: string;
}

/** An answer that only a grader outside the thread can compare. */
export interface Ask extends Answer {
  readonly kind: External;
}

/**
 * The answer that a completion gives, in the form that votes are counted by. One that was cut off gives none, whatever it says
 * before: nobody knows how it would have ended.
 */
export const givenAnswer = ({answer}: Task, completion: Completion): string | undefined =>
  completion.finished ? answer?.read(completion) : undefined;

/**
 * The answer of a completion beside the reference, or the verdict where there is nothing to compare: `wrong` where it was
 * cut off, `unparsable` where no answer can be read, `left-out` where the task has none.
 *
 * @throws {Error} for a prompt whose reference is no answer of its task, which importing or defining it has ruled out
 */
function answerOf(prompt: Prompt, completion: Completion, task: Task): Answer | Verdict {
  const {answer} = task;
  if (answer === undefined) return verdict('left-out');
  const reference = prompt.answer === undefined ? undefined : answer.reference(prompt.answer);
  if (reference === undefined) throw new Error(`Internal error: prompt ${prompt.id} has no answer to check against`);
  if (!completion.finished) return verdict('wrong');
  const given = givenAnswer(task, completion);
  return given === undefined ? verdict('unparsable') : {given, reference};
}

/** What a grader has to be asked about a completion; `undefined` where `accuracy` says all that there is to say. */
export function askOf(prompt: Prompt, completion: Completion, task: Task): Ask | undefined {
  const kind = task.answer?.external;
  if (kind === undefined) return undefined;
  const read = answerOf(prompt, completion, task);
  return 'given' in read ? {...read, kind} : undefined;
}

/**
 * 1 for the right answer, 0 for another and for a completion that was cut off, or what the task's `grade` gives; `unparsable` where none can be read,
 * `left-out` where the task has no answers, and for as long as a grader has not been asked.
 *
 * @throws {Error} for a prompt whose reference is no answer of its task, which importing or defining it has ruled out
 */
export function accuracy(prompt: Prompt, completion: Completion, {task}: Pick<RewardContext, 'task'>): Verdict {
  const read = answerOf(prompt, completion, task);
  if (!('given' in read)) return read;
  if (task.answer?.external !== undefined) return verdict('left-out');
  return credited(task.answer?.grade?.(read.given, read.reference, prompt) ?? Number(read.given === read.reference));
}
