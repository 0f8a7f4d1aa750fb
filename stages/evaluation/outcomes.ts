/** What became of the answers, in one line for a person: scores add up unparsable and timed-out ones. */
import {OUTCOMES} from '../graders/verdict.js';
import type {Sample} from './sample.js';

/**
 * `24 answers: 7 right, 6 wrong (2 of them cut off), 7 unparsable, 4 timed-out`.
 *
 * @returns `undefined` where no sample has an answer to check
 */
export function outcomeCounts(samples: readonly Pick<Sample, 'outcome' | 'truncated'>[]): string | undefined {
  const answers = samples.filter(({outcome}) => outcome !== 'left-out');
  if (answers.length === 0) return undefined;
  const parts = OUTCOMES.flatMap((outcome) => {
    const those = answers.filter((sample) => sample.outcome === outcome);
    const cut = those.filter(({truncated}) => truncated).length;
    return those.length === 0 ? [] : [`${those.length} ${outcome}${cut === 0 ? '' : ` (${cut} of them cut off)`}`];
  });
  return `${answers.length} answers: ${parts.join(', ')}`;
}
