/** How large the sets are that models are measured on. Loaded with every plan, so it draws no problems. */
import {described, isWithin} from '../../pipeline/params.js';
import type {Json} from '../../pipeline/params.js';
import {COUNT} from '../common-params.js';
import {BUILT_IN_LANGUAGES} from '../text/language.js';

/** A fixed set: as many problems of each level, half of them in each language, no problem twice. */
export interface FixedSet {
  /** Numbers of turns. */
  readonly levels: readonly number[];
  readonly perLevel: number;
}

/** Of one turn there are too few problems to set some aside. */
const FEWEST_TURNS = 2;
/** Far beyond what the models here can hold. */
const MOST_TURNS = 100;

export const LEVELS: readonly number[] = [3, 4, 5];
export const VALIDATION_PER_LEVEL = 40;
export const HELD_OUT_PER_LEVEL = 140;

/** The same as params. */
export const FIXED_SETS = {
  levels: described<readonly number[]>(
    LEVELS,
    'Turns of the validation and held-out problems: the levels at which models are measured, each as often as the next.',
    {
      should: `a list of different whole numbers from ${FEWEST_TURNS} to ${MOST_TURNS}`,
      isRight: (list) =>
        Array.isArray(list) &&
        list.length > 0 &&
        new Set(list).size === list.length &&
        list.every((turns) => isWithin({from: FEWEST_TURNS, to: MOST_TURNS, whole: true}, turns as Json)),
    },
  ),
  validationPerLevel: described(
    VALIDATION_PER_LEVEL,
    'Validation problems at each level, half in each language.',
    COUNT,
  ),
  heldOutPerLevel: described(HELD_OUT_PER_LEVEL, 'Held-out problems at each level, half in each language.', COUNT),
};

/** What is wrong with the sizes: each language gets as many problems as the next. */
export const fixedSetMistakes = (sizes: {
  readonly validationPerLevel: number;
  readonly heldOutPerLevel: number;
}): string[] =>
  Object.entries(sizes)
    .filter(([, count]) => count % BUILT_IN_LANGUAGES.length !== 0)
    .map(([name, count]) => `${name} is ${count} and should be even: half of the problems are in each language`);
