/**
 * The reasoning task: two dials with digits that wrap around, turned up or down a few times; where do they stand? A
 * direct answer needs the whole computation at once, a worked one needs a single digit a line, so thinking pays and its
 * length follows the problem. Asked in English or Chinese with the same words in the same order.
 */
import {random} from '../random.js';
import {DIALS, PUNCTUATION} from './lexicon.js';
import type {BuiltInLanguage} from '../text/language.js';
import type {Prompt} from './prompt.js';
import {splitOf, type Split} from './splits.js';

export type Dial = 0 | 1;

/** One turn: the dial and by how much, −3 … 3 without 0. */
export interface Move {
  readonly dial: Dial;
  readonly by: number;
}

export interface DialsProblem {
  /** BuiltInLanguage-free: `dials:35:L+2R-1`. */
  readonly key: string;
  readonly language: BuiltInLanguage;
  /** Digits of the left and the right dial at first and at last. */
  readonly start: readonly [number, number];
  readonly moves: readonly Move[];
  readonly answer: readonly [number, number];
}

/** Digits wrap around: 9 up 2 gives 1. */
export const turn = (digit: number, by: number): number => (((digit + by) % 10) + 10) % 10;

const MOVES: readonly Move[] = ([0, 1] as const).flatMap((dial) => [-3, -2, -1, 1, 2, 3].map((by) => ({dial, by})));

/** Completes a problem: its key and its answer follow from where the dials stand and how they are turned. */
export function dialsProblem(
  start: readonly [number, number],
  moves: readonly Move[],
  language: BuiltInLanguage,
): DialsProblem {
  const answer: [number, number] = [...start];
  for (const {dial, by} of moves) answer[dial] = turn(answer[dial], by);
  const turns = moves.map(({dial, by}) => `${dial === 0 ? 'L' : 'R'}${by > 0 ? '+' : '-'}${Math.abs(by)}`);
  return {key: `dials:${start.join('')}:${turns.join('')}`, language, start, moves, answer};
}

/**
 * The `index`-th problem of a stream, on the wanted side of the split. `steps` lists the numbers of turns to choose from;
 * repeat one to make it more frequent. `chinese` is the share asked in Chinese.
 */
export function drawDials(of: {
  readonly seed: number;
  readonly purpose: string;
  readonly index: number;
  readonly split: Split;
  readonly steps: readonly number[];
  readonly chinese: number;
}): DialsProblem {
  const draws = random(of.seed, `dials:${of.purpose}`, of.index);
  const language = draws.uniform() < of.chinese ? 'zh' : 'en';
  const steps = draws.pick(of.steps);
  while (true) {
    const start = [draws.int(10), draws.int(10)] as const;
    const problem = dialsProblem(
      start,
      Array.from({length: steps}, () => draws.pick(MOVES)),
      language,
    );
    if (splitOf(problem.key) === of.split) return problem;
  }
}

/** `left 3 , right 5 . left up 2 . right down 1 . now ?` */
export function dialsQuestion({start, moves, language}: DialsProblem): string {
  const word = (concept: keyof typeof DIALS): string => DIALS[concept][language];
  const {stop, comma, question} = PUNCTUATION;
  const parts = [word('left'), start[0], comma[language], word('right'), start[1], stop[language]];
  for (const {dial, by} of moves) {
    parts.push(word(dial === 0 ? 'left' : 'right'), word(by > 0 ? 'up' : 'down'), Math.abs(by), stop[language]);
  }
  return [...parts, word('now'), question[language]].join(' ');
}

/** One line of reasoning: `left 3 up 2 gives 5 .` */
export interface Step {
  readonly dial: Dial;
  readonly from: number;
  readonly by: number;
  readonly to: number;
  /** A second try at the line before: `wait , left 3 up 2 gives 5 .` */
  readonly wait?: boolean;
}

export function writeStep({dial, from, by, to, wait = false}: Step, language: BuiltInLanguage): string {
  const word = (concept: keyof typeof DIALS): string => DIALS[concept][language];
  const line = [
    word(dial === 0 ? 'left' : 'right'),
    from,
    word(by > 0 ? 'up' : 'down'),
    Math.abs(by),
    word('gives'),
    to,
  ];
  const opening = wait ? [word('wait'), PUNCTUATION.comma[language]] : [];
  return [...opening, ...line, PUNCTUATION.stop[language]].join(' ');
}

/** The steps that lead to the answer, one for each turn. */
export function workedSteps({start, moves}: DialsProblem): Step[] {
  const now: [number, number] = [...start];
  return moves.map(({dial, by}) => {
    const from = now[dial];
    const to = turn(from, by);
    now[dial] = to;
    return {dial, from, by, to};
  });
}

/** The answer as it stands between the answer tags: both digits, left first. */
export const dialsAnswer = ({answer}: DialsProblem): string => answer.join(' ');

export function dialsPrompt(problem: DialsProblem): Prompt {
  return {
    id: `${problem.key}:${problem.language}`,
    from: [],
    task: 'dials',
    key: problem.key,
    language: problem.language,
    question: dialsQuestion(problem),
    answer: dialsAnswer(problem),
    steps: problem.moves.length,
  };
}
