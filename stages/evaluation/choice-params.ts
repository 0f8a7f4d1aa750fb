/** How choices are scored beside the answers that a model writes; light, for recipes that are only planned. */
import {described} from '../../pipeline/params.js';

/**
 * `text`: each choice behind the bare question, as HellaSwag and ARC are scored. `letter`: its letter behind the question that shows
 * all of them, as MMLU is.
 */
export const CHOICE_SCORES = ['none', 'text', 'letter'] as const;
export type ChoiceScores = (typeof CHOICE_SCORES)[number];

/** The same as a param. */
export const CHOICE_SCORING = {
  choiceScores: described(
    'none',
    'Whether choices are scored by log-probability, too (acc, acc_norm, acc_bytes): text, each choice behind the bare question, as HellaSwag and ARC; letter, its letter behind the question that shows all of them, as MMLU.',
    CHOICE_SCORES,
  ),
};
