/** What became of the answers, in one line for a person: scores add up unparsable and timed-out ones. */
import {OUTCOMES} from '../graders/verdict.js';
import type {Extraction} from '../tasks/asking.js';
import type {Sample} from './sample.js';

/** Tasks whose answers stand in tags or in a box (../tasks/answers/answer.ts). */
const MARKED: ReadonlySet<string> = new Set(['integer', 'exact', 'math', 'choice', 'f1']);

/** Responses that are whole and mark nothing as their answer. */
const unmarked = (samples: readonly Counted[]): number =>
  samples.filter(
    ({task, text, truncated}) => MARKED.has(task) && !truncated && !/<answer>|\\(?:boxed|fbox)\b/.test(text),
  ).length;

type Counted = Pick<Sample, 'outcome' | 'truncated' | 'task' | 'text'>;

/**
 * `24 answers: 7 right, 6 wrong (2 of them cut off), 7 unparsable, 4 timed-out`.
 *
 * @returns `undefined` where no sample has an answer to check
 */
export function outcomeCounts(samples: readonly Counted[], extraction: Extraction = 'task'): string | undefined {
  const answers = samples.filter(({outcome}) => outcome !== 'left-out');
  if (answers.length === 0) return undefined;
  const parts = OUTCOMES.flatMap((outcome) => {
    const those = answers.filter((sample) => sample.outcome === outcome);
    const cut = those.filter(({truncated}) => truncated).length;
    return those.length === 0 ? [] : [`${those.length} ${outcome}${cut === 0 ? '' : ` (${cut} of them cut off)`}`];
  });
  // Whoever has set where answers are looked for knows.
  const without = extraction === 'task' ? unmarked(answers) : 0;
  const hint =
    without === 0
      ? ''
      : `; ${without} ${without === 1 ? 'has' : 'have'} neither <answer> … </answer> nor \\boxed{…}, which answers are read from: ask for one of them, or look for answers otherwise (extraction)`;
  return `${answers.length} answers: ${parts.join(', ')}${hint}`;
}
