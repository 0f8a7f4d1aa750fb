/**
 * Prompt sets: the rows of `prompts` artifacts. Training sets differ from seed to seed; the validation and held-out sets
 * are the same for all, so that the scores of two seeds are about the same problems.
 */
import {random} from '../random.js';
import {HELD_OUT_PER_LEVEL, LEVELS, VALIDATION_PER_LEVEL, type FixedSet} from './fixed-sets.js';
import {dialsProblem, dialsPrompt, drawDials, type DialsProblem} from './dials.js';
import {ALL_GENERAL, SCENARIO_SHARES, type GeneralChoice} from './general-choice.js';
import {phrasings} from './general.js';
import {BUILT_IN_LANGUAGES, type BuiltInLanguage} from '../text/language.js';
import type {Prompt} from './prompt.js';
import {FAMILIES, type ScenarioKind} from './scenario.js';
import {spelled} from './spelling.js';
import type {Spelling} from './spelling-names.js';
import {splitOf, type Split} from './splits.js';
import {weighted} from './weighted.js';

/** `count` problems of distinct keys from one side of the split. */
export function dialsPrompts(options: {
  readonly seed: number;
  readonly split: Split;
  readonly count: number;
  /** Fewest and most turns. */
  readonly steps?: readonly [fewest: number, most: number];
  /** The share asked in Chinese. */
  readonly chinese?: number;
  /** Sets with different purposes are independent draws. */
  readonly purpose?: string;
}): Prompt[] {
  const {seed, split, count, steps: [fewest, most] = [2, 5], chinese = 0.5, purpose = 'prompts'} = options;
  const steps = Array.from({length: most - fewest + 1}, (_, more) => fewest + more);
  return distinct(count, (index) => drawDials({seed, purpose, index, split, steps, chinese})).map(dialsPrompt);
}

/** The problems of every final score, the same for all seeds. */
export const heldOutDials = ({levels = LEVELS, perLevel = HELD_OUT_PER_LEVEL}: Partial<FixedSet> = {}): Prompt[] =>
  fixedDials('held-out', {levels, perLevel, from: SCORED_BEFORE});

/** The problems of decisions during a run, the same for all seeds. */
export const validationDials = ({levels = LEVELS, perLevel = VALIDATION_PER_LEVEL}: Partial<FixedSet> = {}): Prompt[] =>
  fixedDials('validation', {levels, perLevel, from: 0});

/**
 * The first problems of each level were held-out sets while the numbers of `tiny` were chosen. What has been looked at
 * cannot measure what was chosen by it, so they are asked no more.
 */
const SCORED_BEFORE = 400;

function fixedDials(
  split: Exclude<Split, 'train'>,
  {levels, perLevel, from}: FixedSet & {readonly from: number},
): Prompt[] {
  return levels.flatMap((turns) =>
    distinct(from + perLevel, (index) =>
      drawDials({seed: 0, purpose: `fixed:${split}:${turns}`, index, split, steps: [turns], chinese: 0}),
    )
      .slice(from)
      .map(({start, moves}, place) =>
        dialsPrompt(dialsProblem(start, moves, BUILT_IN_LANGUAGES[place % BUILT_IN_LANGUAGES.length]!)),
      ),
  );
}

function distinct(count: number, draw: (index: number) => DialsProblem): DialsProblem[] {
  const problems = new Map<string, DialsProblem>();
  for (let index = 0; problems.size < count; index++) {
    // One problem in a thousand draws is far below what chance allows unless the kind has run out of problems.
    if (index > 1000 * (count + 1)) throw new RangeError(`there are no ${count} different problems of this kind`);
    const problem = draw(index);
    if (!problems.has(problem.key)) problems.set(problem.key, problem);
  }
  return [...problems.values()];
}

/** `count` draws of a scenario, a language and a phrasing. Questions may repeat, since families are few; ids do not. */
export function generalPrompts(options: {
  readonly seed: number;
  readonly split: 'train' | 'held-out';
  readonly count?: number;
  readonly shares?: Readonly<Partial<Record<ScenarioKind, number>>>;
  readonly chinese?: number;
  readonly purpose?: string;
  readonly choice?: GeneralChoice;
}): Prompt[] {
  const {seed, split, count = 1500, purpose = 'prompts', choice = ALL_GENERAL} = options;
  const shares = options.shares ?? sharesOf(choice);
  const chinese = options.chinese ?? chineseIn(choice);
  const times = new Map<string, number>();
  return Array.from({length: count}, (_, index) => {
    const draws = random(seed, `general:${purpose}`, index);
    const kind = weighted(draws, shares as Readonly<Record<ScenarioKind, number>>);
    const family = draws.pick(familiesOf(kind, split));
    const language = draws.uniform() < chinese ? 'zh' : 'en';
    const variant = draws.int(family.scenarios.length);
    const scenario = family.scenarios[variant]!;
    const phrasing = draws.int(phrasings(scenario, language).length);
    const prompt = generalPrompt(family.key, {scenario, variant, language, phrasing, spelling: choice.spelling});
    const time = (times.get(prompt.id) ?? 0) + 1;
    times.set(prompt.id, time);
    return time === 1 ? prompt : {...prompt, id: `${prompt.id}:${time}`};
  });
}

const chineseIn = ({languages}: GeneralChoice): number =>
  languages.filter((language) => language === 'zh').length / languages.length;

const sharesOf = ({kinds}: GeneralChoice): Partial<Record<ScenarioKind, number>> =>
  Object.fromEntries(kinds.map((kind) => [kind, SCENARIO_SHARES[kind]]));

/**
 * The fixed held-out set: up to `perKind` families of each kind, in both languages, each in one phrasing. Which
 * phrasing and which direction is a matter of the family's place in the list, so that all of them occur.
 */
export function heldOutGeneral({
  perKind = 20,
  choice: {kinds, languages, spelling} = ALL_GENERAL,
}: {readonly perKind?: number; readonly choice?: GeneralChoice} = {}): Prompt[] {
  return kinds.flatMap((kind) => {
    const chosen = random(0, `held-out-general:${kind}`).shuffle(familiesOf(kind, 'held-out')).slice(0, perKind);
    return chosen.flatMap((family, place) =>
      languages.map((language) => {
        const variant = place % family.scenarios.length;
        const scenario = family.scenarios[variant]!;
        const phrasing = place % phrasings(scenario, language).length;
        return generalPrompt(family.key, {scenario, variant, language, phrasing, spelling});
      }),
    );
  });
}

/** The families of each kind on each side. */
const bySide = new Map<string, typeof FAMILIES>();

function familiesOf(kind: ScenarioKind, split: Split): typeof FAMILIES {
  const name = `${kind} ${split}`;
  const families = bySide.get(name) ?? FAMILIES.filter(({kind: its, key}) => its === kind && splitOf(key) === split);
  bySide.set(name, families);
  return families;
}

function generalPrompt(
  key: string,
  of: {
    scenario: NonNullable<Prompt['scenario']>;
    variant: number;
    language: BuiltInLanguage;
    phrasing: number;
    spelling: Spelling;
  },
): Prompt {
  const {scenario, variant, language, phrasing, spelling} = of;
  const question = spelled(phrasings(scenario, language)[phrasing]!, language, spelling);
  return {
    id: `${key}:${variant}:${phrasing}:${language}`,
    from: [],
    task: 'general',
    key,
    language,
    question,
    scenario,
  };
}
