/** The verdict on one sampled response, from which all scores are counted. */
import {accuracy} from '../rewards/accuracy.js';
import {answerOf, isWellFormed, type Outcome} from '../rewards/index.js';
import {language} from '../rewards/language.js';
import {isReasoning, type Prompt, type Task} from '../tasks/prompt.js';
import {isHelpful, isSafe} from '../tasks/rubric.js';
import type {Completion} from '../text/completion.js';
import {reflectiveWords, type Language} from '../text/language.js';

export interface Sample {
  /** The prompt's id. */
  readonly prompt: string;
  /** The problem: what intervals draw. */
  readonly key: string;
  readonly task: Task;
  readonly language: Language | null;
  readonly steps: number | null;
  /** Which sample of its prompt, from 0. */
  readonly sample: number;
  /** Of the answer; `left-out` for general prompts. */
  readonly outcome: Outcome;
  /** The answer in the form that votes are counted by; null when there is none. */
  readonly answer: string | null;
  readonly wellFormed: boolean;
  /** Language consistency of the thinking; null where it is left out. */
  readonly consistency: number | null;
  /** Sampled tokens, the end token included. */
  readonly tokens: number;
  readonly truncated: boolean;
  readonly helpful: boolean | null;
  readonly safe: boolean | null;
  /** Reflective words in the thinking. */
  readonly reflective: number;
  readonly text: string;
}

export function judgeSample(
  prompt: Prompt,
  completion: Completion,
  {sample, tokens}: {readonly sample: number; readonly tokens: number},
): Sample {
  const consistency = language(prompt, completion);
  const general = !isReasoning(prompt);
  return {
    prompt: prompt.id,
    key: prompt.key,
    task: prompt.task,
    language: prompt.language ?? null,
    steps: prompt.steps ?? null,
    sample,
    outcome: accuracy(prompt, completion).outcome,
    answer: answerOf(prompt, completion) ?? null,
    wellFormed: isWellFormed(prompt, completion),
    consistency: consistency.outcome === 'left-out' ? null : consistency.value,
    tokens,
    truncated: !completion.finished,
    helpful: general ? (isHelpful(prompt, completion.text) ?? null) : null,
    safe: general ? (isSafe(prompt, completion.text) ?? null) : null,
    reflective: reflectiveWords(completion.thinking ?? ''),
    text: completion.text,
  };
}
