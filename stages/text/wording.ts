/**
 * What is said around a question beside its template, what a response is made to begin with, and where it ends: params of every
 * stage that samples. Light, for recipes that are only planned.
 */
import {described} from '../../pipeline/params.js';
import type {TemplateName} from './template-names.js';

/** A question with the response that it should have had. A type, so that a list of them can be a param as it is. */
export type Shot = {readonly question: string; readonly response: string};

/** How a question is put, and where the response begins and ends. */
export interface Wording {
  /** Turns in front of the question, each answered as its own is to be: few-shot prompting. */
  readonly shots: readonly Shot[];
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
export const NO_WORDING: Wording = {shots: [], system: '', suffix: '', prefill: '', stop: []};

/** These as params: by default nothing is added, and nothing ends a response but an end token. */
export const WORDING = {
  shots: described<readonly Shot[]>(
    [],
    'Turns in front of the question (template chat), each with its response: few-shot prompting. The suffix stands in them, too.',
    {should: 'a list of {question, response}, both texts'},
  ),
  system: described(
    '',
    'Text of a system turn in front of the question (template chat); "" is what the template does without one.',
  ),
  suffix: described(
    '',
    'Text behind every question, such as " Let us think step by step."; a space in between is written with it.',
  ),
  prefill: described(
    '',
    'Text that every response begins with, such as "<think>": prompt for the model, part of the response for whoever reads it.',
  ),
  stop: described<readonly string[]>(
    [],
    'A response ends at the first of these texts, which is left out of it, as well as at an end token.',
    {should: 'a list of texts that are not empty'},
  ),
};

/** What is wrong with these params, each a sentence; empty when nothing is. */
export function wordingMistakes({
  shots,
  system,
  stop,
  template,
}: Wording & {readonly template: TemplateName}): string[] {
  const strange = stop.find((text: unknown) => typeof text !== 'string' || text === '');
  const isShot = (shot: unknown): boolean => {
    const {question, response} = Object(shot) as Partial<Record<keyof Shot, unknown>>;
    return typeof question === 'string' && typeof response === 'string';
  };
  const odd = (shots as readonly unknown[]).find((shot) => !isShot(shot));
  return [
    ...(shots.length > 0 && template !== 'chat'
      ? [`shots: the template “${template}” has no turns to put them into; leave them out, or set template to chat`]
      : []),
    ...(odd === undefined
      ? []
      : [`shots is a list of {question, response}, both texts; ${JSON.stringify(odd)} is none`]),
    ...(system !== '' && template !== 'chat'
      ? [`system: the template “${template}” has no system turn; leave the system text out, or set template to chat`]
      : []),
    ...(strange === undefined
      ? []
      : [`stop is a list of texts that are not empty, such as ["\\n\\n"]; ${JSON.stringify(strange)} is none`]),
  ];
}

/** All that is said around a question, one after the other, for whoever reckons how long prompts get. */
export const wordsAround = ({shots = [], system = '', suffix = '', prefill = ''}: Partial<Wording>): string =>
  [system, ...shots.flatMap(({question, response}) => [question, suffix, response]), suffix, prefill].join('');
