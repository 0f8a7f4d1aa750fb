/**
 * What is said around a question beside its template, what a response is made to begin with, and where it ends: params of every
 * stage that samples. Light, for recipes that are only planned.
 */
import {param} from '../../pipeline/stage.js';
import type {TemplateName} from './template-names.js';

/** How a question is put, and where the response begins and ends. */
export interface Wording {
  /** Text of a system turn in front of the question; '' leaves it to the template, which may have one of its own. */
  readonly system: string;
  /** Text behind every question, as it is: whoever wants a space or a new line in between writes it. */
  readonly suffix: string;
  /** Text that every response is made to begin with. It is a part of the prompt for the model, and of the response for readers. */
  readonly prefill: string;
  /** A response ends where the first of these begins, which is left out of it. */
  readonly stop: readonly string[];
}

/** Nothing is added and nothing ends a response but an end token. */
export const NO_WORDING: Wording = {system: '', suffix: '', prefill: '', stop: []};

/** The defaults of these params. */
export const WORDING = {
  /** Text of a system turn in front of the question (template chat); '' is what the template does without one. */
  system: '',
  /** Text behind every question, such as ' Let us think step by step.'; a space in between is written with it. */
  suffix: '',
  /** Text that every response begins with, such as '<think>': prompt for the model, part of the response for whoever reads it. */
  prefill: '',
  /** A response ends at the first of these texts, which is left out of it, as well as at an end token. */
  stop: param<readonly string[]>([]),
};

/** What is wrong with these params, each a sentence; empty when nothing is. */
export function wordingMistakes({system, stop, template}: Wording & {readonly template: TemplateName}): string[] {
  const strange = stop.find((text: unknown) => typeof text !== 'string' || text === '');
  return [
    ...(system !== '' && template !== 'chat'
      ? [`system: the template “${template}” has no system turn; leave the system text out, or set template to chat`]
      : []),
    ...(strange === undefined
      ? []
      : [`stop is a list of texts that are not empty, such as ["\\n\\n"]; ${JSON.stringify(strange)} is none`]),
  ];
}
