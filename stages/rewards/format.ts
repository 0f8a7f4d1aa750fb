/**
 * Whether the completion keeps to `<think> … </think> <answer> … </answer>` and nothing else: 1 or 0 (DeepSeek-R1
 * §2.2.2; the scale is not published). Where reasoning is asked for, the thinking must not be empty. Of a response that was made to
 * begin with a text (`prefill`), what the model wrote has to complete the format, and a pair of tags that stands in that text as a
 * whole earns nothing: it is the half of the format that the model had no part in.
 */
import type {Prompt} from '../tasks/prompt.js';
import type {Task} from '../tasks/task.js';
import {ownPairs, type Completion} from '../text/completion.js';
import type {RewardContext} from './reward.js';
import {graded, type Verdict} from '../graders/verdict.js';

/** Pairs of tags in the format. */
const PAIRS = 2;

/**
 * Whether a completion is tagged as the template asks, and its thinking is not empty where the task asks for reasoning.
 */
export const isWellFormed = ({tagged, thinking}: Completion, task: Pick<Task, 'reasoning'>): boolean =>
  tagged && (thinking !== '' || !task.reasoning);

/** The share of the format that a model wrote, in [0, 1]: 0 where the whole is not well-formed, a half for each pair of tags it closed. */
export const ownFormat = (completion: Completion, task: Pick<Task, 'reasoning'>): number =>
  isWellFormed(completion, task) ? ownPairs(completion) / PAIRS : 0;

/** 1 where `isWellFormed` and written by the model, else 0 (DeepSeek-R1, arXiv 2501.12948, §2.2.2), or 1/2: see `ownFormat`. */
export const format = (_prompt: Prompt, completion: Completion, {task}: Pick<RewardContext, 'task'>): Verdict =>
  graded(ownFormat(completion, task));
