/**
 * Word problems of one to three steps over whole numbers, in English, for models that can read: the task of the recipe
 * `smollm2`. A problem is a form (a story, the order of its operations, where the question stands), wordings, maybe a count that
 * has nothing to do with it, and numbers. Held-out problems have both a form and numbers that are not
 * trained on; so a model that has only learned forms by heart is found out, and so is one that has learned answers.
 */
import type {Completion} from '../../text/completion.js';
import type {Random} from '../../random.js';
import {defineTask, type Problem} from '../define-task.js';
import type {Prompt} from '../prompt.js';
import {splitOf} from '../splits.js';
import type {Mended} from '../task.js';
import {weighted} from '../weighted.js';
import {PEOPLE, STORIES, type Aside, type Person, type Story, type When} from './stories.js';

/** What happens: the beginning, plain or in packs, and then. */
const PLANS = [
  'start more',
  'start fewer',
  'packs',
  'start share',
  'start more more',
  'start more fewer',
  'start fewer more',
  'start fewer fewer',
  'packs more',
  'packs fewer',
  'start more share',
  'start fewer share',
  'packs share',
  'start more more fewer',
  'start more fewer fewer',
  'start fewer more more',
  'packs more fewer',
  'packs fewer more',
  'packs more share',
  'packs fewer share',
  'start more fewer share',
] as const;

type Deed = 'start' | 'packs' | 'more' | 'fewer' | 'share';

/** Steps of a plan: its beginning is one where something is multiplied. */
const stepsOf = (plan: string): number => plan.split(' ').filter((deed) => deed !== 'start').length;

/** How often a number of steps is asked: most problems have one, as a model that is new to them learns from these first. */
const LEVELS = {1: 8, 2: 3, 3: 1} as const;

/** Where the question stands. */
const ORDERS = ['last', 'first'] as const;

interface Form {
  readonly story: Story;
  readonly deeds: readonly Deed[];
  /** Which wording each deed has, and when the question is about. */
  readonly wordings: readonly number[];
  readonly when: When;
  readonly order: (typeof ORDERS)[number];
  /** Which aside there is, and behind which sentence; absent where there is none. */
  readonly aside?: {readonly wording: number; readonly behind: number};
}

/** One in so many problems has a count that has nothing to do with it. */
const ASIDES = 3;

function drawForm(random: Random): Form {
  const level = Number(weighted(random, LEVELS));
  const story = random.pick(STORIES);
  const deeds = random.pick(PLANS.filter((plan) => stepsOf(plan) === level)).split(' ') as Deed[];
  const wordings: number[] = [];
  for (const deed of deeds) {
    // What happens twice is told in other words: "He loses 3 tickets. He loses 5 tickets." reads like a mistake.
    const told = wordings.filter((_, place) => deeds[place] === deed);
    wordings.push(random.pick([...story[deed].keys()].filter((wording) => !told.includes(wording))));
  }
  const aside =
    random.int(ASIDES) > 0 ? undefined : {wording: random.int(story.aside.length), behind: random.int(deeds.length)};
  const order = random.pick(ORDERS);
  return {
    story,
    deeds,
    wordings,
    when: deeds.length === 1 ? 'altogether' : order === 'first' ? 'in the end' : random.pick(['now', 'in the end']),
    order,
    ...(aside === undefined ? {} : {aside}),
  };
}

/** What a form is told by: the wording of its sentences and an aside make no other one. */
const keyOf = ({story, deeds, order}: Form): string => [story.id, deeds.join('-'), order].join('/');

interface Worked {
  /** For each deed what its sentence says: one count, or two for packs. */
  readonly counts: readonly (readonly [number, number?])[];
  readonly answer: number;
  /** `3 + 4 = 7` */
  readonly lines: readonly string[];
}

const between = (random: Random, low: number, high: number): number => low + random.int(high - low + 1);

/** The largest numbers of a problem, by its steps: what it begins with, and what is added. */
const LARGEST: Readonly<Record<number, {readonly start: number; readonly more: number}>> = {
  1: {start: 12, more: 9},
  2: {start: 20, more: 12},
  3: {start: 40, more: 30},
};

