/**
 * Whether the completion keeps to `<think> … </think> <answer> … </answer>` and nothing else: 1 or 0 (DeepSeek-R1
 * §2.2.2; the scale is not published). Where reasoning is asked for, the thinking must not be empty.
 */
import {isReasoning, type Prompt} from '../tasks/prompt.js';
import type {Completion} from '../text/completion.js';
import {verdict, type Verdict} from './verdict.js';

export const isWellFormed = (prompt: Prompt, {tagged, thinking}: Completion): boolean =>
  tagged && (thinking !== '' || !isReasoning(prompt));

export const format = (prompt: Prompt, completion: Completion): Verdict =>
  verdict(isWellFormed(prompt, completion) ? 'right' : 'wrong');
