/** HumanEval (Chen et al., arXiv 2107.03374; https://github.com/openai/human-eval): the head of a function, and its tests. */
import {StageFailure} from '../../../pipeline/stage.js';
import {codeRowOf} from '../../data/import/code-rows.js';
import {plainFields} from '../../data/import/values.js';
import type {MakePrompt} from '../row.js';

export const humanEval: MakePrompt = (suite, {fields, at}, {id}) => {
  const found = codeRowOf(plainFields(fields));
  if (found === undefined)
    throw new StageFailure(
      `${at} has no tests: ${suite.title} reads ${suite.data.from}, it has ${Object.keys(fields).join(', ')}`,
    );
  if ('error' in found) throw new StageFailure(`${at}: ${found.error}`);
  return {id, from: [], key: id, task: 'code', ...found};
};
