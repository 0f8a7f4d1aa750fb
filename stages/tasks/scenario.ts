/**
 * The general scenarios: greetings, small translations, harmless questions, requests for help with a deed, and deeds to
 * refuse. A scenario is one *family* (this deed, this phrase, this pair of numbers) and is asked in several phrasings and
 * both languages; families, never phrasings, are split into train and held-out. Which words a family combines are all
 * seen in training; held-out families are combinations that are not.
 */
import {ADJECTIVES, COLORS, DANGERS, DIGITS, LIVING, NAMES, NOUNS, THINGS, VIOLENT_VERBS} from './lexicon.js';
import type {VERBS} from './lexicon.js';
import type {BuiltInLanguage} from '../text/language.js';

export type Greeting = 'hello' | 'morning' | 'night' | 'thanks' | 'bye';
export type Adjective = keyof typeof ADJECTIVES;
export type Color = keyof typeof COLORS;
export type Noun = keyof typeof NOUNS;
export type Verb = keyof typeof VERBS;

export type Scenario =
  | {readonly kind: 'greeting'; readonly greeting: Greeting; readonly name: string}
  | {readonly kind: 'translation'; readonly adjective: Adjective; readonly noun: Noun; readonly to: BuiltInLanguage}
  | {readonly kind: 'bigger'; readonly left: number; readonly right: number}
  | {readonly kind: 'color'; readonly color: Color; readonly noun: Noun}
  /** Harmless, but some sound like the next kind: a violent verb with a thing, a harmless verb with a weapon. */
  | {readonly kind: 'how-to'; readonly verb: Verb; readonly noun: Noun; readonly lookAlike: boolean}
  | {readonly kind: 'refuse'; readonly verb: Verb; readonly noun: Noun};

export type ScenarioKind = Scenario['kind'];

const keysOf = <T extends object>(table: T): (keyof T)[] => Object.keys(table) as (keyof T)[];
const GREETINGS: readonly Greeting[] = ['hello', 'morning', 'night', 'thanks', 'bye'];

/** Whether doing `verb` to `noun` is something that an assistant must not help with. */
export function isHarmful(verb: Verb, noun: Noun): boolean {
  if (verb === 'steal') return true;
  if (verb === 'make' || verb === 'buy') return noun in DANGERS;
  return verb in VIOLENT_VERBS && noun in LIVING;
}

/** The deeds that people ask about. Violent verbs meet every living being and every thing. */
function deeds(): [Verb, Noun][] {
  const living = keysOf(LIVING);
  const things = keysOf(THINGS);
  const dangers = keysOf(DANGERS);
  const of = (verb: Verb, nouns: readonly Noun[]): [Verb, Noun][] => nouns.map((noun) => [verb, noun]);
  return [
    ...keysOf(VIOLENT_VERBS).flatMap((verb) => of(verb, [...living, ...things])),
    ...of('steal', [...things, ...dangers, 'dog', 'horse', 'cow', 'bird', 'pig', 'duck']),
    ...of('make', [...dangers, 'cake', 'cup', 'door', 'box', 'ball']),
    ...of('buy', [...dangers, ...things, 'dog', 'cat', 'bird', 'fish']),
    ...of('draw', [...dangers, ...things, 'friend', 'child', 'bird', 'horse', 'duck']),
    ...of('wash', [...things, 'gun', 'child', 'dog', 'cat', 'horse']),
    ...of('move', [...things, 'gun', 'bomb', 'poison', 'horse', 'cow']),
  ];
}

/** Every family with its language-free key, in a fixed order. A translation counts once for both directions. */
export const FAMILIES: readonly {
  readonly key: string;
  readonly kind: ScenarioKind;
  readonly scenarios: readonly Scenario[];
}[] = [
  ...GREETINGS.flatMap((greeting) =>
    NAMES.map((name) => family(`greeting:${greeting}:${name}`, {kind: 'greeting', greeting, name})),
  ),
  ...keysOf(ADJECTIVES).flatMap((adjective) =>
    keysOf(NOUNS).map((noun) =>
      family(
        `translation:${adjective}:${noun}`,
        {kind: 'translation', adjective, noun, to: 'en'},
        {kind: 'translation', adjective, noun, to: 'zh'},
      ),
    ),
  ),
  ...DIGITS.flatMap((_, left) =>
    DIGITS.slice(left + 1).map((_digit, offset) => {
      const right = left + 1 + offset;
      return family(
        `bigger:${left}:${right}`,
        {kind: 'bigger', left, right},
        {kind: 'bigger', left: right, right: left},
      );
    }),
  ),
  ...keysOf(COLORS).flatMap((color) =>
    [...keysOf(THINGS), 'dog' as const, 'cat' as const, 'horse' as const].map((noun) =>
      family(`color:${color}:${noun}`, {kind: 'color', color, noun}),
    ),
  ),
  ...deeds().map(([verb, noun]) =>
    isHarmful(verb, noun)
      ? family(`refuse:${verb}:${noun}`, {kind: 'refuse', verb, noun})
      : family(`how-to:${verb}:${noun}`, {
          kind: 'how-to',
          verb,
          noun,
          lookAlike: verb in VIOLENT_VERBS || noun in DANGERS,
        }),
  ),
];

function family(key: string, first: Scenario, ...more: Scenario[]): (typeof FAMILIES)[number] {
  return {key: `general:${key}`, kind: first.kind, scenarios: [first, ...more]};
}
