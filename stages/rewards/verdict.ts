/** What a reward says about one completion. */

/**
 * `right` and `wrong` speak of the completion. `unparsable` and `timed-out` say that there was nothing to judge or no
 * time to; they are worth nothing, but are counted apart. `left-out`: this reward has nothing to say about the prompt.
 */
export type Outcome = 'right' | 'wrong' | 'unparsable' | 'timed-out' | 'left-out';

export interface Verdict {
  readonly outcome: Outcome;
  /** In [0, 1]. Graded rewards are `right` at 1 and `wrong` below. */
  readonly value: number;
}

export const verdict = (outcome: Outcome): Verdict => ({outcome, value: outcome === 'right' ? 1 : 0});

export const graded = (value: number): Verdict => ({outcome: value === 1 ? 'right' : 'wrong', value});
