/**
 * How questions are put and answers found: params of every stage that samples and grades. Light, for recipes that are only planned;
 * `answers/extracted.ts` finds the answers.
 */
import {described} from '../../pipeline/params.js';
import {WORDING, wordingMistakes, type Wording} from '../text/wording.js';
import type {TemplateName} from '../text/template-names.js';

/** Where the answer of a response is looked for: see answers/README.md. */
export const EXTRACTIONS = ['task', 'tag', 'box', 'last-number', 'math-verify'] as const;
export type Extraction = (typeof EXTRACTIONS)[number];

/** How a question is put, and how its answer is found. */
export interface Asking extends Wording {
  readonly extraction: Extraction;
}

/** These as params: by default nothing is added, and each task finds its answers as it does. */
export const ASKING = {
  ...WORDING,
  extraction: described(
    'task',
    'Where the answer stands: task (in `<answer>` tags, else in a box), tag, box, last-number (what is marked, else the last number that is not denied), math-verify (its own extraction from the whole reply, task math).',
    EXTRACTIONS,
  ),
};

/** Whether responses are read otherwise than by the tags and boxes of their task, so that both readings are of interest. */
export const isLenient = (extraction: Extraction): boolean => extraction !== 'task' && extraction !== 'tag';

/** What is wrong with these params, each a sentence; empty when nothing is. */
export function askingMistakes(params: Asking & {readonly template: TemplateName}): string[] {
  const {stop, extraction} = params;
  const closing = stop.find((text: unknown) => typeof text === 'string' && text.includes('</answer>'));
  return [
    ...wordingMistakes(params),
    // A stop text is left out, and answers are read between both tags.
    ...(closing === undefined || isLenient(extraction)
      ? []
      : [
          `stop ${JSON.stringify(closing)} cuts off the tag that closes an answer, so that none is read (extraction “${extraction}”); leave it out: an end token ends the response, and so would a text that follows the tag`,
        ]),
  ];
}
