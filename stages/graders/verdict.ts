/** What a reward or a grader says about one completion. */

/**
 * `right` and `wrong` speak of the completion. `unparsable` and `timed-out` say that there was nothing to judge or no
 * time to; they are worth nothing, but are counted apart. `left-out`: this reward has nothing to say about the prompt.
 * `partial`: a reward or a task of one's own gave a part of the credit.
 */
export const OUTCOMES = ['right', 'partial', 'wrong', 'unparsable', 'timed-out', 'left-out'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What a reward says about one completion. */
export interface Verdict {
  readonly outcome: Outcome;
  /** In [0, 1]. Graded rewards that are built in are `right` at 1 and `wrong` below. */
  readonly value: number;
  /** A few words, where a grader has some: how a program ended, which part of an answer could not be read. */
  readonly why?: string;
  /** Set by the reward `language` where there was no word to judge. */
  readonly wordless?: true;
}

/** A verdict without degrees: 1 for `right`, 0 for anything else. */
export const verdict = (outcome: Outcome): Verdict => ({outcome, value: outcome === 'right' ? 1 : 0});

/**
 * A verdict by degrees.
 *
 * @param value in [0, 1]
 */
export const graded = (value: number): Verdict => ({outcome: value === 1 ? 'right' : 'wrong', value});

/**
 * A verdict by degrees of code of one's own, which may give a part of the credit.
 *
 * @param value in [0, 1]
 */
export const credited = (value: number): Verdict =>
  value > 0 && value < 1 ? {outcome: 'partial', value} : graded(value);

/** Whether a reward did not judge in time; the completion then earns nothing. */
export const isTimedOut = (verdicts: Readonly<Record<string, Verdict>>): boolean =>
  Object.values(verdicts).some(({outcome}) => outcome === 'timed-out');
