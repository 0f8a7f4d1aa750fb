/** Samples for the tests of the evaluation, from a short notation. */
import type {Sample} from '../../../stages/evaluation/index.js';

export const sampleOf = (fields: Partial<Sample> = {}): Sample => ({
  prompt: 'p',
  key: 'p',
  task: 'dials',
  language: 'en',
  steps: 3,
  sample: 0,
  outcome: 'right',
  answer: '1 1',
  wellFormed: true,
  consistency: 1,
  tokens: 10,
  truncated: false,
  helpful: null,
  safe: null,
  reflective: 0,
  text: '',
  ...fields,
});

/**
 * One string per problem, one letter a sample: `r` right, `w` wrong (answer 2 2), `x` wrong in another way (answer 3 3), `i`
 * without an answer.
 */
export const samplesOf = (...problems: string[]): Sample[] =>
  problems.flatMap((letters, problem) =>
    letters.split('').map((letter, sample) => {
      const answer = {r: '1 1', w: '2 2', x: '3 3', i: null}[letter] ?? null;
      const outcome = letter === 'r' ? 'right' : letter === 'i' ? 'unparsable' : 'wrong';
      return sampleOf({prompt: `p${problem}`, key: `p${problem}`, sample, outcome, answer});
    }),
  );
