/** What is said of questions wherever a file is read: rows that repeat or contradict each other, answers that are formulas. */
import {builtInTasks} from '../../tasks/built-in.js';
import type {Prompt} from '../../tasks/prompt.js';
import type {Measure} from './params.js';
import type {Rule} from './reporting.js';
import type {Tally} from './tally.js';

/** An answer as it counts for contradictions: whole numbers by their value, others as they are written. */
export const compared = ({task, answer = ''}: Prompt): string =>
  (task === 'integer' ? builtInTasks.get(task)?.answer?.reference(answer) : undefined) ?? answer;

/** @param measures what is done about them; where nothing can be, they are only told */
export const repeats = (measures?: {
  readonly duplicates: Measure;
  readonly contradictions: Measure;
}): readonly Rule[] => [
  {
    finding: 'duplicate',
    ...(measures !== undefined && {param: 'duplicates'}),
    measure: measures?.duplicates ?? 'count',
    said: [
      'row repeats the question and the answer of an earlier one',
      'rows repeat the question and the answer of an earlier one',
    ],
  },
  {
    finding: 'contradiction',
    ...(measures !== undefined && {param: 'contradictions'}),
    measure: measures?.contradictions ?? 'count',
    said: [
      'row asks what another one asks, and has another answer',
      'rows ask what another one asks, and have another answer',
    ],
  },
];

/** Of answers that look like formulas and are not compared as such. */
export const formulaNotes = ({formulas, formulaExample, rows}: Tally): string[] =>
  formulas === 0
    ? []
    : [
        `${formulas} of ${rows} references are formulas (such as ${formulaExample}) and compared as texts; ` +
          'as answers of the kind “math” they are compared as mathematics',
      ];