/** Numbers that fit: whole, positive, and no division with a remainder; `undefined` where the draws do not come out. */
function drawNumbers(deeds: readonly Deed[], random: Random): Worked | undefined {
  const counts: [number, number?][] = [];
  const lines: string[] = [];
  const largest = LARGEST[stepsOf(deeds.join(' '))]!;
  let now = 0;
  const step = (sign: string, by: number, then: number): void => {
    lines.push(`${now} ${sign} ${by} = ${then}`);
    now = then;
  };
  for (const deed of deeds) {
    if (deed === 'start') {
      now = between(random, 4, largest.start);
      counts.push([now]);
    } else if (deed === 'packs') {
      const [packs, each] = [between(random, 2, 9), between(random, 2, 9)];
      counts.push([packs, each]);
      now = packs;
      step('*', each, packs * each);
    } else if (deed === 'share') {
      const among = [2, 3, 4, 5, 6].filter((count) => now % count === 0 && now > count);
      if (among.length === 0) return undefined;
      const by = random.pick(among);
      counts.push([by]);
      step('/', by, now / by);
    } else {
      const by = deed === 'more' ? between(random, 2, largest.more) : between(random, 2, Math.max(2, now - 2));
      if (deed === 'fewer' && by > now - 2) return undefined;
      counts.push([by]);
      step(deed === 'more' ? '+' : '-', by, deed === 'more' ? now + by : now - by);
    }
  }
  return {counts, answer: now, lines};
}

const sayAside = ({low, high, say}: Aside, who: Person, random: Random): string => say(who, between(random, low, high));

function write(form: Form, {counts}: Worked, random: Random): string {
  const {story, deeds, wordings, when, order, aside} = form;
  const who = random.pick(PEOPLE);
  const sentences = deeds.flatMap((deed, place) => {
    const wording = wordings[place]!;
    const [count, each] = counts[place]!;
    const sentence =
      deed === 'packs'
        ? story.packs[wording]!(who, count, each!)
        : deed === 'share'
          ? story.share[wording]!.deal(who, count)
          : story[deed][wording]!(who, count);
    const beside = aside?.behind === place ? [sayAside(story.aside[aside.wording]!, who, random)] : [];
    return [sentence, ...beside].map((text) => `${text[0]!.toUpperCase()}${text.slice(1)}.`);
  });
  const last = deeds.at(-1)!;
  const shared = last === 'share' ? story.share[wordings.at(-1)!] : undefined;
  const lines =
    order === 'last'
      ? [...sentences, shared?.ask ?? story.ask(who, when)]
      : [shared?.find ?? story.find(who, when), ...sentences];
  return lines.join(' ');
}

/** A problem whose form and whose numbers are on the same side of the split. */
function draw(random: Random): Problem {
  for (;;) {
    const form = drawForm(random);
    const worked = drawNumbers(form.deeds, random);
    if (worked === undefined) continue;
    const key = keyOf(form);
    if (splitOf(`form:${key}`) !== splitOf(`numbers:${worked.lines.join()}`)) continue;
    return {
      question: write(form, worked, random),
      answer: String(worked.answer),
      solution: worked.lines.join('\n'),
      language: 'en',
      steps: stepsOf(form.deeds.join(' ')),
      cluster: key,
    };
  }
}

/**
 * A right completion as a person would write it down: the paper has people do so with what R1-Zero wrote (supplement B.3.2). The model
 * has found the answer, by whatever working; what is learned from is the short one.
 */
function mend(
  {answer = '', solution = ''}: Prompt,
  {text}: Completion,
  {maxWords}: {readonly maxWords: number},
): Mended {
  if (text.split(/\s+/).length > maxWords) return {ok: false, error: 'too long'};
  return {ok: true, value: worked({answer, solution})};
}

/** Worked out, in tags. */
const worked = ({answer = '', solution = ''}: Pick<Problem, 'answer' | 'solution'>): string =>
  `<think> ${solution} </think> <answer> ${answer} </answer>`;

/** Word problems of one to three steps; two thirds of them have one, a quarter two. */
export const wordProblems = defineTask({
  module: import.meta.url,
  name: 'word-problems',
  problems: draw,
  split: ({cluster = ''}) => splitOf(`form:${cluster}`),
  answer: 'integer',
  respond: worked,
  mend,
  sets: {validation: 60, heldOut: 300},
});
