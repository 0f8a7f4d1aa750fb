/** Which problems one model solves more often than another, and which less often. */
import type {Sample} from './sample.js';

/** Right responses of one model to one problem, and responses in all. */
export interface RightOf {
  readonly right: number;
  readonly of: number;
}

/** A problem that the two models solve differently often. */
export interface ProblemChange {
  /** `Sample.key` */
  readonly problem: string;
  /** Ids of its prompts that both models were asked; where there are none, of all of its prompts. */
  readonly prompts: readonly string[];
  /** Steps that the problem takes, where its task says so. */
  readonly level: number | null;
  readonly baseline: RightOf;
  readonly other: RightOf;
}

/** How many problems the other model solves more often than the baseline, less often, and as often. */
export interface Tally {
  readonly won: number;
  readonly lost: number;
  readonly tied: number;
}

/** The problems with an answer that both models were asked, by the share of right responses. */
export interface WonAndLost extends Tally {
  /** By level, the lowest first; empty where no problem has one. */
  readonly byLevel: readonly (Tally & {readonly level: number})[];
  /** Those won and lost, the largest change of the share first. */
  readonly changes: readonly ProblemChange[];
}

interface Asked extends RightOf {
  readonly level: number | null;
  readonly prompts: ReadonlySet<string>;
}

/**
 * Problems won and lost by `other` against `baseline`, by the share of right responses: what is right in 5 of 8 wins against 9 of 16.
 * Problems that only one was asked, and prompts without an answer to check, are left out.
 *
 * @returns `undefined` where no problem is left
 */
export function wonAndLost(baseline: readonly Sample[], other: readonly Sample[]): WonAndLost | undefined {
  const [before, after] = [byProblem(baseline), byProblem(other)];
  const shared = [...before].flatMap(([problem, one]) => {
    const two = after.get(problem);
    return two === undefined ? [] : [changeOf(problem, one, two)];
  });
  if (shared.length === 0) return undefined;
  const levels = [...new Set(shared.map(({level}) => level))].filter((level) => level !== null).sort((a, b) => a - b);
  return {
    ...tally(shared),
    byLevel: levels.map((level) => ({level, ...tally(shared.filter((change) => change.level === level))})),
    changes: shared
      .filter((change) => gainOf(change) !== 0)
      .sort((a, b) => Math.abs(gainOf(b)) - Math.abs(gainOf(a)) || (a.problem < b.problem ? -1 : 1)),
  };
}

/** By how much the share of right responses is higher in the other model. */
export const gainOf = ({baseline, other}: Pick<ProblemChange, 'baseline' | 'other'>): number =>
  // Of whole numbers, so that equal shares are equal.
  (other.right * baseline.of - baseline.right * other.of) / (baseline.of * other.of);

function changeOf(problem: string, before: Asked, after: Asked): ProblemChange {
  const both = [...before.prompts].filter((prompt) => after.prompts.has(prompt));
  return {
    problem,
    prompts: both.length > 0 ? both : [...new Set([...before.prompts, ...after.prompts])],
    level: before.level,
    baseline: {right: before.right, of: before.of},
    other: {right: after.right, of: after.of},
  };
}

function tally(changes: readonly ProblemChange[]): Tally {
  const won = changes.filter((change) => gainOf(change) > 0).length;
  const lost = changes.filter((change) => gainOf(change) < 0).length;
  return {won, lost, tied: changes.length - won - lost};
}

function byProblem(samples: readonly Sample[]): ReadonlyMap<string, Asked> {
  const problems = new Map<string, {right: number; of: number; level: number | null; prompts: Set<string>}>();
  for (const {key, prompt, outcome, steps} of samples) {
    if (outcome === 'left-out') continue;
    let problem = problems.get(key);
    if (problem === undefined) problems.set(key, (problem = {right: 0, of: 0, level: steps, prompts: new Set()}));
    problem.of += 1;
    problem.right += Number(outcome === 'right');
    problem.prompts.add(prompt);
  }
  return problems;
}
