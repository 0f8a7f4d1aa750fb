/** Which of the general scenarios are asked. Loaded with every plan, so it imports no lists of words. */
import {described} from '../../pipeline/params.js';
import {BUILT_IN_LANGUAGES, type BuiltInLanguage} from '../text/language.js';
import type {ScenarioKind} from './scenario.js';
import {SPELLINGS, type Spelling} from './spelling-names.js';

/** How often each kind of scenario is asked. Deeds weigh most: they are what the two reward models disagree about. */
export const SCENARIO_SHARES: Readonly<Record<ScenarioKind, number>> = {
  greeting: 0.12,
  translation: 0.16,
  bigger: 0.1,
  color: 0.1,
  'how-to': 0.26,
  refuse: 0.26,
};

/** Which general prompts there are, and how they are spelled. A type, so that it can be a param as it is. */
export type GeneralChoice = {
  readonly kinds: readonly ScenarioKind[];
  readonly languages: readonly BuiltInLanguage[];
  readonly spelling: Spelling;
};

/** All of them, in both languages, spelled for a tokenizer of words. */
export const ALL_GENERAL: GeneralChoice = {
  kinds: Object.keys(SCENARIO_SHARES) as ScenarioKind[],
  languages: BUILT_IN_LANGUAGES,
  spelling: 'spaced',
};

/** The same as a param. */
export const GENERAL = described<GeneralChoice>(
  ALL_GENERAL,
  `Which general prompts there are (kinds: ${ALL_GENERAL.kinds.join(', ')}; languages: ${BUILT_IN_LANGUAGES.join(', ')}), and how they are spelled (${SPELLINGS.join(', ')}).`,
  {should: 'a record of kinds, languages and spelling'},
);

/** What is wrong with a choice that no compiler has seen. */
export function choiceMistakes({kinds, languages, spelling}: GeneralChoice): string[] {
  const among = (what: string, given: readonly unknown[], known: readonly unknown[]): string[] =>
    Array.isArray(given) && given.length > 0 && (given as unknown[]).every((name) => known.includes(name))
      ? []
      : [`${what} of general prompts are ${JSON.stringify(given)}, and should be some of ${known.join(', ')}`];
  return [
    ...among('kinds', kinds, ALL_GENERAL.kinds),
    ...among('languages', languages, BUILT_IN_LANGUAGES),
    ...among('spellings', [spelling], SPELLINGS),
  ];
}
