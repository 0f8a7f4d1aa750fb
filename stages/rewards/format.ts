/**
 * Whether the completion keeps to `<think> … </think> <answer> … </answer>` and nothing else: 1 or 0 (DeepSeek-R1
 * §2.2.2; the scale is not published). Where reasoning is asked for, the thinking must not be empty.
 */
import type {Prompt} from '../tasks/prompt.js';
import type {Task} from '../tasks/task.js';
import type {Completion} from '../text/completion.js';
import type {RewardContext} from './reward.js';
import {verdict, type Verdict} from '../graders/verdict.js';

/**
 * Whether a completion is tagged as the template asks, and its thinking is not empty where the task asks for reasoning.
 */
export const isWellFormed = ({tagged, thinking}: Completion, task: Pick<Task, 'reasoning'>): boolean =>
  tagged && (thinking !== '' || !task.reasoning);

/** 1 where `isWellFormed`, else 0 (DeepSeek-R1, arXiv 2501.12948, §2.2.2). */
export const format = (_prompt: Prompt, completion: Completion, {task}: Pick<RewardContext, 'task'>): Verdict =>
  verdict(isWellFormed(completion, task) ? 'right' : 'wrong');
