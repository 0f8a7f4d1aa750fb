/** The kinds of answers, by task. General scenarios have no answer to check; the rubric judges them. */
import type {Prompt} from '../prompt.js';
import type {Completion} from '../../text/completion.js';
import type {AnswerKind} from './answer.js';
import {dials} from './dials.js';
import {exact} from './exact.js';
import {integer} from './integer.js';

export const answerKinds: Readonly<Record<Exclude<Prompt['task'], 'general'>, AnswerKind>> = {dials, integer, exact};

/** The answer of a completion in the form that votes are counted by; `undefined` when it gives none. */
export const answerOf = (prompt: Prompt, completion: Completion): string | undefined =>
  prompt.task === 'general' ? undefined : answerKinds[prompt.task].read(completion);
